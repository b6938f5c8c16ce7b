"""JavaScript kernels on our engine and on those of the peers, in turns."""

from __future__ import annotations

import pytest

import peers
from dcp_evaluator.benchmark.processor import KERNELS, kernel_source

# Each round runs the kernel as often as fits into a fifth of it, so that a clock of milliseconds does.
_SCRIPT = """async ({ kernel, seconds }) => {
  const run = KERNELS[kernel], milliseconds = [];
  const value = run();
  for (let round = 0; round < 5; round++) {
    const begun = performance.now();
    let count = 0;
    do { run(); count++; } while (performance.now() - begun < 200 * seconds);
    milliseconds.push((performance.now() - begun) / count);
  }
  return { value, milliseconds };
}"""


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernel(benchmark, measure, evaluator, full, kernel):
    script = _SCRIPT.replace("KERNELS", kernel_source())
    inputs = {"kernel": kernel, "seconds": 1 if full else 0.25}

    def run() -> dict[str, peers.Comparison]:
        ours, passes = peers.sandbox(evaluator), 5 if full else 3
        return {name: peers.compare(ours, peer, script, inputs, passes) for name, peer in others.items()}

    others = peers.javascript_peers() if full else {"Node": peers.node}
    for name, found in benchmark.pedantic(run, rounds=1).items():
        if name == "Node":
            measure(f"JavaScript, {kernel}, a run", found.ours, "ms", f"Node: {found.theirs:.3f}")
        spread, goal = (found.low, found.high), 1.0 if name == "Node" else None
        measure(f"JavaScript, {kernel}, speed / {name}'s", found.ratio, "x", spread=spread, peer=name, goal=goal)
