"""RangeObject: numbers from a start to an end."""

from __future__ import annotations

import math
import re
from typing import Any

from .failures import RangeError
from .lazy import LazySequence
from .numbers import LONGEST_TEXT, count, finite, plain, sign, written

_LARGEST_GROUP = 1 << 24
_NUMBER = r"(-?\d+(?:\.\d+)?)"
_TEXT = re.compile(rf"\[object RangeObject {_NUMBER},{_NUMBER},{_NUMBER},(\d+|undefined)\]", re.ASCII)


class RangeObject(LazySequence):
    """``start``, ``start + step`` ... to ``end``, which is included where a step meets it (``range-object.js``).

    Without ``step`` it is 1, or -1 where the end comes first. With ``group`` each element is a list of that many
    numbers, the last of what is left. Elements are computed in doubles, as JavaScript does.
    """

    def __init__(self, start: float, end: float, step: float | None = None, group: int | None = None) -> None:
        """Raises RangeError for what is not finite, a step that does not lead to the end, and too many elements."""
        self.start = finite(start, "start")
        self.end = finite(end, "end")
        direction = sign(self.end - self.start)
        self.step = float(direction) if step is None else finite(step, "step")
        if sign(self.step) != direction:
            raise RangeError(f"the step {self.step:g} does not lead from {self.start:g} to {self.end:g}")
        self.group = None if group is None else _group(group)
        steps = 1.0 if self.step == 0 else abs((self.end - self.start) / self.step)
        self.step_count = (
            1 if self.step == 0 else count(math.floor(steps) + 1.0 if math.isfinite(steps) else steps, "steps")
        )
        """How many numbers there are, in groups or not."""
        if self.group is not None and min(self.group, self.step_count) > _LARGEST_GROUP:
            raise RangeError(f"groups of {self.group} numbers; there may be {_LARGEST_GROUP}")

    def __len__(self) -> int:
        group = self.group or 1
        return (self.step_count + group - 1) // group

    def _at(self, index: int) -> Any:
        if self.group is None:
            return plain(self.start + index * self.step)
        start = self.group * self.step * index + self.start
        size = min(self.group, self.step_count - self.group * index)
        return [plain(start + number * self.step) for number in range(size)]

    @property
    def has_remainder(self) -> bool:
        """Whether the last group has fewer numbers than the others."""
        return self.group is not None and self.step_count % self.group != 0

    def __str__(self) -> str:
        values = [written(self.start), written(self.end), written(self.step), written(self.group)]
        return f"[object RangeObject {','.join(values)}]"

    def as_json(self) -> dict[str, Any]:
        """What JSON.stringify has of it in JavaScript."""
        group = {} if self.group is None else {"group": plain(float(self.group))}
        return {"start": plain(self.start), "end": plain(self.end), "step": plain(self.step), **group}


def range_object(obj: Any) -> RangeObject | None:
    """Of ``{start, end, step, group}`` or its text; None where it is neither."""
    if isinstance(obj, str) and len(obj) <= LONGEST_TEXT and (parts := _TEXT.fullmatch(obj)):
        start, end, step, group = parts.groups()
        return RangeObject(float(start), float(end), float(step), None if group == "undefined" else int(group))
    if isinstance(obj, dict) and _is_number(obj.get("start")) and _is_number(obj.get("end")):
        given = {name: obj[name] for name in ("step", "group") if name in obj}
        if None in given.values():
            raise RangeError("null is no step or group of a range: leave it out")
        return RangeObject(obj["start"], obj["end"], **given)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _group(value: Any) -> int:
    number = finite(value, "group")
    if not number.is_integer() or number <= 0:
        raise RangeError(f"the group of a range must be a whole number above 0, not {number:g}")
    return int(number)
