"""What a supervisor and a sandbox with DCP's start-up files tell each other, where dialects 4 and 5 differ.

Dialect 4 is that of the files of dcp-client 4, dialect 5 that of dcp-client 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from dcp_protocol import kvin

from ..tasks.capabilities import Capability, Worktime, Worktimes
from ..tasks.job import Job
from .capability_objects import to_bits

UNCAUGHT = "EUNCAUGHT"
"""Code of what a work function throws."""


class Description(NamedTuple):
    """What a sandbox says it can do. ``capabilities`` is that as it came, which dialect 4 passes on to schedulers."""

    capability: Capability
    worktimes: tuple[Worktimes, ...]
    capabilities: Mapping[str, Any]


class SandboxMessages(Protocol):
    """The messages of a dialect. ``kvin_version``: in which values are written for the sandbox."""

    kvin_version: kvin.Version

    def requirements(self, job: Job, worktime: Worktime) -> dict[str, Any]:
        """``applyRequirements``: what of the environment the job keeps."""

    def assignment(self, job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any]) -> dict[str, Any]:
        """``assign``. ``arguments`` are values that KVIN can write."""

    def trial(self, job: Job, worktime: Worktime, work_function: str) -> str | None:
        """A source to evaluate before ``assign``, which throws where ``assign`` would never answer; None without."""

    def thrown(self, error: kvin.JSError) -> kvin.JSError:
        """The result of a slice that threw ``error``, as npm's supervisor makes it."""


class _Messages4:
    kvin_version: kvin.Version = 8

    def requirements(self, job: Job, worktime: Worktime) -> dict[str, Any]:
        given = job.requirements if isinstance(job.requirements, dict) else {}
        environment = given.get("environment")
        environment = environment if isinstance(environment, dict) else {}
        needs = {"webgpu": Capability.WEBGPU in job.needs, "offscreenCanvas": Capability.OFFSCREEN_CANVAS in job.needs}
        requirements = {**given, "environment": {**environment, **needs}}
        return {"requirements": requirements, "worktime": worktime.name, "request": "applyRequirements"}

    def assignment(self, job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any]) -> dict[str, Any]:
        return _assignment({"address": job.identity}, job, worktime, work_function, arguments)

    def trial(self, job: Job, worktime: Worktime, work_function: str) -> str | None:
        return None

    def thrown(self, error: kvin.JSError) -> kvin.JSError:
        """Own properties in the order in which kvin writes those of an error."""
        given = error.properties
        properties: dict[str, Any] = {
            name: given[name] for name in ("code", "stack", "lineNumber", "fileName") if given.get(name)
        }
        properties["errorCode"] = UNCAUGHT
        if given.get("columnNumber"):
            properties["columnNumber"] = given["columnNumber"]
        properties["name"] = error.name or "UncaughtExceptionError"
        return kvin.JSError(error.message, properties)


class _Messages5:
    kvin_version: kvin.Version = 9

    def requirements(self, job: Job, worktime: Worktime) -> dict[str, Any]:
        return {
            "webgpu": int(job.needs & Capability.WEBGPU),
            "offscreenCanvas": int(job.needs & Capability.OFFSCREEN_CANVAS),
            "worktime": worktime.name,
            "request": "applyRequirements",
        }

    def assignment(self, job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any]) -> dict[str, Any]:
        return _assignment({"id": job.identity}, job, worktime, work_function, arguments)

    def trial(self, job: Job, worktime: Worktime, work_function: str) -> str | None:
        """Compiles the work function without running it: of a syntax error the files of dcp-client 5 say nothing."""
        if worktime.name != "map-basic":
            return None
        strict = '"use strict"; ' if job.use_strict else ""
        return f"void function () {{ {strict}return (\n{work_function}\n); }}"

    def thrown(self, error: kvin.JSError) -> kvin.JSError:
        given = error.properties
        first: dict[str, Any] = {}
        first |= {name: given[name] for name in ("code", "stack", "lineNumber", "fileName") if name in given}
        properties = {**first, "message": error.message, "errorCode": UNCAUGHT, **given}
        stack = given.get("stack")
        for head in ("DCPError", "Error"):
            if isinstance(stack, str) and stack.startswith(head):
                properties["stack"] = f"UncaughtExceptionError{stack[len(head) :]}"
                break
        return kvin.JSError(error.message, properties)


V4: SandboxMessages = _Messages4()
V5: SandboxMessages = _Messages5()


def described(message: Mapping[str, Any]) -> Description:
    """What a sandbox answers to ``describe``, in both dialects. Raises ValueError where it is none."""
    capabilities = message.get("capabilities")
    found = message.get("worktimes")
    if not isinstance(capabilities, dict) or not isinstance(found, list):
        raise ValueError("it has no capabilities and worktimes")
    return Description(to_bits(capabilities) | Capability.KVIN_V9, _worktimes(found), capabilities)


def _assignment(
    identity: dict[str, str], job: Job, worktime: Worktime, work_function: str, arguments: Sequence[Any]
) -> dict[str, Any]:
    return {
        "request": "assign",
        "job": {
            **identity,
            "arguments": list(arguments),
            "dependencies": list(job.dependencies),
            "modulePath": list(job.module_path),
            "public": dict(job.public),
            "requirePath": list(job.require_path),
            "workFunction": work_function,
            "useStrict": job.use_strict,
            "worktime": {"name": worktime.name, "version": worktime.version},
        },
        "sandboxConfig": {},
    }


def _worktimes(found: Sequence[Any]) -> tuple[Worktimes, ...]:
    """Dialect 4 has the versions of each worktime together, dialect 5 apart. Raises ValueError."""
    versions: dict[str, list[str]] = {}
    for item in found:
        name = item.get("name") if isinstance(item, dict) else None
        given = item.get("versions", [item.get("version")]) if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(given, list) or not all(isinstance(text, str) for text in given):
            raise ValueError("its worktimes have no names and versions")
        versions.setdefault(name, []).extend(given)
    return tuple(Worktimes(name, tuple(texts)) for name, texts in versions.items())
