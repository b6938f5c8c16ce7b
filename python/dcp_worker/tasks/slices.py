"""A slice of a job as a scheduler hands it out, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dcp_protocol.messages.bodies import JsonText


class SliceKey(NamedTuple):
    """Which slice."""

    job: str
    number: int


@dataclass(frozen=True, slots=True)
class Authorization:
    """What proves that slices were handed out to this worker: goes back with all that is told of them.

    ``text``: the reply of ``requestTask`` without its body, as JSON.
    """

    text: JsonText


@dataclass(frozen=True, slots=True)
class Storage:
    """Where a result goes: to the scheduler, or to ``url`` with the form fields ``parameters`` (type ``pattern``)."""

    url: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    key: SliceKey
    datum: str = ""
    """URI; empty where it is element ``number - 1`` of the job's input set."""
    storage: Storage = Storage()
    is_estimation: bool = False
    is_long: bool = False
    cotasks: int = 0
    authorization: Authorization


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """Times are milliseconds, sizes the UTF-16 units of serialized texts."""

    cpu_time: float = 0.0
    gpu_time: float = 0.0
    total_time: float = 0.0
    """From the begin to the end of the slice in its sandbox."""
    input_size: int = 0
    output_size: int = 0

    @property
    def cpu_density(self) -> float:
        return self.cpu_time / self.total_time if self.total_time > 0 else 0.0

    @property
    def gpu_density(self) -> float:
        return self.gpu_time / self.total_time if self.total_time > 0 else 0.0


@dataclass(frozen=True, slots=True)
class SliceError:
    """Why a slice has no result. ``code`` is DCP's: ENOPROGRESS, ESLICETOOSLOW, EUNCAUGHT, EWORKREJECT ..."""

    code: str
    message: str
    name: str = "Error"
    stack: str = ""
    own_code: str = ""
    """What the work function has set as the error's code."""
