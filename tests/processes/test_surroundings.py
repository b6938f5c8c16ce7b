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

from cli_driver import COMMAND, one_message, run, write

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


def descriptors_beyond_the_limit() -> None:
    """Opened before the limit was lowered: no file action of a spawn may name them.

    The kernel holds the limit against all descriptors that are on their way for this user, those of other tests too.
    """
    file = os.open(sys.executable, os.O_RDONLY)
    for number in (600, 751):
        os.dup2(file, number, inheritable=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))


@pytest.mark.parametrize(
    "surroundings",
    [
        foreign_descriptors,
        ignored_signals,
        blocked_signals,
        private_umask,
        low_limits,
        descriptors_beyond_the_limit,
    ],
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


# --- What is too little is named with its remedy ---


def few_files(soft: int, hard: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(("soft", "hard"), [(16, 1024), (64, 64), (32, 32)])
def test_the_command_takes_as_many_files_as_it_may(tmp_path: Path, soft: int, hard: int) -> None:
    (name,) = write(tmp_path, script="print(1 + 1)")
    done = run("--shell", name, folder=tmp_path, before=few_files(soft, hard))
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


@pytest.mark.parametrize("limit", [5, 8, 12, 20, 31])
def test_too_few_files_for_the_command(tmp_path: Path, limit: int) -> None:
    (name,) = write(tmp_path, script="print(1 + 1)")
    message = one_message(run("--shell", name, folder=tmp_path, before=few_files(limit, limit)), 1)
    assert "open files" in message
    assert message.endswith(f"; use fewer sandboxes, or raise the limit of {limit} with ulimit -n, as root")


def test_too_few_files_for_a_job() -> None:
    program = (
        "import resource, dcp_evaluator as dcp\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (9, 64))\n"
        "try: list(dcp.compute_for([1], '(x) => x').local_exec(1))\n"
        "except dcp.DcpError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "; use fewer sandboxes, or raise the limit of 9 with ulimit -n, up to 64" in done.stdout
    assert done.stderr == ""


def test_without_proc(tmp_path: Path) -> None:
    (name,) = write(tmp_path, script="print(1 + 1)")
    hide = 'mount -t tmpfs none /proc && exec "$@"'
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    done = subprocess.run(
        ["unshare", *user, "--mount", "sh", "-c", hide, "sh", *COMMAND, "--shell", tmp_path / name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    message = one_message(done, 1)
    assert message.endswith(
        "/proc is not mounted, and no sandbox can be made without it; as root: mount -t proc proc /proc"
    )


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    shell, lines = write(tmp_path, shell="print('lost')", lines="writeln('lost')")
    for arguments in (["--shell", shell], [lines]):
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [*COMMAND, *arguments],
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
                check=False,
            )
        assert one_message(done, 1) == "the output cannot be written: No space left on device"
