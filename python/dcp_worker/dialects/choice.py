"""Which dialect a scheduler speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import ConfigurationError
from .dialect import Dialect
from .services import member
from .v4 import DialectV4
from .v5 import DialectV5

V4: Final = DialectV4()
V5: Final = DialectV5()
_BY_NAME: Final[Mapping[str, Dialect]] = {V4.name: V4, V5.name: V5}
# Services that only programs of dcp-client 5 use.
_OF_V5: Final = ("scheduler.services.jnu", "pxAuth")


def choose(configuration: Mapping[str, Any], wanted: str = "auto") -> Dialect:
    """``wanted``: ``4``, ``5`` or ``auto``; ``configuration`` is the scheduler's, or that and others merged.

    A scheduler that takes workers of the type ``v4`` is spoken to in dialect 4, as the dcp-worker that is released
    does. Where ``scheduler.worker.types`` is not there, services that only dialect 5 has decide for it. Raises
    ConfigurationError for other names, and for a scheduler that takes none of these workers.
    """
    if wanted != "auto":
        if wanted not in _BY_NAME:
            raise ConfigurationError(f"there is no dialect {wanted:.20}: choose auto, 4 or 5")
        return _BY_NAME[wanted]
    types = member(configuration, "scheduler.worker.types")
    if not isinstance(types, list):
        return V5 if any(member(configuration, service) is not None for service in _OF_V5) else V4
    if "v4" in types:
        return V4
    if "v5" in types:
        return V5
    raise ConfigurationError(
        "the scheduler takes no workers of this kind (scheduler.worker.types has neither v4 nor v5): "
        "is there a newer version of this program? --dialect 4 or 5 tries all the same"
    )
