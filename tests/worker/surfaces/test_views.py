"""A worker's status in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dcp_worker.control.status import Resource
from dcp_worker.rules.verdict import Reason
from dcp_worker.views import words
from dcp_worker.views.lines import LEVELS, Filter, Line
from recorded_worker import recorded

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-3, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min 0 s"), (185, "3 min 5 s"), (3600, "1 h 0 min"),
        (7859, "2 h 10 min"), (86399, "23 h 59 min"), (97 * 3600, "4 d 1 h"),
    ],
)  # fmt: skip
def test_durations(seconds: float, told: str) -> None:
    assert words.duration(seconds) == told


def test_amounts() -> None:
    assert [words.dcc(amount) for amount in (0, 0.00004, 0.5, 12.34567, 12345.678)] == [
        "0 DCC", "0 DCC", "0.5 DCC", "12.3457 DCC", "12346 DCC",
    ]  # fmt: skip
    assert [words.count(number) for number in (0, 3.0, 35.16)] == ["0", "3", "35.2"]
    assert [words.clock(seconds) for seconds in (-1, 5, 3665)] == ["0:00", "0:05", "61:05"]


@pytest.mark.parametrize("foreign", ["\x1b[31m", "a\nb", "\u202e", "\x00", "\u2028", "\x9b", "\ud800"])
def test_foreign_text_changes_nothing(foreign: str) -> None:
    assert words.plain(f"x{foreign}y").isprintable()
    assert len(words.plain(foreign * 1000)) <= 200


def test_a_state_says_its_word_once() -> None:
    status = replace(recorded(0.0), state="paused", reason="paused by its owner")
    assert words.state(status) == "Paused by its owner"
    assert words.state(replace(status, reason="it is hot")) == "Paused: it is hot"
    assert words.state(replace(status, reason="")) == "Paused"
    one = Resource(id="cpu", name="CPU", kind="cpu", allowed=False, reasons=(Reason("x", "it is hot"),))
    assert words.resource_state(one, 0.0) == "paused: it is hot"
    assert words.resource_state(replace(one, reasons=()), 0.0) == "paused"


def test_what_can_be_paused() -> None:
    cpu = Resource(id="cpu", name="CPU", kind="cpu")
    gpu = Resource(id="0000:01:00.0", name="A GPU\x1b", kind="gpu")
    assert {one.resource for one in words.pause_choices([cpu])} == {"all"}
    choices = words.pause_choices([cpu, gpu])
    assert [one.resource for one in choices] == [*["all"] * 3, *["cpu"] * 3, *["0000:01:00.0"] * 3]
    assert [one.seconds for one in choices[:3]] == [None, 3600, 8 * 3600]
    assert choices[-1].label == "A GPU , for 8 hours"


def test_lines_that_are_shown() -> None:
    lines = [Line(number, 0.0, level, f"Text of {level}") for number, level in enumerate(LEVELS)]
    shown = Filter()
    assert [line.level for line in lines if shown.passes(line)] == ["info", "warning", "error"]
    assert [line.level for line in lines if shown.with_text(" OF W ").passes(line)] == ["warning"]
    levels = []
    for _ in LEVELS:
        shown = shown.next_level()
        levels.append(shown.level)
    assert levels == ["warning", "error", "debug", "info"]
    assert Line(9, 0.0, "strange", "x").level not in LEVELS
    assert not Filter().passes(Line(9, 0.0, "strange", "x"))
