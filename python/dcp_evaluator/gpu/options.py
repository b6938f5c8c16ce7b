"""What sandboxes may use of the GPU: which adapters, how much memory, for how long."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..settings.settings import Settings
from . import devices as gpu_devices
from . import drivers
from .environment import host_environment

FIELDS = ("vendor", "architecture", "device", "description")
"""What a pattern can look at: the members of GPUAdapterInfo."""
LEAST_STAGING, MOST_STAGING = 64 << 20, 2 << 30
SUBMISSION_TIMEOUT = 60.0
_TIMESTAMPS = {None: "hardware", True: "always", False: "never"}


class GpuOptions:
    """Limits of each sandbox, and the adapters that sandboxes are offered.

    Raises ValueError for what makes no sense, with what would.

    ``memory_limit``: bytes of buffers and textures, None without a limit. ``staging_limit``: bytes of mapped ranges and
    of data on its way to the GPU, 64 MiB to 2 GiB. ``timeout``: seconds that a submission, or the compilation of a
    shader or pipeline, may take; None for ever.

    ``timestamps``: whether GPU time is taken by the GPU's clock where it has one, which costs two timestamps a
    submission; None: where the adapter is no software. Else it is taken from submission to completion.

    ``allow``, ``ban``: regular expressions, searched for in an adapter's ``device``, or in another field of its info as
    ``FIELD=PATTERN``; an adapter is offered where one of ``allow`` is found, or there is none, and none of ``ban``.
    ``devices``: the adapters to offer, the preferred one first: indices, as ``--probe`` shows them, or PCI addresses or
    UUIDs. An index is looked up once, and from then on stands for the GPU that had it.
    """

    def __init__(
        self,
        *,
        memory_limit: int | None = None,
        staging_limit: int = 512 << 20,
        timeout: float | None = SUBMISSION_TIMEOUT,
        timestamps: bool | None = None,
        allow: Iterable[str] = (),
        ban: Iterable[str] = (),
        devices: Iterable[int | str] | None = None,
    ) -> None:
        if memory_limit is not None and memory_limit < 0:
            raise ValueError(f"the GPU memory limit is {memory_limit}; it is a number of bytes")
        if not LEAST_STAGING <= staging_limit <= MOST_STAGING:
            raise ValueError(f"the GPU staging limit is {staging_limit}; it is 64 MiB to 2 GiB, in bytes")
        if timeout is not None and not 0.001 <= timeout < 1e6:
            raise ValueError(f"the GPU timeout is {timeout:g}; it is a number of seconds, 0.001 or more")
        self.memory_limit = memory_limit
        self.staging_limit = staging_limit
        self.timeout = timeout
        self.timestamps = timestamps
        self.allow, self.ban = tuple(allow), tuple(ban)
        self.devices = None if devices is None else tuple(map(_device, devices))
        self.withheld: frozenset[str] = frozenset()
        """Identities of adapters that hosts do not get from now on; may be changed at any time, by any thread."""
        self._visible: list[str] | None = None
        self._manifests: list[str] | None = None
        self._patterns = {text: _compile(text) for text in (*self.allow, *self.ban)}

    @property
    def chooses(self) -> bool:
        """Whether some adapters may not be offered."""
        return bool(self.allow or self.ban or self.devices is not None)

    def refusal(self, index: int, info: Mapping[str, Any]) -> str | None:
        """Why the adapter with this index and info is not offered; None where it is."""
        if self.devices is not None and not any(gpu_devices.names(device, index, info) for device in self.devices):
            return f"not among the devices {_listed(self.devices)}"
        for pattern in self.ban:
            if self._found(pattern, info):
                return f"banned by {pattern!r}"
        if self.allow and not any(self._found(pattern, info) for pattern in self.allow):
            return f"not allowed by {_listed(map(repr, self.allow))}"
        return None

    def _found(self, pattern: str, info: Mapping[str, Any]) -> bool:
        name, compiled = self._patterns[pattern]
        return compiled.search(str(info.get(name) or "")) is not None

    def visible(self, settings: Settings) -> list[str] | None:
        """Identities of the adapters to offer, the preferred one first; None for all.

        Asks the driver once, where there is something to choose. Raises ValueError for a device that is not there, and
        InstallationError.
        """
        if self._visible is None and self.chooses:
            adapters = list_adapters(settings)
            self._visible = self._choose(adapters)
            self._manifests = drivers.needed(self._visible, adapters, settings)
        return self._visible

    def _choose(self, adapters: list[dict[str, Any]]) -> list[str]:
        wanted = adapters if self.devices is None else [_found(device, adapters) for device in self.devices]
        offered = [each["identity"] for each in wanted if self.refusal(adapters.index(each), each) is None]
        return list(dict.fromkeys(offered))

    def environment(self) -> dict[str, str]:
        """Of GPU hosts: they do not load a driver whose GPUs are not offered, and so do not wake those."""
        environment = host_environment()
        return environment if self._manifests is None else environment | drivers.choice(self._manifests)

    def arguments(self) -> list[str]:
        """Options of dcp-gpu-host, but for the adapters."""
        limits = ["--staging", str(self.staging_limit), "--timestamps", _TIMESTAMPS[self.timestamps]]
        if self.memory_limit is not None:
            limits += ["--memory", str(self.memory_limit)]
        if self.timeout is not None:
            limits += ["--timeout", str(round(self.timeout * 1000))]
        return limits


def list_adapters(settings: Settings) -> list[dict[str, Any]]:
    """The adapters that sandboxes can get, by index. Raises InstallationError where the driver gives no answer."""
    return drivers.adapters(host_environment(), settings)


def _device(device: int | str) -> int | str:
    if isinstance(device, int):
        if device < 0:
            raise ValueError(f"the GPU device is {device}; an index is 0 or more")
        return device
    known = gpu_devices.canonical(device)
    if known is None:
        raise ValueError(f"the GPU device {device!r} is no index, PCI address or UUID; --probe shows them")
    return known


def _found(device: int | str, adapters: list[dict[str, Any]]) -> dict[str, Any]:
    for index, adapter in enumerate(adapters):
        if gpu_devices.names(device, index, adapter):
            return adapter
    raise ValueError(f"there is no GPU device {device}; {gpu_devices.inventory(adapters)}")


def _compile(text: str) -> tuple[str, re.Pattern[str]]:
    name, equals, pattern = text.partition("=")
    if not equals or name not in FIELDS:
        name, pattern = "device", text
    try:
        return name, re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the GPU pattern {text!r} is no regular expression: {error}") from None


def _listed(items: Iterable[Any]) -> str:
    return ", ".join(map(str, items)) or "(none)"
