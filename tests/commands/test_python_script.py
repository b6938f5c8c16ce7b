"""``dcp-evaluator --python``: a Python program in one fresh sandbox."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from cli_driver import COMMAND, DEADLINE, one_message, run
from dcp_evaluator.distribution.places import FOLDER_VARIABLE
from python_distribution import python_environment

_WHOLE = """\
import asyncio, atexit, logging, sys, warnings
import js

print(__name__, __file__, sys.argv)
print("a part", end="; ", flush=True)
sys.stdout.buffer.write("ü€\\n".encode())
sys.stdout.buffer.write(b"\\xff\\n")
warnings.warn("careful")
logging.warning("logged")
js.console.error("of JavaScript")
atexit.register(print, "the end")

async def later(text):
    await asyncio.sleep(0)
    print(text)

await later("awaited")
asyncio.ensure_future(later("a task"))
print(input(), repr(sys.stdin.read()))
"""

_FAILING = """\
import asyncio

async def half(number):
    await asyncio.sleep(0)
    return number / 2

def work():
    print(asyncio.run(half(5)))
    import scipyy

work()
"""

_TOO_LARGE = """\
import sys

try:
    bytearray(1 << 30)
except MemoryError as error:
    print(type(error).__name__)
    sys.exit(259)
"""


@pytest.fixture(autouse=True)
def distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in python_environment().items():
        monkeypatch.setenv(name, value)


def _without_notices(text: str) -> list[str]:
    """Lines of the program itself: a slow machine is told why it waits."""
    return [line for line in text.splitlines() if not line.startswith("dcp-evaluator: ")]


def test_a_program_has_arguments_and_streams(tmp_path: Path) -> None:
    (tmp_path / "whole.py").write_text(_WHOLE)
    command = [*COMMAND, "--python", "whole.py", "--probe", "--", "x"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, timeout=DEADLINE, check=False, input=b"\xc3\xbc\n2\n"
    )
    expected = "__main__ whole.py ['whole.py', '--probe', '--', 'x']\na part; ü€\n".encode()
    assert done.stdout == expected + b"\xff\nawaited\n\xc3\xbc '2\\n'\na task\nthe end\n"
    assert _without_notices(done.stderr.decode()) == [
        "whole.py:8: UserWarning: careful",
        '  warnings.warn("careful")',
        "WARNING:root:logged",
        "of JavaScript",
    ]
    assert done.returncode == 0


def test_an_exception_shows_the_users_lines_and_how_to_get_a_module() -> None:
    done = run("--python", "-", lines=_FAILING)
    assert done.returncode == 1
    assert done.stdout == "2.5\n"
    assert _without_notices(done.stderr) == [
        "Traceback (most recent call last):",
        '  File "<stdin>", line 11, in <module>',
        "    work()",
        '  File "<stdin>", line 9, in work',
        "    import scipyy",
        "ModuleNotFoundError: No module named 'scipyy'",
    ]
    assert done.stderr.splitlines()[-1].startswith(
        "dcp-evaluator: Pyodide 0.27.7 has no module or package 'scipyy'; did you mean scipy?"
    )


def test_output_comes_at_once_and_ctrl_c_ends_the_program(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text("print('begun')\nwhile True: pass\n")
    command = [*COMMAND, "--python", "endless.py"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            assert process.stdout.readline() == b"begun\n"
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 130
            assert _without_notices(process.stderr.read().decode()) == []
        finally:
            process.kill()


def test_the_exit_status_is_the_programs(tmp_path: Path) -> None:
    (tmp_path / "large.py").write_text(_TOO_LARGE)
    done = run("--memory-limit", "300", "--python", tmp_path / "large.py")
    assert (done.returncode, done.stdout, _without_notices(done.stderr)) == (3, "MemoryError\n", [])


def test_modules_beside_the_program_come_along_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import os, near\nprint(near.text(), sorted(os.listdir()))")
    (tmp_path / "near.py").write_text("from package.inner import word\ndef text(): return word")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "inner.py").write_text("word = 'found'")
    (tmp_path / "package" / "data.txt").write_text("of no module")
    (tmp_path / "other.py").write_text("1 / 0")
    done = run("--python", tmp_path / "main.py")
    assert (done.returncode, done.stdout) == (0, "found ['near.py', 'package']\n"), done.stderr


@pytest.mark.any_engine
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--python"], "--python needs a FILE; see"),
        (["--python", "--memory-limit", "9", "a.py"], "--python needs a FILE at once: put --memory-limit before it"),
        (["--shell", "--python", "a.py"], "not allowed with argument --shell"),
        (["--port", "1", "--python", "a.py"], "--port has no meaning with --python"),
        (["b.py", "--python", "a.py"], "a FILE has no meaning with --python"),
        (["--python", "missing.py"], "cannot read 'missing.py': No such file or directory"),
        (["--python", "latin.py"], "'latin.py' is not UTF-8 text: line 2, byte 0xfc"),
    ],
)
def test_what_is_wrong_is_said(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "latin.py").write_bytes(b"# one\n# \xfc\n")
    assert message in one_message(run(*arguments, folder=tmp_path), 2)


@pytest.mark.any_engine
def test_without_a_distribution_the_command_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    done = run("--python", tmp_path / "a.py", environment={FOLDER_VARIABLE: str(tmp_path / "none")})
    assert one_message(done, 1).endswith("run: dcp-evaluator python install")
