"""Vulkan drivers that are broken, built where they are used: the loader loads them as it loads any other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

# vkIcdInterface.md, "Loader and ICD interface negotiation": the first function that the loader calls.
_SOURCE = """#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void complain(void) {{ fprintf(stderr, "\\033[2Ja driver that complains\\n"); }}
static void* chatter(void* unused) {{
  for (;;) complain();
  return unused;
}}
int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t* version) {{ (void)version; {body} }}
void* vk_icdGetInstanceProcAddr(void* instance, const char* name) {{ (void)instance, (void)name; return 0; }}
"""
BODIES = {
    "aborts": 'fprintf(stderr, "deep in a driver\\n"); abort();',
    "crashes": "*(volatile int*)8 = 1; return 0;",
    "hangs": "for (;;) pause();",
    "exits": "_exit(0);",
    "chatters": """
  for (int i = 0; i < 10000; ++i) complain();
  pthread_t thread;
  pthread_create(&thread, 0, chatter, 0);
  return -3;""",
}


def broken_driver(folder: Path, body: str) -> Path:
    """Builds it in ``folder`` and gives its manifest, for ``VK_DRIVER_FILES``."""
    library = folder / "libbroken_driver.so"
    source = folder / "broken_driver.c"
    source.write_text(_SOURCE.format(body=body))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    manifest = folder / "broken_driver.json"
    described = {"library_path": str(library), "api_version": "1.3.0"}
    manifest.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": described}))
    return manifest
