"""An open evaluator for the Distributive Compute Platform: run work functions in sandboxes on this machine.

Names are loaded when they are first used: the command line must start fast.
"""

from importlib import import_module

TYPE_CHECKING = False  # typing itself would take longer to load than all of this

if TYPE_CHECKING:
    from typing import Any

    from .errors import (
        ClusterError,
        DcpError,
        FunctionError,
        InstallationError,
        JobCancelledError,
        JobError,
        NetworkError,
        NotKeptError,
        SliceError,
        SliceErrorGroup,
        ZygoteError,
    )
    from .frames.fields import SliceMetrics
    from .frames.values import shared_empty
    from .gpu.options import GpuOptions
    from .guest.registry import register
    from .jobs.compute_for import compute_for
    from .jobs.events import (
        ConsoleEvent,
        JobMetrics,
        NodeEvent,
        ProgressEvent,
        ResultEvent,
        StatusEvent,
        WorkEvent,
    )
    from .jobs.gpu_map import gpu_map
    from .jobs.job import Job
    from .jobs.results import Results
    from .supervision.evaluator import Evaluator

    __version__: str

__all__ = [
    "ClusterError",
    "ConsoleEvent",
    "DcpError",
    "Evaluator",
    "FunctionError",
    "GpuOptions",
    "InstallationError",
    "Job",
    "JobCancelledError",
    "JobError",
    "JobMetrics",
    "NetworkError",
    "NodeEvent",
    "NotKeptError",
    "ProgressEvent",
    "ResultEvent",
    "Results",
    "SliceError",
    "SliceErrorGroup",
    "SliceMetrics",
    "StatusEvent",
    "WorkEvent",
    "ZygoteError",
    "__version__",
    "compute_for",
    "gpu_map",
    "register",
    "shared_empty",
]

_MODULES = {
    **dict.fromkeys(["DcpError", "FunctionError", "InstallationError", "SliceError", "SliceErrorGroup"], "errors"),
    **dict.fromkeys(
        ["ClusterError", "JobCancelledError", "JobError", "NetworkError", "NotKeptError", "ZygoteError"], "errors"
    ),
    **dict.fromkeys(
        ["ConsoleEvent", "JobMetrics", "NodeEvent", "ProgressEvent", "ResultEvent", "StatusEvent", "WorkEvent"],
        "jobs.events",
    ),
    "Evaluator": "supervision.evaluator",
    "GpuOptions": "gpu.options",
    "Job": "jobs.job",
    "Results": "jobs.results",
    "SliceMetrics": "frames.fields",
    "compute_for": "jobs.compute_for",
    "register": "guest.registry",
    "gpu_map": "jobs.gpu_map",
    "shared_empty": "frames.values",
}

# What the module dcp of sandboxes has.
_IN_SANDBOXES = ("emit", "progress", "public", "reject", "set_slice_handler")


def __getattr__(name: str) -> "Any":
    if name == "__version__":
        return import_module(".settings.installation", __name__).VERSION
    if name == "gpu":
        return import_module(".gpu", __name__)
    if name in _IN_SANDBOXES:
        raise AttributeError(f"dcp.{name} is for work functions: it is there inside their sandboxes only")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
