"""Options of V8 that DCP's programs pass on: those about memory are followed, a notice tells of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_driver import one_message, run, write
from line_peer import TcpEvaluator

# How many buffers of a megabyte fit: with V8 too, they are what a job can go on without.
FILL = """
const buffers = [];
onreadln(() => {
  try {
    while (buffers.length < 60) buffers.push(new Uint8Array(1 << 20).fill(1));
    writeln("all");
  } catch (error) {
    const count = buffers.length;
    buffers.length = 0;
    writeln(`${error.name} ${count}`);
  }
});
"""

ERROR = {"quickjs": "InternalError", "v8": "RangeError"}


def filled(folder: Path, *arguments: str) -> tuple[str, str]:
    """How a script comes along that takes 60 MB, and what is told on stderr."""
    done = run(*write(folder, fill=FILL), *arguments, folder=folder, lines="go\n")
    assert done.returncode == 0
    return done.stdout.rstrip("\n"), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--", "--options=--max-old-space-size=32"],
        ["--", "--max-old-space-size=32"],
        ["--options=--max-old-space-size=32"],
        ["--options=--max_old_space_size=32"],
        ["--options=--max-heap-size=32"],
        ["--options=--max-old-space-size 32"],
        ["--options=--max-old-space-size=500", "--", "--options=--max-old-space-size=32"],
        ["--memory-limit", "32", "--", "--options=--max-old-space-size=500"],
    ],
)
def test_memory_is_limited(tmp_path: Path, engine: str, arguments: list[str]) -> None:
    result, told = filled(tmp_path, *arguments)
    name, count = result.split()
    assert name == ERROR[engine]
    assert 20 < int(count) < 32
    assert ("sandbox 1 is out of memory" in told) == (engine == "quickjs")


@pytest.mark.parametrize("arguments", [["--", "--options=--max-old-space-size=500"], ["--options=--max-heap-size=0"]])
def test_what_fits_is_not_limited(tmp_path: Path, arguments: list[str]) -> None:
    assert filled(tmp_path, *arguments) == ("all", "")


def test_each_sandbox_of_a_listener_is_limited(tmp_path: Path, engine: str) -> None:
    (file,) = write(tmp_path, fill=FILL)
    with TcpEvaluator("--", "--options=--max-old-space-size=32", options=(str(tmp_path / file),)) as evaluator:
        for _ in range(2):
            with evaluator.connect() as peer:
                assert peer.ask("go").startswith(f"{ERROR[engine]} ")
                assert peer.ask("go").startswith(f"{ERROR[engine]} ")


def test_a_notice_tells_of_each_option_without_a_meaning(tmp_path: Path) -> None:
    options = "--expose-gc --max-old-space-size=500,--stack-size=2000 --jitless"
    done = run(*write(tmp_path, start=""), "--", f"--options={options}", "--trace-gc", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    names = ("--expose-gc", "--stack-size=2000", "--jitless", "--trace-gc")
    assert done.stderr.splitlines() == [
        f"dcp-evaluator: the engine option {name} has no meaning here" for name in names
    ]


@pytest.mark.parametrize("value", ["", "much", "-5", "16777217", "9" * 400])
def test_a_notice_tells_of_a_size_that_is_none(tmp_path: Path, value: str) -> None:
    option = f"--max-old-space-size={value}"
    done = run(*write(tmp_path, start=""), "--", f"--options={option}", folder=tmp_path)
    assert one_message(done, 0) == f"the engine option {option} takes MiB, a number from 0 to 16777216, not {value!r}"
