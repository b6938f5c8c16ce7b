"""The configuration with what the scheduler says of its network."""

from __future__ import annotations

import asyncio
from typing import Final

from ..configuration import remote
from ..configuration.configuration import Configuration
from ..errors import ConfigurationError
from ..logs.notices import Notices

_PATIENCE: Final = 60.0
_PAUSE: Final = 5.0


async def with_remote(configuration: Configuration, notices: Notices) -> Configuration:
    """Waits for a scheduler that is not there yet, for a minute. Raises ConfigurationError."""
    location = configuration.config_location
    if location is None:
        return configuration
    loop = asyncio.get_running_loop()
    until = loop.time() + _PATIENCE
    dialect = 5 if configuration.settings.node.dialect == "5" else 4
    while True:
        try:
            return configuration.with_remote(await remote.fetch(location, dialect), location)
        except ConfigurationError as error:
            if loop.time() + _PAUSE > until:
                raise
            notices.say("warning", f"{error}; trying again")
            await asyncio.sleep(_PAUSE)
