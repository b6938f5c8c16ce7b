"""The environment of a GPU host."""

from __future__ import annotations

import os

# What a Vulkan loader and its drivers read; nothing else of our environment reaches them.
_PASSED_PREFIXES = ("VK_", "MESA_", "LIBGL_", "LP_", "GALLIUM_", "WGPU_", "RUST_", "NVIDIA_", "CUDA_", "LC_")
_PASSED_NAMES = (
    "HOME",
    "PATH",
    "LANG",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CACHE_HOME",
    "XDG_DATA_DIRS",
    "LD_LIBRARY_PATH",
)


def host_environment() -> dict[str, str]:
    """The environment of a GPU host."""
    return {
        name: value for name, value in os.environ.items() if name in _PASSED_NAMES or name.startswith(_PASSED_PREFIXES)
    }
