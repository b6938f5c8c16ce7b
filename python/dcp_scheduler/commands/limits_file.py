"""The operator's limits, a file of TOML: names as docs/network.md has them, and numbers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec

from ..errors import SchedulerError
from ..model.limits import Limits


def read_limits(path: Path) -> Limits:
    """What is not named has its default. Raises SchedulerError."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Limits)
    except OSError as error:
        raise SchedulerError(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SchedulerError(f"{path} is no TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise SchedulerError(f"{path}: {error}; docs/network.md lists all limits") from None
