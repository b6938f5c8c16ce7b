"""SwiftShader, a Vulkan driver in software: Dawn takes it where it refuses the machine's adapter.

It comes out of the Chromium of npm's ``@sparticuz/chromium``, which ``make bench-peers`` installs.
"""

from __future__ import annotations

import functools
import tarfile
import tempfile
from pathlib import Path

from node import run_node
from npm_packages import installed

_DRIVER = ("libvk_swiftshader.so", "vk_swiftshader_icd.json")
_DECOMPRESS = """const [, , from, to] = process.argv, fs = require("fs");
fs.writeFileSync(to, require("zlib").brotliDecompressSync(fs.readFileSync(from)));"""


@functools.cache
def environment() -> dict[str, str] | None:
    """What makes it the only Vulkan driver of a process and of its children; None where it is not installed."""
    packages = installed("swiftshader")
    if packages is None:
        return None
    folder = packages.parent / "driver"
    if not folder.exists():
        _unpack(packages / "@sparticuz/chromium/bin/swiftshader.tar.br", folder)
    manifest = str(folder / _DRIVER[1])
    return {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}


def _unpack(archive: Path, folder: Path) -> None:
    """Beside ``folder``, and moves it there when it is whole."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        made, tar, program = Path(name) / "driver", Path(name) / "driver.tar", Path(name) / "decompress.cjs"
        program.write_text(_DECOMPRESS, encoding="utf-8")
        done = run_node(program, archive, tar)
        assert done.returncode == 0, done.stderr
        with tarfile.open(tar) as files:
            for member in _DRIVER:
                files.extract(member, made, filter="data")
        made.chmod(0o755)
        made.rename(folder)
