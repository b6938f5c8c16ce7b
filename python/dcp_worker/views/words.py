"""A worker's status in words for people. Foreign text loses what could change a terminal or a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ..control.status import Resource, Sandbox, WorkerStatus
from ..rules.verdict import Reason

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

STATES: Final = {
    "starting": "Starting",
    "working": "Working",
    "idle": "Waiting for work",
    "paused": "Paused",
    "finishing": "Finishing: no new work is taken",
    "stopping": "Stopping",
}


def plain(text: str, longest: int = 200) -> str:
    """In one line, without control characters and without those that change the direction of writing."""
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return "".join(character if character.isprintable() else " " for character in cut)


def duration(seconds: float) -> str:
    """In two units at most: ``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``4 d 3 h``."""
    whole = max(0, int(seconds))
    for size, below, unit, small in ((_DAY, _HOUR, "d", "h"), (_HOUR, _MINUTE, "h", "min"), (_MINUTE, 1, "min", "s")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // below} {small}"
    return f"{whole} s"


def clock(seconds: float) -> str:
    """As running times are written: ``0:12``, ``61:05``."""
    whole = max(0, int(seconds))
    return f"{whole // 60}:{whole % 60:02}"


def moment(when: float, now: float) -> str:
    """The time of day, and the day where it is another one."""
    then = datetime.fromtimestamp(when).astimezone()
    is_today = then.date() == datetime.fromtimestamp(now).astimezone().date()
    return f"{then:%H:%M}" if is_today else f"{then:%a %d %b %H:%M}"


def count(number: float) -> str:
    """Up to one decimal, where it has one."""
    return f"{number:.1f}".removesuffix(".0")


def dcc(amount: float) -> str:
    return f"{amount:.4f}".rstrip("0").rstrip(".") + " DCC" if amount < 100 else f"{amount:.0f} DCC"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def state(status: WorkerStatus) -> str:
    words = STATES[status.state]
    return _because(words, plain(status.reason)) if status.state != "finishing" else words


def _because(words: str, why: str) -> str:
    """``Paused: it is hot``, and ``Paused by its owner``, which says the word itself."""
    if why.casefold().startswith(words.casefold()):
        return words + why[len(words) :]
    return f"{words}: {why}" if why else words


def reason(one: Reason, now: float) -> str:
    until = f", until {moment(one.until, now)}" if one.until is not None else ""
    return f"{plain(one.text)}{until}"


def resource_use(one: Resource) -> str:
    """Such as ``4 of 8 cores``, and how hot it is."""
    use = f"{count(one.used)} of {count(one.limit)} {'cores' if one.kind == 'cpu' else 'in use'}"
    heat = "" if one.temperature is None else f", {one.temperature:.0f} °C"
    return use + heat


def resource_state(one: Resource, now: float) -> str:
    """Whether it may work, and why not."""
    if one.allowed:
        return "may work"
    return _because("paused", "; ".join(reason(each, now) for each in one.reasons))


def share(one: Sandbox) -> str:
    return "" if one.progress is None else f"{min(1.0, max(0.0, one.progress)):.0%}"


def sandbox_job(one: Sandbox) -> str:
    return plain(one.job_name or one.job, 60) if one.job else "-"


@dataclass(frozen=True, slots=True)
class PauseChoice:
    """What can be paused, for how long; ``seconds`` None: until somebody resumes it."""

    label: str
    resource: str
    seconds: float | None


def pause_choices(resources: Sequence[Resource]) -> list[PauseChoice]:
    """The most likely one first."""
    return list(_choices(resources))


def _choices(resources: Sequence[Resource]) -> Iterator[PauseChoice]:
    gpus = [one for one in resources if one.kind == "gpu"]
    targets = [("all", "Everything")]
    if gpus:
        targets.append(("cpu", "The CPU"))
        targets += [(one.id, plain(one.name or one.id, 40)) for one in gpus]
    for identity, name in targets:
        yield PauseChoice(f"{name}, until it is resumed", identity, None)
        for hours in (1, 8):
            yield PauseChoice(f"{name}, for {counted(hours, 'hour')}", identity, hours * 3600.0)
