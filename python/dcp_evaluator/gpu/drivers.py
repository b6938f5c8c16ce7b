"""Which Vulkan drivers hosts load: where some GPUs are not offered, no driver that is for those alone.

A driver opens each of its GPUs in each host, which wakes the discrete one of a laptop and keeps it awake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ..errors import InstallationError
from ..settings import installation
from ..settings.settings import Settings
from . import manifests as vulkan_manifests
from . import places
from .environment import host_environment


def adapters(environment: Mapping[str, str], settings: Settings) -> list[dict[str, Any]]:
    """Those that hosts find in this environment, by index. Raises InstallationError where there is no answer."""
    from ..processes.ask import ask  # what it imports takes long to load

    arguments = ["--library", installation.wgpu_library(), "--list", *settings.isolation_arguments()]
    answer, problem = ask("dcp-gpu-host", arguments, dict(environment), dict)
    if answer is None:
        raise InstallationError(f"the GPU adapters cannot be listed: {problem}; dcp-evaluator --probe tells more")
    return list(answer["adapters"])


def choice(manifests: Sequence[str]) -> dict[str, str]:
    """Variables that make these the only drivers."""
    return dict.fromkeys(places.CHOICES, ":".join(manifests))


def needed(offered: Sequence[str], everything: Sequence[Mapping[str, Any]], settings: Settings) -> list[str] | None:
    """Manifests of the drivers that the ``offered`` identities need, of ``everything`` that there is.

    None, for all of them, where no GPU stays away (a software one does not sleep), where the owner has named the
    drivers, and where those few do not offer just the same.
    """
    left_out = [each for each in everything if each["identity"] not in offered and each["type"] != "cpu"]
    if not left_out or not offered or vulkan_manifests.chosen():
        return None
    kept: list[str] = []
    missing = set(offered)
    manifests = vulkan_manifests.manifests()
    with ThreadPoolExecutor(max_workers=len(manifests) or 1) as pool:
        for manifest, identities in zip(manifests, pool.map(partial(_identities_of, settings), manifests), strict=True):
            if missing & identities:
                kept.append(manifest)
                missing -= identities
    if len(kept) == len(manifests) or missing:
        return None
    same = _shown(everything, offered) == _shown(_adapters_of(settings, kept), offered)
    return kept if same else None


def _adapters_of(settings: Settings, manifests: Sequence[str]) -> list[dict[str, Any]]:
    try:
        return adapters(host_environment() | choice(manifests), settings)
    except InstallationError:
        return []


def _identities_of(settings: Settings, manifest: str) -> set[str]:
    return {str(each["identity"]) for each in _adapters_of(settings, [manifest])}


def _shown(found: Sequence[Mapping[str, Any]], offered: Sequence[str]) -> list[Mapping[str, Any]]:
    return [each for each in found if each["identity"] in offered]
