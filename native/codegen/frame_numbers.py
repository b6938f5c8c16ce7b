"""Finds frame numbers written by hand: they belong in python/dcp_evaluator/frames/table.py alone. Run by ``make lint``.

frame_numbers.py --table FRAMES.py FOLDER...
"""

import argparse
import re
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from frame_protocol import constant

_SUFFIXES = frozenset((".py", ".js", ".mjs", ".cpp", ".hpp"))
_USES = re.compile(
    r"(?:sendFrame\(\[|\bencode\(\[|\b_?pack\(|\bcase \["  # the first item of a frame that is made or matched
    r"|\b(?:frame|head|fields|payload)\[0\] [!=]==? )"  # or compared
    r"\s*(\d+)\b"
)


def find(text: str, table: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """Line numbers, and what is wrong there."""
    kinds = {frame.name: str(frame.number) for frame in table["FRAMES"].values()}
    names = {**kinds, **dict.fromkeys(table["CONSTANTS"], r"\d+")}
    definitions = re.compile(
        "|".join(
            rf"\b(?:{name}|{constant(name)})(?:: \w+)?\s*[={{:]\s*(?:std::size_t\s*)?\{{?{number}\b"
            for name, number in names.items()
        )
    )
    statuses = [value for name, value in table["CONSTANTS"].items() if name.startswith("EXIT_")]
    exits = re.compile(rf"(?:exit[ (]|status\s*==\s*)({'|'.join(map(str, statuses))})\b")
    for number, line in enumerate(text.splitlines(), 1):
        if found := definitions.search(line):
            yield number, f"{found[0]}: the table of frames defines it"
        if (found := _USES.search(line)) and int(found[1]) in table["FRAMES"]:
            yield number, f"frame {found[1]} by its number; its name is {table['FRAMES'][int(found[1])].name}"
        if found := exits.search(line):
            yield number, f"exit status {found[1]} by its number"


def main() -> int:
    """Returns the exit status: 1 where there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("folders", type=Path, nargs="+")
    arguments = parser.parse_args()
    table = runpy.run_path(str(arguments.table))
    own = {arguments.table.resolve(), Path(__file__).resolve()}
    failed = 0
    for path in sorted(path for folder in arguments.folders for path in folder.rglob("*")):
        if path.suffix not in _SUFFIXES or path.resolve() in own or "node_modules" in path.parts:
            continue
        for line, what in find(path.read_text(encoding="utf-8"), table):
            print(f"{path}:{line}: {what}", file=sys.stderr)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
