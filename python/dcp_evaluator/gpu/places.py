"""Where a machine has its GPUs and the drivers for them, and when it counts as having slept.

The only place that says so: the build writes what GPU hosts know of it from here (native/codegen/gpu_places.py). So it
imports nothing. Names ending in ``FOLDERS`` or ``NODES`` are tuples of paths.
"""

NODES = ("/dev/dri/renderD*", "/dev/nvidia*", "/dev/dxg")
"""Patterns of the device nodes that drivers open."""

MANIFESTS = "vulkan/icd.d"
"""The folder of drivers' manifests below each of the following three."""
CONFIGURATION_FOLDERS = ("/etc/xdg",)
"""Where XDG_CONFIG_DIRS says nothing."""
SYSTEM_FOLDERS = ("/etc", "/usr/local/etc")
"""Of the loader of Vulkan, as Debian, Fedora and Arch build it."""
DATA_FOLDERS = ("/usr/local/share", "/usr/share")
"""Where XDG_DATA_DIRS says nothing."""
OTHER_MANIFEST_FOLDERS = (
    "/usr/local/nvidia/vulkan/icd.d", "/usr/local/nvidia/share/vulkan/icd.d",  # Google's container images
    "/run/opengl-driver/share/vulkan/icd.d",  # NixOS
    "/opt/amdgpu/share/vulkan/icd.d", "/opt/amdgpu-pro/etc/vulkan/icd.d",  # AMD's own packages
)  # fmt: skip
"""Where the loader does not look by itself."""

CHOICES = ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")
"""Variables that say which drivers there are: the loader's present name, and the older one."""
ADDITION = "VK_ADD_DRIVER_FILES"
"""The variable that names more of them."""

SHORTEST_SLEEP = 2
"""Seconds by which two clocks must differ: they are not read at the same moment."""
