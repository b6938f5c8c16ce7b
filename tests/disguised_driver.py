"""A Vulkan driver in disguise: lavapipe, which it calls, as if it were the driver of a real GPU, and what else
a test gives it to do. Built where it is used.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ID = "10de:2330"
"""What it says that its GPU is."""

# Structures of vulkan_core.h, as far as they are changed: VkPhysicalDeviceProperties and, in a chain behind its second
# version, those that tell of conformance.
_SOURCE = """#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
typedef void (*Function)(void);
typedef Function (*Find)(void*, const char*);
struct Properties {{ uint32_t api, driver, vendor, device, type; }};
struct Chained {{
  int32_t type; struct Chained* next; uint32_t id; char name[256], info[256]; uint8_t conformance[4];
}};
struct Properties2 {{ int32_t type; struct Chained* next; struct Properties properties; }};
static void* real;
static Find find_real;
static void (*get)(void*, struct Properties*);
static void (*get2)(void*, struct Properties2*);
static void rename_gpu(struct Properties* properties) {{
  properties->vendor = 0x10de, properties->device = 0x2330, properties->type = 2;
}}
static void get_properties(void* device, struct Properties* properties) {{
  get(device, properties);
  rename_gpu(properties);
}}
static void get_properties2(void* device, struct Properties2* properties) {{
  get2(device, properties);
  rename_gpu(&properties->properties);
  for (struct Chained* each = properties->next; each; each = each->next) {{
    if (each->type == 1000196000 || each->type == 52) each->conformance[0] = {conformance};
  }}
}}
__attribute__((constructor)) static void start(void) {{
  {start}
}}
Function vk_icdGetInstanceProcAddr(void* instance, const char* name) {{
  Function found = find_real ? find_real(instance, name) : 0;
  if (!found) return 0;
  if (!strcmp(name, "vkGetPhysicalDeviceProperties")) return get = (void*)found, (Function)get_properties;
  if (!strncmp(name, "vkGetPhysicalDeviceProperties2", 30)) return get2 = (void*)found, (Function)get_properties2;
  return found;
}}
int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t* version) {{
  if (!({need})) return -3;
  real = dlopen("{library}", RTLD_NOW | RTLD_LOCAL);
  if (!real) return -3;
  find_real = (Find)dlsym(real, "vk_icdGetInstanceProcAddr");
  return ((int32_t (*)(uint32_t*))dlsym(real, "vk_icdNegotiateLoaderICDInterfaceVersion"))(version);
}}
"""


def disguised_driver(
    folder: Path, *, need: str = "1", start: str = "", conformance: int = 1, name: str = "disguised"
) -> Path:
    """Its manifest, for ``VK_DRIVER_FILES``. ``folder`` must be open to all users: GPU hosts of root run as nobody.

    ``need``: an expression of C that is true where the driver has what it needs. ``start``: statements that run when it
    is loaded. ``conformance``: the major version of the conformance tests that it passed.
    """
    source, library, manifest = (folder / f"{name}{suffix}" for suffix in (".c", ".so", ".json"))
    source.write_text(_SOURCE.format(need=need, start=start, conformance=conformance, library=_lavapipe()))
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", library, source, "-ldl"], check=True, timeout=60)
    describe(manifest, library)
    return manifest


def describe(manifest: Path, library: Path | str) -> None:
    """Writes the manifest of ``library``."""
    described = {"library_path": str(library), "api_version": "1.3.0"}
    manifest.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": described}))


def _lavapipe() -> str:
    (manifest,) = Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json")
    library: str = json.loads(manifest.read_text())["ICD"]["library_path"]
    return library
