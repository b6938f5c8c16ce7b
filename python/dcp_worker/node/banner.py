"""What a worker says of itself when it starts."""

from __future__ import annotations

from collections.abc import Iterator

from ..configuration.settings import WorkerSettings
from ..tasks.capabilities import Worktimes


def banner(settings: WorkerSettings, worker: str, identity: str, account: str, evaluator: str) -> Iterator[str]:
    """Before anything has been tried."""
    yield f" * Starting DCP Worker {worker}"
    yield f" . Using evaluator: {evaluator}"
    yield f" . Configured for scheduler {settings.scheduler.location}"
    if settings.scheduler.bank:
        yield f" . Bank is {settings.scheduler.bank}"
    yield f" . Earned funds will be deposited in account {account}"
    yield f" . Identity is {identity}"
    if settings.jobs is not None:
        yield f" * Processing only jobs {', '.join(settings.jobs)}" if settings.jobs else " ! Processing no jobs"
    if settings.compute_groups:
        yield f" . Joining compute groups {', '.join(group.join_key for group in settings.compute_groups)}"
    if settings.leave_public_group:
        yield " . Leaving the public compute group"
    elif settings.public_group_fallback:
        yield " . Falling back on the public compute group when preferred groups have no work"
    yield f" . Effective cores: {settings.cpu_cores:g} CPU, {settings.gpu_cores:g} GPU"
    yield f" . Maximum sandboxes: {settings.max_sandboxes}"


def evaluator_lines(worktimes: tuple[Worktimes, ...], gpu: dict[str, str], banned: str | None) -> Iterator[str]:
    """Once a sandbox has told what it can do."""
    for each in worktimes:
        yield f" . Worktime {each.name}@{';'.join(each.versions)}"
    if not gpu:
        yield " . WebGPU not available"
        return
    yield " . WebGPU available: " + ", ".join(f"{name} {value}" for name, value in gpu.items() if value)
    if banned:
        yield f" ! This GPU is not used: {banned}"
