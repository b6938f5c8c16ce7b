"""The table of frames: what is made from it, what docs/protocol.md says of it, and numbers written by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dcp_evaluator.frames import table

pytestmark = pytest.mark.any_engine

ROOT = Path(__file__).parents[2]
CODEGEN = ROOT / "native" / "codegen"
TABLE = ROOT / "python" / "dcp_evaluator" / "frames" / "table.py"
_ROW = re.compile(r"\| `\[(\d+)((?:, \w+)*)\]` \| (\w+) \| (?:(\d+) (MiB|KiB|bytes), (\d+) values? \|)?")


def test_each_number_is_known_by_its_name():
    assert all(getattr(table, frame.name) == number for number, frame in table.FRAMES.items())
    assert all(getattr(table, name) == value for name, value in table.CONSTANTS.items())


def test_the_documentation_has_the_same_frames():
    documented = []
    from_sandbox = False
    for line in (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("| from the sandbox | name"):
            from_sandbox = True
        if row := _ROW.match(line):
            fields = tuple(row[2].split(", ")[1:])
            most_bytes = int(row[4] or 0) << {"MiB": 20, "KiB": 10}.get(row[5], 0)
            documented.append(table.Frame(int(row[1]), row[3], from_sandbox, fields, most_bytes, int(row[6] or 0)))
    assert documented == list(table.FRAMES.values())


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("LARGEST_PAYLOAD", 1 << 30, "Largest payload: 1 GiB"),
        ("MOST_DESCRIPTORS", 64, "at most 64 descriptors per frame"),
        ("LARGEST_INLINE", 64 << 10, "Buffers above 64 KiB travel"),
        ("MOST_CHARACTERS", 1 << 20, "at most 1,048,576 characters"),
        ("DEEPEST_VALUE", 512, "up to 512 deep"),
        ("MOST_KEYS", 1 << 20, "at most 1,048,576 keys"),
        ("MOST_BIGINT_DIGITS", 1 << 20, "a BigInt 1,048,576 hexadecimal digits"),
        ("VALUE_COST", 64, "64 bytes for each value and each key"),
        ("CONTAINER_COST", 512, "512 for each array and each object"),
        ("EXIT_OUT_OF_MEMORY", 86, "exit status 86"),
        ("EXIT_OTHER_PROTOCOL", 87, "exit status 87"),
    ],
)
def test_the_documentation_has_the_same_bounds(name, value, text):
    assert table.CONSTANTS[name] == value
    assert text in " ".join((ROOT / "docs" / "protocol.md").read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("a.js", f"ops.sendFrame([{table.RESULT}, slice.id, value]);"),
        ("a.js", f"  const READY = {table.READY};"),
        ("a.js", f"if (frame[0] === {table.RUN}) run();"),
        ("a.hpp", f"inline constexpr int kModuleSource = {table.MODULE_SOURCE};"),
        ("a.hpp", f"inline constexpr std::size_t kMostDescriptors = {table.MOST_DESCRIPTORS};"),
        ("a.cpp", f"_exit({table.EXIT_OUT_OF_MEMORY});"),
        ("a.py", f"encode([{table.RUN}, index, datum], shared)"),
        ("a.py", f"        case [{table.OUTPUT}, 1 | 2 as stream, str(text)]:"),
        ("a.py", f"RESULT = {table.RESULT}"),
        ("a.py", f'OUT_OF_MEMORY = "exit {table.EXIT_OUT_OF_MEMORY}"'),
    ],
)
def test_a_number_written_by_hand_is_found(tmp_path, file, line):
    (tmp_path / file).write_text(f"\n{line}\n")
    checked = check(tmp_path)
    assert checked.returncode == 1
    assert checked.stderr.startswith(f"{tmp_path / file}:2: ")


def test_other_numbers_are_none_of_its_business(tmp_path):
    (tmp_path / "a.js").write_text("const OUT_OF_MEMORY = 3;\nops.sendFrame([RESULT, 22]);\n")
    assert check(tmp_path).returncode == 0


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, CODEGEN / "frame_numbers.py", "--table", TABLE, folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
