"""Whatever the process that starts us was left with: descriptors, signals, an umask, an environment, limits."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# A sandbox, its GPU host, the compiler of a module.
PROGRAM = """
import os
import dcp_evaluator as dcp

WORK = '''async (x) => {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  await WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));
  return `${2 * x} \\u00e9`;
}'''
with dcp.Evaluator() as evaluator:
    results = dcp.compute_for([1, 2, 3], WORK).local_exec(2, evaluator=evaluator).wait(40)
    os.write(2, ascii(list(results)).encode())
"""


def foreign_descriptors() -> None:
    """Some that a caller forgot, where ours would come to lie; none where the three should be."""
    file = os.open(sys.executable, os.O_RDONLY)
    reader, writer = os.pipe()
    for number, source in ((3, file), (4, writer), (9, file), (11, reader), (200, writer)):
        os.dup2(source, number, inheritable=True)
    os.close(0)
    os.close(1)


def ignored_signals() -> None:
    for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def blocked_signals() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def private_umask() -> None:
    os.umask(0o077)


def low_limits() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, 8 << 20))
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.nice(19)


@pytest.mark.parametrize(
    "surroundings", [foreign_descriptors, ignored_signals, blocked_signals, private_umask, low_limits]
)
def test_left_by_the_caller(surroundings: Callable[[], None]) -> None:
    check(dict(os.environ), surroundings)


def test_an_environment_with_nothing_of_use(tmp_path: Path, engine: str) -> None:
    folder = tmp_path / "a deep path" / "with spaces" / "ü"
    folder.mkdir(parents=True)
    for environment in ({}, {"HOME": "/proc/1", "TMPDIR": str(folder), "LC_ALL": "C", "PYTHONUTF8": "0"}):
        check({"DCP_EVALUATOR_ENGINE": engine, "PYTHONPATH": os.pathsep.join(sys.path), **environment})


def check(environment: dict[str, str], before: Callable[[], None] | None = None) -> None:
    """The program gives what it gives anywhere. It answers on stderr, which all surroundings leave."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        preexec_fn=before,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    notice, _, answer = done.stderr.decode().rpartition("\n")
    assert answer == ascii(["2 \u00e9", "4 \u00e9", "6 \u00e9"]), done.stderr.decode()
    assert done.returncode == 0
    assert "Traceback" not in notice
