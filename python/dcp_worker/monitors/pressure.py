"""How long programs wait for memory."""

from __future__ import annotations

import re
from pathlib import Path

from .files import text


def memory_pressure(root: Path = Path("/")) -> float | None:
    """Percent of the last ten seconds in which some program waited; None where the kernel does not measure it."""
    found = re.search(r"^some avg10=(\d+\.\d+)", text(root / "proc/pressure/memory"), re.MULTILINE)
    return float(found[1]) if found else None
