"""Whether the machine runs on battery."""

from __future__ import annotations

from pathlib import Path

from .files import folders, number, text

_OUTLETS = ("Mains", "USB", "Wireless")


def on_battery(root: Path = Path("/")) -> bool | None:
    """None where there is no battery that the machine could run on."""
    supplies = folders(root / "sys/class/power_supply")
    batteries = [each for each in supplies if text(each / "type") == "Battery" and text(each / "scope") != "Device"]
    if not batteries:
        return None
    outlets = [each for each in supplies if text(each / "type") in _OUTLETS and text(each / "scope") != "Device"]
    if any((number(each / "online") or 0) > 0 for each in outlets):
        return False
    return any(text(each / "status") == "Discharging" for each in batteries)
