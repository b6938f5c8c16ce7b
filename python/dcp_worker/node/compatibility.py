"""Whether a scheduler works with workers of this version (dcp-client's ``index.js``, dcp-worker's
``lib/check-scheduler-version.js``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from semantic_version import NpmSpec, Version

from ..configuration.settings import SchedulerSettings
from ..errors import ConfigurationError

PROTOCOL: Final = "5.0.0"
"""Of DCP's protocol: what dcp-client 4 and 5 provide."""

OPERATIONS: Final = "1.0.0"
"""Of the operations that workers of the type v4 ask for."""

_SKIP_PROTOCOL: Final = "DCP_CLIENT_SKIP_VERSION_CHECK"
_SKIP_OPERATIONS: Final = "DCP_WORKER_CHECK_SEMVER"


def check_compatibility(scheduler: SchedulerSettings, environment: Mapping[str, str] = os.environ) -> None:
    """Raises ConfigurationError where the scheduler says that it does not; it need not say anything."""
    wanted = scheduler.minimum_protocol
    if wanted and _SKIP_PROTOCOL not in environment and not _fits(PROTOCOL, wanted):
        raise ConfigurationError(
            f"the scheduler {scheduler.location} wants version {wanted:.40} of DCP's protocol, and this worker has "
            f"{PROTOCOL}: is there a newer version of it? {_SKIP_PROTOCOL}=1 tries all the same"
        )
    has = scheduler.operations
    is_v4 = "v4" in (scheduler.worker_types or ())
    if is_v4 and has and environment.get(_SKIP_OPERATIONS) != "false" and not _fits(has, f"^{OPERATIONS}"):
        raise ConfigurationError(
            f"the scheduler {scheduler.location} has version {has:.40} of the operations for workers, and this worker "
            f"wants {OPERATIONS}: is there a newer version of it? {_SKIP_OPERATIONS}=false tries all the same"
        )


def _fits(version: str, wanted: str) -> bool:
    """What is no version, or no range of versions, fits: nobody can say."""
    try:
        return Version(version) in NpmSpec(wanted)
    except ValueError:
        return True
