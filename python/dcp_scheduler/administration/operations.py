"""All operations of an operator, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..dialects.fields import Fields
from ..errors import RefusedError
from . import accounts, audit, compute_groups, jobs, packages, workers
from .office import Office, Operation

OPERATIONS: dict[str, Operation] = {
    **accounts.OPERATIONS,
    **compute_groups.OPERATIONS,
    **jobs.OPERATIONS,
    **workers.OPERATIONS,
    **packages.OPERATIONS,
    **audit.OPERATIONS,
}


async def perform(office: Office, name: str, parameters: Mapping[str, Any]) -> Any:
    """Raises RefusedError."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise RefusedError("ENOSYS", f"this scheduler is of another version: it knows nothing of {name!r:.80}")
    return await operation(office, Fields(dict(parameters), "the command"))
