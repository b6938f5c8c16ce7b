"""The environment of a GPU host: what a Vulkan loader and its drivers read, by name; nothing else of ours reaches them.

Variables that name files to write, or programs to run, are not among them.
"""

from __future__ import annotations

import os

from . import places

# Where manifests, settings and libraries are. HOME, TMPDIR and the like it sets itself, to a folder of its own.
_PLACES = ("XDG_CONFIG_DIRS", "XDG_DATA_DIRS", "LD_LIBRARY_PATH")

_LOADER = (
    *places.CHOICES, places.ADDITION, "VK_LOADER_DRIVERS_SELECT",
    "VK_LOADER_DRIVERS_DISABLE", "VK_LAYER_PATH", "VK_ADD_LAYER_PATH", "VK_INSTANCE_LAYERS", "VK_LOADER_LAYERS_ENABLE",
    "VK_LOADER_LAYERS_DISABLE", "VK_LOADER_LAYERS_ALLOW", "VK_LOADER_DEBUG", "VK_LOADER_DISABLE_INST_EXT_FILTER",
    "VK_LOADER_DISABLE_SELECT", "VK_LOADER_DEVICE_SELECT",
)  # fmt: skip

# Which GPU, and the work-arounds that owners set for theirs.
_MESA = (
    "DRI_PRIME", "MESA_VK_DEVICE_SELECT", "MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE", "NODEVICE_SELECT",
    "MESA_VK_VERSION_OVERRIDE", "MESA_VK_ABORT_ON_DEVICE_LOSS", "MESA_VK_ENABLE_SUBMIT_THREAD", "MESA_DEBUG",
    "MESA_LOADER_DRIVER_OVERRIDE", "mesa_glthread", "LIBGL_ALWAYS_SOFTWARE", "LIBGL_DEBUG",
    "GALLIUM_DRIVER", "GALLIUM_OVERRIDE_CPU_CAPS", "LP_NUM_THREADS", "LP_NATIVE_VECTOR_WIDTH", "LP_DEBUG", "LP_PERF",
    "AMD_VULKAN_ICD", "RADV_DEBUG", "RADV_PERFTEST", "RADV_FORCE_VRS", "RADV_TEX_ANISO", "RADV_FORCE_FAMILY",
    "ACO_DEBUG", "AMD_DEBUG",
    "ANV_DEBUG", "ANV_QUEUE_OVERRIDE", "ANV_ENABLE_PIPELINE_CACHE", "ANV_SYS_MEM_LIMIT", "INTEL_DEBUG",
    "INTEL_NO_HW", "INTEL_PRECISE_TRIG",
    "NVK_DEBUG", "NVK_I_WANT_A_BROKEN_VULKAN_DRIVER", "NAK_DEBUG", "ZINK_DEBUG",
    "PAN_I_WANT_A_BROKEN_VULKAN_DRIVER", "PANVK_DEBUG", "PAN_MESA_DEBUG", "TU_DEBUG", "FD_DEV_FEATURES",
    "IR3_SHADER_DEBUG", "V3D_DEBUG", "AGX_MESA_DEBUG", "HK_DEBUG", "VN_DEBUG", "VN_PERF", "DZN_DEBUG",
    "MESA_D3D12_DEFAULT_ADAPTER_NAME",
)  # fmt: skip

_NVIDIA = (
    "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES", "CUDA_VISIBLE_DEVICES", "__NV_PRIME_RENDER_OFFLOAD",
    "__NV_PRIME_RENDER_OFFLOAD_PROVIDER", "__GLX_VENDOR_LIBRARY_NAME", "__EGL_VENDOR_LIBRARY_FILENAMES",
    "__GL_SINGLE_THREADED", "__GL_THREADED_OPTIMIZATIONS",
)  # fmt: skip

# What wgpu-native writes to stderr when it panics.
_WGPU = ("RUST_BACKTRACE",)

DRIVER_VARIABLES = frozenset((*_LOADER, *_MESA, *_NVIDIA, *_WGPU))
"""Those that an owner may set for drivers."""


def host_environment() -> dict[str, str]:
    """The environment of a GPU host."""
    return {name: value for name, value in os.environ.items() if name in DRIVER_VARIABLES or name in _PLACES}
