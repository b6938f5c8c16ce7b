"""The GPU that sandboxes get, and whether its owner wants it used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..configuration.kinds import BannedGpu
from ..sandboxes.sandbox import Sandbox

_ASK = """(async () => {
  const adapter = await navigator.gpu?.requestAdapter();
  const info = {};
  for (const name in adapter?.info ?? {}) info[name] = String(adapter.info[name]);
  return info;
})()"""
_SHOWN = 200


async def gpu_information(sandbox: Sandbox) -> dict[str, str]:
    """``adapter.info`` as a work function would see it; empty where there is no GPU. Raises SandboxError."""
    found: Any = await sandbox.evaluate(_ASK)
    if not isinstance(found, dict):
        return {}
    return {str(name)[:_SHOWN]: str(value)[:_SHOWN] for name, value in found.items()}


def ban(information: dict[str, str], banned: Sequence[BannedGpu]) -> str | None:
    """Why this GPU is not used, or None."""
    for each in banned:
        if (value := information.get(each.property)) and each.pattern.search(value):
            return f"its {each.property} is {value!r}, which worker.bannedGPUs names"
    return None
