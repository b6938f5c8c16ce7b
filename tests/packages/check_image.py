"""Runs the image of ``make image`` with podman, as docs/container.md says: ``make check-image``.

It needs root, podman and runc. The root is read-only, there is no capability and no network. With the profile for
seccomp, installed.py passes: every layer of isolation is in force. Without it, under what Docker refuses by default,
``--probe`` names the layers that are off. Then a worker is set up, works, is healthy, tells its metrics, and ends in
time when it is stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from debian_roots import BUILD
from image import MACHINE, PYTHON, image_of
from podman import Podman
from trial import trial
from wheels import ROOT, wheel_of

_PROFILE = ROOT / "packaging" / "container" / "seccomp.json"
_GRACE = 45  # seconds, as in packaging/container/compose.yaml
_STARTS = 60.0  # seconds
# Docker's default profile lets no process without CAP_SYS_ADMIN make these calls (clone: with a flag of a namespace).
_DOCKER_REFUSES = [
    *("mount", "mount_setattr", "move_mount", "open_tree", "pivot_root", "setdomainname", "sethostname", "umount2"),
    "unshare",
]
_NAMESPACE_FLAGS = [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]
_MISSING_THEN = {
    *(f"{kind} namespace" for kind in ("user", "pid", "network", "mount", "ipc", "uts", "cgroup")),
    *("host name", "empty root"),
}
_METRICS = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics').read().decode())"


def main() -> int:
    """Returns the exit status."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    wheel = wheel_of(PYTHON, MACHINE)
    path = image_of(wheel) if wheel else None
    if path is None or not path.exists():
        print("error: there is no image in out/packages; run: make image", file=sys.stderr)
        return 1
    with Podman(BUILD / "image" / "podman") as podman:
        print(f"==> Loading {path.relative_to(ROOT)}", flush=True)
        image = podman.load(path)
        _is_whole(podman, image)
        _tells_what_is_missing(podman, image)
        _works_as_a_service(podman, image)
    return 0


def _is_whole(podman: Podman, image: str) -> None:
    print("==> With packaging/container/seccomp.json", flush=True)
    try_it = ("python", "/run/installed.py", "--dcp-client=/run/node_modules/dcp-client")
    print(podman.run(*_secured(), *_mounted(trial()), image, *try_it))


def _tells_what_is_missing(podman: Podman, image: str) -> None:
    print("==> Under what Docker refuses by default", flush=True)
    with _as_docker() as profile:
        report = json.loads(
            podman.run(f"--security-opt=seccomp={profile}", image, "dcp-evaluator", "--probe", "--json")
        )
    print(report["verdict"])
    off = {layer["layer"] for layer in report["isolation"]["layers"] if not layer["in_force"]}
    if off != _MISSING_THEN:
        sys.exit(f"error: docs/container.md says {sorted(_MISSING_THEN)}, and {sorted(off)} are off")


def _works_as_a_service(podman: Podman, image: str) -> None:
    print("==> A worker from its setup to its end", flush=True)
    mounts = {path: place for path, place in trial().items() if path == "/run/node_modules"}
    volumes = ("--volume=state:/var/lib/dcp", "--volume=cache:/var/cache/dcp", *_mounted(mounts))
    setup = ("dcp-worker", "setup", "--from=/run/node_modules/dcp-client", "--new-account")
    print(podman.run(*_secured(), *volumes, image, *setup).rpartition("\n")[2])
    script = {"/run/scheduler.py": Path(__file__).with_name("endless_scheduler.py")}
    podman.begin("scheduler", *_mounted(script), image, "python", "/run/scheduler.py")
    location = _wait_for("the scheduler", lambda: podman.tell("logs", "scheduler"))
    settings = {"DCP_SCHEDULER_LOCATION": location, "DCP_CONFIG_NODE": '{ metrics: "0.0.0.0:9100" }'}
    variables = [f"--env={name}={value}" for name, value in settings.items()]
    podman.begin("worker", *_secured(), *volumes, *variables, image, network="container:scheduler")
    _wait_for("the worker", lambda: podman.succeeds("exec", "worker", "dcp-worker", "status"))
    _wait_for("results", lambda: _results(podman) > 0)
    begun = time.monotonic()
    podman.tell("stop", f"--time={_GRACE}", "worker")
    took, status = time.monotonic() - begun, podman.tell("inspect", "--format={{.State.ExitCode}}", "worker")
    said = podman.tell("logs", "worker")
    if status != "0" or took >= _GRACE:
        sys.exit(f"{said}\nerror: stopped, the worker ends with status {status} after {took:.0f} s")
    print(f"stopped, the worker ends after {took:.1f} s")


def _results(podman: Podman) -> float:
    for line in podman.tell("exec", "worker", "python", "-c", _METRICS).splitlines():
        if line.startswith("dcp_worker_results_submitted_total"):
            return float(line.split()[1])
    return 0.0


def _secured() -> tuple[str, ...]:
    return (f"--security-opt=seccomp={_PROFILE}",)


def _mounted(files: dict[str, Path]) -> list[str]:
    return [f"--volume={outside}:{inside}:ro" for inside, outside in files.items()]


@contextmanager
def _as_docker() -> Iterator[Path]:
    """A profile that refuses the same as Docker's of what sandboxes need."""
    profile: dict[str, Any] = json.loads(_PROFILE.read_text(encoding="utf-8"))
    refused = {"names": _DOCKER_REFUSES, "action": "SCMP_ACT_ERRNO"}
    clones = [
        {
            "names": ["clone"],
            "action": "SCMP_ACT_ERRNO",
            "args": [{"index": 0, "value": flag, "valueTwo": flag, "op": "SCMP_CMP_MASKED_EQ"}],
        }
        for flag in _NAMESPACE_FLAGS
    ]
    clone3 = {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}
    profile["syscalls"] += [refused, *clones, clone3]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(profile, file)
        file.flush()
        yield Path(file.name)


def _wait_for(what: str, there: Callable[[], Any]) -> Any:
    """What ``there`` gives as soon as that is true; exits where it takes too long."""
    deadline = time.monotonic() + _STARTS
    while not (found := there()):
        if time.monotonic() > deadline:
            sys.exit(f"error: {what} cannot be seen after {_STARTS:g} s")
        time.sleep(0.5)
    return found


if __name__ == "__main__":
    sys.exit(main())
