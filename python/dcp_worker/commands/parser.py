"""Options in the spellings of yargs, which npm's programs use, and what is said of those that nothing knows."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from ..configuration.suggestions import nearest
from ..errors import WorkerError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_DURATION = 10 * 366 * 86400
_DISTRIBUTION = "dcp-evaluator"


class UsageError(WorkerError):
    """The command line is wrong."""


class Parser(argparse.ArgumentParser):
    """Raises UsageError instead of ending the program; options are to be spelled out, --pid-file or --pidFile."""

    def __init__(self, prog: str, description: str = "", epilog: str = "", usage: str | None = None, **_: Any) -> None:
        super().__init__(
            prog,
            usage,
            description,
            epilog,
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=False,
        )
        self.add_argument("-h", "--help", action="help", help="show this, and end")

    def option(self, *names: str, group: Any = None, **rest: Any) -> None:
        """``names``: of which those of several words have two spellings."""
        (group or self).add_argument(*(spelling for name in names for spelling in spellings(name)), **rest)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Of what is not understood, the message shows the names of options alone: the rest may be a secret."""
        options, unknown = self.parse_known_args(arguments)
        names = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        if names:
            self.error(
                f"there is no option {names[0] if names[0].startswith('--') else names[0][:2]}{self._hint(names[0])}"
            )
        if unknown:
            self.error(f"arguments too many: {len(unknown)}")
        return options

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")

    def _hint(self, name: str) -> str:
        known = [spelling for spelling in self._option_string_actions if spelling.startswith("--")]
        found = nearest(name, known) if name.startswith("--") else ""
        return f" (is it {found}?)" if found else ""


def _shown(name: str) -> str:
    return name if name.startswith("--") else name[:2]


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Shows one spelling of each option."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        strings = action.option_strings
        if not strings:
            return super()._format_action_invocation(action)
        shown = [string for string in strings if not string.startswith("--")][:1]
        shown += [string for string in strings if string.startswith("--")][:1]
        value = "" if action.nargs == 0 else f" {self._format_args(action, action.dest.upper())}"
        return ", ".join(shown) + value


class ShowVersion(argparse.Action):
    """Prints the program's name and version, and ends it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        print(f"{parser.prog} {version(_DISTRIBUTION)}")
        parser.exit()


def spellings(name: str) -> list[str]:
    """--pidFile is --pid-file too, and the other way round."""
    if not name.startswith("--"):
        return [name]
    words = name.removeprefix("--")
    first, *rest = words.split("-")
    camel = first + "".join(word[:1].upper() + word[1:] for word in rest)
    dashed = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", words).lower()
    return list(dict.fromkeys([name, f"--{camel}", f"--{dashed}"]))


def number(low: float, high: float) -> Any:
    """A kind of arguments."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return read


def whole(low: int, high: int) -> Any:
    """A kind of arguments."""

    def read(text: str) -> int:
        value = number(low, high)(text)
        if value != int(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
        return int(value)

    return read


def duration(text: str) -> float:
    """A kind of arguments: seconds, said as 90, 90s, 30m, 8h or 2d."""
    unit = _UNITS.get(text[-1:], 0)
    try:
        seconds = float(text[:-1]) * unit if unit else float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _LONGEST_DURATION:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, such as 90s, 30m, 8h or 2d")
    return seconds


def boolean(text: str) -> bool:
    """A kind of arguments."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def two_numbers(text: str) -> tuple[float | None, float | None]:
    """A kind of arguments: ``CPU,GPU``, of which either may be missing, and the comma with the second."""
    parts = text.split(",")
    try:
        values = [_short(float(part)) if part.strip() else None for part in parts]
    except ValueError:
        values = []
    if not 1 <= len(values) <= 2 or any(value is not None and not 0 <= value < 1e6 for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is not CPU,GPU, such as 7,1 or 7 or ,1")
    return values[0], values[1] if len(values) == 2 else None


def _short(number: float) -> float:
    return int(number) if number == int(number) else number
