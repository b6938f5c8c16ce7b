"""Implicit Vulkan layers of other programs (MangoHud, vkBasalt, Steam, OBS) stay out of GPU hosts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dcp_evaluator.settings import installation

pytestmark = pytest.mark.any_engine

MARK = "a layer was loaded"
NAME = "VK_LAYER_TEST_mark"
# A constructor is all that it needs: the loader opens the library, and then takes the layer for a broken one.
SOURCE = f"""#include <unistd.h>
__attribute__((constructor)) static void mark(void) {{ if (write(2, "{MARK}\\n", {len(MARK) + 1}) < 0) _exit(9); }}
int vkNegotiateLoaderLayerInterfaceVersion(void* version) {{ (void)version; return -3; }}
"""
# What any program does: a VkInstanceCreateInfo (64 bytes, sType 1) without anything.
ANY_PROGRAM = """
import ctypes
created = ctypes.create_string_buffer(bytes([1]), 64)
ctypes.CDLL("libvulkan.so.1").vkCreateInstance(created, None, ctypes.byref(ctypes.c_void_p()))
"""


@pytest.fixture
def layer(tmp_path: Path) -> dict[str, str]:
    """An environment in which the loader finds the layer."""
    folder = tmp_path / "vulkan/implicit_layer.d"
    folder.mkdir(parents=True)
    (tmp_path / "layer.c").write_text(SOURCE)
    command = ["cc", "-shared", "-fPIC", "-o", folder / "libmark.so", tmp_path / "layer.c"]
    subprocess.run(command, check=True, timeout=60)
    described = {
        "name": NAME, "type": "GLOBAL", "library_path": "./libmark.so", "api_version": "1.3.0",
        "implementation_version": "1", "description": "a test's", "disable_environment": {"TEST_MARK_OFF": "1"},
    }  # fmt: skip
    (folder / "mark.json").write_text(json.dumps({"file_format_version": "1.0.0", "layer": described}))
    return {**os.environ, "XDG_DATA_DIRS": f"{tmp_path}:/usr/local/share:/usr/share"}


def host(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [installation.executable("dcp-gpu-host"), "--library", installation.wgpu_library(), "--list"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)


def test_a_layer_that_any_program_gets_is_not_in_a_gpu_host(layer: dict[str, str]) -> None:
    command = [sys.executable, "-c", ANY_PROGRAM]
    done = subprocess.run(command, env=layer, capture_output=True, text=True, check=True, timeout=60)
    assert MARK in done.stderr
    found = host(layer)
    assert MARK not in found.stderr
    assert json.loads(found.stdout)["adapters"] == json.loads(host(dict(os.environ)).stdout)["adapters"]


def test_a_loader_without_filters_is_kept_from_it_as_well(layer: dict[str, str]) -> None:
    """As older ones are; here a newer one whose filter is overridden."""
    assert MARK not in host(layer | {"VK_LOADER_LAYERS_ENABLE": NAME}).stderr
