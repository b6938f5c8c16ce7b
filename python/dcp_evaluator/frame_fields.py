"""What the fields of a frame claim, taken with bounds: the code inside may own its sandbox. Raises FrameError."""

from __future__ import annotations

from typing import Any, NamedTuple

from ._native import FrameError

LONGEST_TEXT = 1 << 20
_LONGEST_TIME = 1e12  # ms
_MOST_BYTES = 1 << 60
_GPU_CLOCKS = ("timestamps", "submission")


class SliceMetrics(NamedTuple):
    """What one slice took. The sandbox says so: code that owns its sandbox can say anything.

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


NO_METRICS = SliceMetrics()


def index_of(value: Any) -> int:
    """The slice's number; -1 where there is none, as in what is said between slices."""
    if value is None:
        return -1
    if type(value) is not int or value < 0:
        raise FrameError("a slice number that is none")
    return value


def text_of(value: Any) -> str:
    """At most ``LONGEST_TEXT`` characters of it."""
    if type(value) is not str:
        raise FrameError("a text was expected")
    return value[:LONGEST_TEXT]


def error_of(error: Any) -> tuple[str, str, str]:
    """Name, message and stack."""
    if type(error) is not dict:
        raise FrameError("an error was expected")
    return text_of(error.get("name", "Error")), text_of(error.get("message", "")), text_of(error.get("stack", ""))


def metrics_of(value: Any) -> SliceMetrics:
    """What cannot be true counts as nothing."""
    if type(value) is not dict:
        raise FrameError("metrics were expected")
    clock = value.get("gpuClock")
    return SliceMetrics(
        _milliseconds(value.get("cpu")),
        _milliseconds(value.get("wall")),
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
