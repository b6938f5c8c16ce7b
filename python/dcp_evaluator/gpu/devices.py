"""How owners name GPUs: by the index that --probe shows, or by what stays the same, a PCI address or a UUID."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_PCI = re.compile(r"(?:([0-9a-f]{4,8}):)?([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])")
_UUID = re.compile(r"(?:gpu-)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_NUMBERED = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{4,8}#[0-9]{1,3}")
MEMBERS = ("identity", "pci", "uuid")
"""Those of an adapter that name it."""


def canonical(text: str) -> str | None:
    """A PCI address, UUID or other identity as ``dcp-gpu-host`` writes it; None where it is none.

    ``65:00.0``, and ``00000000:65:00.0`` and ``GPU-...`` of nvidia-smi are understood too.
    """
    text = text.strip().lower()
    if pci := _PCI.fullmatch(text):
        return f"{int(pci[1] or '0', 16):04x}:{pci[2]}"
    if uuid := _UUID.fullmatch(text):
        return uuid[1]
    return text if _NUMBERED.fullmatch(text) else None


def names(device: int | str, index: int | None, adapter: Mapping[str, Any]) -> bool:
    """Whether ``device`` is the adapter with this index."""
    if isinstance(device, int):
        return device == index
    return device in {adapter.get(member) for member in MEMBERS}


def inventory(adapters: Iterable[Mapping[str, Any]]) -> str:
    """What there is, for a message."""
    listed = [f"{index} ({each['device']}, {each['identity']})" for index, each in enumerate(adapters)]
    return "there are " + ", ".join(listed) if listed else "this machine has no adapter for sandboxes"
