"""A Vulkan driver built where it is used: the machine's lavapipe as it would look if it were another GPU."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

LAVAPIPE = next(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"), None)

# The few declarations of the Vulkan specification that it needs; its structures never change their layout.
_SOURCE = """#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
struct base { uint32_t type; struct base* next; };
struct properties { uint32_t versions[2], vendor, device, kind; char name[256]; };
struct properties2 { struct base base; struct properties properties; };
struct ids { struct base base; uint8_t device[16]; };
struct driver { struct base base; uint32_t id; char name[256]; };
struct place { struct base base; uint32_t domain, bus, device, function; };
struct extension { char name[256]; uint32_t version; };
typedef void* (*lookup)(void*, const char*);
typedef int32_t (*enumerate)(void*, const char*, uint32_t*, struct extension*);

static void* lavapipe(void) { return dlopen(LAVAPIPE, RTLD_NOW | RTLD_LOCAL); }
static void* real(const char* name) {
  return ((lookup)dlsym(lavapipe(), "vk_icdGetInstanceProcAddr"))(instance_of_lavapipe, name);
}

static void change(struct properties* properties) {
  properties->kind = KIND;
  strcpy(properties->name, NAME);
}

static void properties(void* device, struct properties* found) {
  ((void (*)(void*, struct properties*))real("vkGetPhysicalDeviceProperties"))(device, found);
  change(found);
}

static void properties2(void* device, struct properties2* found) {
  ((void (*)(void*, struct properties2*))real("vkGetPhysicalDeviceProperties2"))(device, found);
  change(&found->properties);
  for (struct base* each = found->base.next; each; each = each->next) {
    if (each->type == 1000071004) memset(((struct ids*)each)->device, UUID, 16);
    if (each->type == 1000196000) strcpy(((struct driver*)each)->name, DRIVER);
    if (each->type == 1000212000) {
      struct place* place = (struct place*)each;
      place->domain = 0, place->bus = BUS, place->device = 0, place->function = 0;
    }
  }
}

/* One more at the end: VK_EXT_pci_bus_info. */
static int32_t extensions(void* device, const char* layer, uint32_t* count, struct extension* found) {
  uint32_t room = *count, own = 0;
  enumerate all = (enumerate)real("vkEnumerateDeviceExtensionProperties");
  int32_t result = all(device, layer, &own, 0);
  if (result < 0) return result;
  *count = own + 1;
  if (!found) return 0;
  if (room < own + 1) return 5; /* VK_INCOMPLETE */
  result = all(device, layer, &own, found);
  strcpy(found[own].name, "VK_EXT_pci_bus_info");
  found[own].version = 2;
  return result;
}

static int32_t create_device(void* device, const void* info, const void* allocator, void** made) {
  (void)device, (void)info, (void)allocator, (void)made;
  abort();
}

static void* replaced(const char* name) {
  if (!strcmp(name, "vkGetPhysicalDeviceProperties")) return (void*)properties;
  if (!strcmp(name, "vkGetPhysicalDeviceProperties2")) return (void*)properties2;
  if (!strcmp(name, "vkGetPhysicalDeviceProperties2KHR")) return (void*)properties2;
  if (BUS && !strcmp(name, "vkEnumerateDeviceExtensionProperties")) return (void*)extensions;
  if (ABORTS && !strcmp(name, "vkCreateDevice")) return (void*)create_device;
  return 0;
}

int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t* version) {
  return ((int32_t (*)(uint32_t*))dlsym(lavapipe(), "vk_icdNegotiateLoaderICDInterfaceVersion"))(version);
}
void* vk_icdGetInstanceProcAddr(void* instance, const char* name) {
  void* found = ((lookup)dlsym(lavapipe(), "vk_icdGetInstanceProcAddr"))(instance, name);
  if (instance) instance_of_lavapipe = instance;
  void* other = found ? replaced(name) : 0;
  return other ? other : found;
}
void* vk_icdGetPhysicalDeviceProcAddr(void* instance, const char* name) {
  lookup real = (lookup)dlsym(lavapipe(), "vk_icdGetPhysicalDeviceProcAddr");
  void* found = real ? real(instance, name) : 0;
  void* other = found ? replaced(name) : 0;
  return other ? other : found;
}
"""


def gpu_driver(
    folder: Path, name: str, *, bus: int = 0, uuid: int = 1, driver: str = "a test's", kind: str = "discrete",
    aborts: bool = False,
) -> Path:  # fmt: skip
    """Builds it in ``folder`` and gives its manifest.

    ``bus``: of its PCI address; 0: it tells none. ``uuid``: each byte of its UUID. ``aborts``: when a device is made.
    """
    assert LAVAPIPE is not None, "the tests need Mesa's lavapipe: install mesa-vulkan-drivers"
    stem = "".join(letter if letter.isalnum() else "_" for letter in f"{name} {driver}")
    source, library = folder / f"{stem}.c", folder / f"lib{stem}.so"
    source.write_text("static void* instance_of_lavapipe;\n" + _SOURCE)
    defined = {
        "LAVAPIPE": json.dumps(json.loads(LAVAPIPE.read_text())["ICD"]["library_path"]), "NAME": json.dumps(name),
        "DRIVER": json.dumps(driver), "BUS": bus, "UUID": uuid, "ABORTS": int(aborts),
        "KIND": {"integrated": 1, "discrete": 2, "cpu": 4}[kind],
    }  # fmt: skip
    options = [f"-D{macro}={value}" for macro, value in defined.items()]
    subprocess.run(["cc", "-shared", "-fPIC", *options, "-o", library, source, "-ldl"], check=True, timeout=60)
    manifest = folder / f"{stem}.json"
    described = {"library_path": str(library), "api_version": "1.3.0"}
    manifest.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": described}))
    return manifest


def only(*manifests: Path) -> dict[str, str]:
    """The environment in which these are all drivers."""
    return dict.fromkeys(("VK_DRIVER_FILES", "VK_ICD_FILENAMES"), ":".join(map(str, manifests)))
