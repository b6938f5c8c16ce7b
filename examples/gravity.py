"""Small galaxies that fall together: a work function in Python steps them on the GPU, and numpy measures them.

    python examples/gravity.py [GALAXIES]

Each galaxy is one slice. Its bodies stay on the GPU for a hundred steps at a time.
"""

from __future__ import annotations

import sys

import numpy as np

import dcp_evaluator as dcp

BODIES = 256
STEPS = 100
ROUNDS = 3
STEP = 0.004
SOFTENING = 0.02  # squared: no two bodies meet

GRAVITY = """
override softening: f32;
@group(0) @binding(0) var<storage, read_write> places: array<vec4f>;  // x, y, z, mass
@group(0) @binding(1) var<storage, read_write> speeds: array<vec4f>;
@group(0) @binding(2) var<uniform> step: f32;

@compute @workgroup_size(64)
fn kick(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= arrayLength(&places)) { return; }
  var pull = vec3f();
  for (var other = 0u; other < arrayLength(&places); other++) {
    let way = places[other].xyz - places[at.x].xyz;
    pull += places[other].w * way * pow(dot(way, way) + softening, -1.5);
  }
  speeds[at.x] += vec4f(step * pull, 0);
}

@compute @workgroup_size(64)
fn drift(@builtin(global_invocation_id) at: vec3u) {
  if (at.x >= arrayLength(&places)) { return; }
  places[at.x] += vec4f(step * speeds[at.x].xyz, 0);
}
"""


def begin(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bodies at rest: their places with their masses, and their speeds."""
    places = np.random.default_rng(seed).normal(size=(BODIES, 4)).astype(np.float32)
    places[:, 3] = 1 / BODIES
    return places, np.zeros_like(places)


def energy(places: np.ndarray, speeds: np.ndarray) -> float:
    """Of motion, and of the pull between all pairs."""
    place, mass = places[:, :3].astype(float), places[:, 3].astype(float)
    distances = np.sqrt(((place[:, None] - place) ** 2).sum(axis=2) + SOFTENING)
    pairs = (mass[:, None] * mass / distances)[np.triu_indices(len(mass), 1)]
    return float((mass * (speeds[:, :3].astype(float) ** 2).sum(axis=1)).sum() / 2 - pairs.sum())


async def evolve(seed: int) -> dict[str, float]:
    places, speeds = begin(seed)
    before = energy(places, speeds)
    for _ in range(ROUNDS):
        found = await dcp.gpu.run(
            GRAVITY,
            entry=["kick", "drift"] * STEPS,
            bindings={"places": places, "speeds": speeds, "step": STEP},
            constants={"softening": SOFTENING},
        )
        places, speeds = found["places"], found["speeds"]
    radius = np.median(np.linalg.norm(places[:, :3], axis=1))
    return {"radius": float(radius), "drift": abs(energy(places, speeds) / before - 1)}


def main() -> None:
    galaxies = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    for seed, end in enumerate(dcp.compute_for(range(galaxies), evolve).local_exec()):
        print(f"galaxy {seed}: half of it within {end['radius']:.3f}, energy kept to {end['drift']:.2%}")


if __name__ == "__main__":
    main()
