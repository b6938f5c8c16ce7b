"""What a sandbox says, as typed values. The code inside may own its sandbox: every field is checked here, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from .._native import FrameError
from . import table

_LONGEST_TIME = 1e12  # ms
_MOST_BYTES = 1 << 60
_MOST_RETRIES = 100
_MOST_SLICES = 1 << 53
_GPU_CLOCKS = ("timestamps", "submission")
_LEVELS = frozenset(("debug", "log", "info", "warn", "error", "trace"))


class SliceMetrics(NamedTuple):
    """What one slice took. These numbers come from the sandbox; hostile code can falsify them.

    ``cpu``, ``wall``, ``gpu``: milliseconds of its sandbox's CPU time, of wall time, of GPU time (0 where the GPU was
    not used). ``gpu_clock`` says how GPU time was taken: ``"timestamps"``, by the GPU's clock around each submission;
    ``"submission"``, from submission to completion; None where there was none. ``gpu_up``, ``gpu_down``: bytes to and
    from the GPU. ``gpu_memory``: the most bytes that its buffers and textures had at once.
    """

    cpu: float = 0.0
    wall: float = 0.0
    gpu: float = 0.0
    gpu_up: int = 0
    gpu_down: int = 0
    gpu_memory: int = 0
    gpu_clock: str | None = None

    def __repr__(self) -> str:
        return repr_with_units("SliceMetrics", self._asdict())


def repr_with_units(name: str, metrics: Mapping[str, Any]) -> str:
    """Numbers with a fraction are milliseconds; of the others the names say what they count."""
    shown = (
        f"{key}={value:.3f} ms" if isinstance(value, float) else f"{key}={value!r}" for key, value in metrics.items()
    )
    return f"{name}({', '.join(shown)})"


NO_METRICS = SliceMetrics()


class GuestError(NamedTuple):
    """An exception of the work function."""

    name: str
    message: str
    stack: str


class Ready(Struct, frozen=True):
    """The runtime has started."""


class Assigned(Struct, frozen=True):
    """The work function is there."""


class AssignmentFailed(Struct, frozen=True):
    """The work function cannot be used."""

    error: GuestError


class Progress(Struct, frozen=True):
    """``progress(value)``. ``index``: of the slice, -1 between slices; so in Console and Emit."""

    index: int
    value: Any


class Console(Struct, frozen=True):
    """``console.<level>``."""

    index: int
    level: str
    text: str


class Emit(Struct, frozen=True):
    """``work.emit(name, value)``."""

    index: int
    name: str
    value: Any


class UnusableEmit(Struct, frozen=True):
    """An event whose value cannot be represented here."""

    index: int


class Result(Struct, frozen=True):
    """The work function returned ``value``."""

    index: int
    value: Any
    metrics: SliceMetrics


class UnusableResult(Struct, frozen=True):
    """It returned what cannot be represented here, or has more bytes than the limit."""

    index: int
    reason: str


class Failed(Struct, frozen=True):
    """The work function threw."""

    index: int
    error: GuestError
    metrics: SliceMetrics


class Spent(Struct, frozen=True):
    """The work function failed and the sandbox takes no more slices: memory had run out, or Python had ended."""

    index: int
    error: GuestError
    metrics: SliceMetrics


class Rejected(Struct, frozen=True):
    """``work.reject(reason, retries)``: the slice wants to run again, so many times at most."""

    index: int
    reason: str
    retries: int


Output = Progress | Console | Emit | UnusableEmit
"""What output_limit counts."""
Failure = UnusableResult | Failed | Spent | Rejected
"""What ends the run of a slice without a result."""
SandboxFrame = Ready | Assigned | AssignmentFailed | Output | Result | Failure


def typed(fields: list[Any]) -> SandboxFrame:
    """The frame of these MessagePack values, its kind first. Raises FrameError."""
    kind = fields[0] if fields else None
    if type(kind) is not int or (read := _READERS.get(kind)) is None:
        raise FrameError("a frame of an unknown kind")
    if len(fields) != _LENGTHS[kind]:
        raise FrameError(f"a frame of kind {kind} with {len(fields) - 1} fields")
    return read(*fields)


def unusable(kind: int, index: int | None, reason: str) -> SandboxFrame:
    """Stands for a frame whose value cannot be represented here. Raises FrameError where its kind brings none."""
    match kind:
        case table.RESULT if index is not None:
            return UnusableResult(_index(index), reason)
        case table.PROGRESS:
            return Progress(_index_or_none(index), None)
        case table.EMIT:
            return UnusableEmit(_index_or_none(index))
    raise FrameError(f"a frame cannot be decoded: {reason}")


def _index(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MOST_SLICES:
        raise FrameError("not a slice number")
    return value


def _index_or_none(value: Any) -> int:
    return -1 if value is None else _index(value)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise FrameError("a text was expected")
    return value[: table.MOST_CHARACTERS]


def _level(value: Any) -> str:
    level = _text(value)
    return level if level in _LEVELS else "log"


def _error(error: Any) -> GuestError:
    if type(error) is not dict:
        raise FrameError("an error was expected")
    return GuestError(_text(error.get("name", "Error")), _text(error.get("message", "")), _text(error.get("stack", "")))


def _retries(value: Any) -> int:
    if type(value) not in (int, float) or not value > 0:  # NaN too
        return 0
    return int(min(value, _MOST_RETRIES))


def _metrics(value: Any) -> SliceMetrics:
    """Impossible numbers count as 0."""
    if type(value) is not dict:
        raise FrameError("metrics were expected")
    cpu, wall = _milliseconds(value.get("cpu")), _milliseconds(value.get("wall"))
    if "gpuUp" not in value:  # the GPU was not used
        return SliceMetrics(cpu, wall)
    clock = value.get("gpuClock")
    return SliceMetrics(
        cpu,
        wall,
        _milliseconds(value.get("gpu")),
        _bytes(value.get("gpuUp")),
        _bytes(value.get("gpuDown")),
        _bytes(value.get("gpuMemory")),
        clock if type(clock) is str and clock in _GPU_CLOCKS else None,
    )


def _milliseconds(value: Any) -> float:
    return float(value) if type(value) in (int, float) and 0 <= value < _LONGEST_TIME else 0.0


def _bytes(value: Any) -> int:
    return int(value) if type(value) in (int, float) and 0 <= value < _MOST_BYTES else 0


# A reader takes the kind, and the fields that the table of frames gives it.
_READERS: dict[int, Callable[..., SandboxFrame]] = {
    table.READY: lambda kind: Ready(),
    table.ASSIGNED: lambda kind: Assigned(),
    table.ASSIGNMENT_FAILED: lambda kind, error: AssignmentFailed(_error(error)),
    table.PROGRESS: lambda kind, index, value: Progress(_index_or_none(index), value),
    table.CONSOLE: lambda kind, index, level, text: Console(_index_or_none(index), _level(level), _text(text)),
    table.EMIT: lambda kind, index, name, value: Emit(_index_or_none(index), _text(name), value),
    table.RESULT: lambda kind, index, value, metrics: Result(_index(index), value, _metrics(metrics)),
    table.FAILED: lambda kind, index, error, metrics: Failed(_index(index), _error(error), _metrics(metrics)),
    table.REJECTED: lambda kind, index, reason, retries: Rejected(_index(index), _text(reason), _retries(retries)),
    table.SPENT: lambda kind, index, error, metrics: Spent(_index(index), _error(error), _metrics(metrics)),
}
_LENGTHS = {kind: 1 + len(table.FRAMES[kind].fields) for kind in _READERS}
