"""Which GPUs the sandboxes of a node get: those that Ray has assigned to its evaluator, and no others.

Ray numbers GPUs as the runtime of their vendor does, whose variable it sets for the programs that it starts. Vulkan has
an order of its own, so they are found by their PCI addresses. Where a number could mean two GPUs, none is taken.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ClusterError, DcpError
from ..gpu.devices import inventory
from ..gpu.options import GpuOptions, list_adapters
from ..settings.settings import Settings
from .machine_gpus import AMD, INTEL, NVIDIA, MachineGpu, machine_gpus

_VARIABLES = {
    NVIDIA: ("CUDA_VISIBLE_DEVICES",),
    AMD: ("HIP_VISIBLE_DEVICES",),
    INTEL: ("ZE_AFFINITY_MASK", "ONEAPI_DEVICE_SELECTOR"),
}
"""What Ray sets."""
_ORDERS = {NVIDIA: ("CUDA_DEVICE_ORDER", "PCI_BUS_ID"), INTEL: ("ZE_ENABLE_PCI_ID_DEVICE_ORDER", "1")}
"""Variables that make a runtime count in the order of PCI, and their values for that."""
_LEVEL_ZERO = "level_zero:"


def gpu_options(
    asked: float, counted: float, settings: Settings, *, software: bool = False, root: Path = Path("/")
) -> GpuOptions:
    """What the sandboxes of this node are offered; called where Ray has assigned GPUs, in a task or an actor.

    ``asked``: of Ray's GPUs, for this task or actor: those are offered. Where it is 0, none is, but with ``software``:
    software adapters then, and other ones only where Ray has ``counted`` no GPU of this node that would be somebody's.
    ``root``: of /sys, /proc and /dev.

    Raises ClusterError where the GPUs of Ray cannot be told from others or have no adapter, and InstallationError.
    """
    if asked:
        import ray

        numbers = ray.get_runtime_context().get_accelerator_ids()["GPU"]
        found = machine_gpus(root)
        return GpuOptions(devices=assigned_devices(numbers, counted, os.environ, found, list_adapters(settings)))
    if not software:
        return GpuOptions(devices=())
    adapters = list_adapters(settings)
    usable = [each["identity"] for each in adapters if not counted or each["type"] == "cpu"]
    if not usable:
        raise ClusterError(f"there is no software adapter; install mesa-vulkan-drivers; {inventory(adapters)}")
    return GpuOptions(devices=usable if counted else None)


def foreseen_refusal(settings: Settings, root: Path = Path("/")) -> str | None:
    """Why an evaluator could not be given one of the GPUs that Ray counts on this node; called in a task.

    None also where only the environment of that evaluator will tell whose GPU it is.
    """
    import ray

    here = ray.get_runtime_context().get_node_id()
    counted = next((node["Resources"].get("GPU", 0) for node in ray.nodes() if node["NodeID"] == here), 0)
    found = machine_gpus(root)
    if not counted or len({gpu.vendor for gpu in found}) > 1:
        return None
    try:
        adapters = list_adapters(settings)
        for number in range(int(counted)):
            assigned_devices([str(number)], counted, os.environ, found, adapters)
    except DcpError as error:
        return str(error)
    return None


def assigned_devices(
    ids: Sequence[str],
    counted: float,
    environment: Mapping[str, str],
    gpus: Sequence[MachineGpu],
    adapters: Sequence[Mapping[str, Any]],
) -> tuple[str, ...]:
    """The adapters of Ray's GPUs ``ids``, as ``GpuOptions.devices`` takes them.

    ``counted``: how many Ray says that there are; ``gpus``: how many there are; ``adapters``: as ``list_adapters``
    gives them. Raises ClusterError where one of the ids could mean another GPU, or has no adapter.
    """
    if not ids:
        raise ClusterError("Ray has assigned no GPU to this evaluator")
    if any(each.upper().startswith("MIG-") for each in ids):
        raise ClusterError(
            "Ray has assigned a part of a GPU (MIG), which has no Vulkan; turn MIG off there: nvidia-smi -mig 0"
        )
    if not all(each.isdecimal() for each in ids):
        return tuple(_named(each, adapters) for each in ids)
    vendor = _vendor(ids, environment, gpus)
    own = [gpu for gpu in gpus if gpu.vendor == vendor]
    chosen = _numbered(sorted(map(int, ids)), counted, environment, own)
    return tuple(_adapter(gpu, adapters) for gpu in chosen)


def _vendor(ids: Sequence[str], environment: Mapping[str, str], gpus: Sequence[MachineGpu]) -> str:
    """Whose numbers they are."""
    present = sorted({gpu.vendor for gpu in gpus})
    if not present:
        raise ClusterError(
            f"Ray has assigned GPU {_listed(ids)}, but the kernel has none here that computes; dcp-evaluator --probe "
            "says more"
        )
    if len(present) == 1:
        return present[0]
    told = [vendor for vendor in present if any(_says(environment.get(name), ids) for name in _VARIABLES[vendor])]
    if len(told) != 1:
        names = " and ".join(_VARIABLES[vendor][0] for vendor in present)
        raise ClusterError(
            f"this node has GPUs of {' and '.join(present)}, and whose Ray's GPU {_listed(ids)} is cannot be told from "
            f"{names}; start Ray without RAY_EXPERIMENTAL_NOSET_... there, and without these two"
        )
    return told[0]


def _says(value: str | None, ids: Sequence[str]) -> bool:
    return value is not None and set(value.removeprefix(_LEVEL_ZERO).split(",")) == set(ids)


def _numbered(
    numbers: Sequence[int], counted: float, environment: Mapping[str, str], gpus: Sequence[MachineGpu]
) -> list[MachineGpu]:
    if len({gpu.address for gpu in gpus}) < len(gpus) or max(numbers) >= len(gpus) or counted > len(gpus):
        raise ClusterError(
            f"Ray counts {counted:g} GPUs of this node, of which this evaluator has {_listed(numbers)}, but there are "
            f"{len({gpu.address for gpu in gpus})}: {_listed(gpu.address for gpu in gpus)}; start Ray with the option "
            "--num-gpus there, and do not divide GPUs into parts"
        )
    if len(numbers) == len(gpus):
        return list(gpus)
    vendor = gpus[0].vendor
    variable, value = _ORDERS.get(vendor, ("", ""))
    is_sure = len({gpu.model for gpu in gpus}) == 1 and "ROCR_VISIBLE_DEVICES" not in environment
    if not is_sure and (not variable or environment.get(variable) != value):
        raise ClusterError(
            f"which GPU Ray's {_listed(numbers)} is cannot be told: this node has different ones of {vendor}, "
            f"{_listed(f'{gpu.model} at {gpu.address}' for gpu in gpus)}; {_remedy(vendor)}"
        )
    return [gpus[number] for number in numbers]


def _remedy(vendor: str) -> str:
    whole = "give the evaluator all GPUs of its node"
    if vendor not in _ORDERS:
        return f"{whole}, without ROCR_VISIBLE_DEVICES there"
    variable, value = _ORDERS[vendor]
    return f"start Ray with {variable}={value} in its environment there, or {whole}"


def _named(name: str, adapters: Sequence[Mapping[str, Any]]) -> str:
    """By a UUID or the first part of one, as CUDA_VISIBLE_DEVICES may have it."""
    begin = name.lower().removeprefix("gpu-")
    fitting = {str(each["identity"]) for each in adapters if str(each.get("uuid") or "").startswith(begin)}
    if not re.fullmatch(r"GPU-[0-9a-f-]+", name, re.IGNORECASE) or len(fitting) != 1:
        uuids = _listed(f"{each.get('uuid')} ({each['device']})" for each in adapters) or "none"
        raise ClusterError(f"which adapter Ray's GPU {name!r} is cannot be told from their UUIDs: {uuids}")
    return fitting.pop()


def _adapter(gpu: MachineGpu, adapters: Sequence[Mapping[str, Any]]) -> str:
    for adapter in adapters:
        if adapter.get("pci") == gpu.address:
            return str(adapter["identity"])
    raise ClusterError(
        f"the GPU at {gpu.address} that Ray has assigned ({gpu.vendor}) has no adapter for sandboxes: "
        f"{inventory(adapters)}; dcp-evaluator --probe on that node says why"
    )


def _listed(items: Any) -> str:
    return ", ".join(map(str, items))
