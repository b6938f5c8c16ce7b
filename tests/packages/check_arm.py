"""Starts what the wheel for aarch64 and CPython 3.11 has, under qemu, as far as that goes.

``make check-arm`` calls it, after ``make wheels MACHINE=aarch64``; it needs qemu-user-static. Both modules
are loaded and used, and each program starts and tells of its options. No sandbox starts: qemu-user has no seccomp.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from architectures import MACHINES
from debian_roots import BUILD, make_root, run
from pythons import SUITES
from wheels import wheel_of

_AARCH64 = MACHINES["aarch64"]
_VERSION = "3.11"
_USE_MODULES = """
import platform, sys, types
assert platform.machine() == "aarch64"
for package in ("dcp_protocol", "dcp_evaluator"):  # whose own modules need packages that are not here
    sys.modules[package] = types.ModuleType(package)
    sys.modules[package].__path__ = [f"{sys.argv[1]}/{package}"]
import dcp_evaluator._native, dcp_protocol._native as protocol
assert protocol.keccak_256(b"").hex().startswith("c5d2460186f7233c")
assert protocol.json_encode({"a": [1, 0.1]}, 9) == b'{"a":[1,0.1]}'
assert dcp_evaluator._native.built_wasmtime
"""


def main() -> int:
    """Returns the exit status."""
    wheel = wheel_of(_VERSION, _AARCH64)
    if wheel is None:
        print("error: there is no such wheel in out/packages; run: make wheels MACHINE=aarch64", file=sys.stderr)
        return 1
    packages = [f"python{_VERSION}-minimal", f"libpython{_VERSION}-stdlib"]
    root = make_root(SUITES[_VERSION], packages, BUILD / "aarch64" / "python", "extract", _AARCH64.debian)
    unpacked = BUILD / "aarch64" / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(wheel) as file:
        file.extractall(unpacked)
    qemu = ["qemu-aarch64-static", "-L", root]
    run(*qemu, root / "usr" / "bin" / f"python{_VERSION}", "-c", _USE_MODULES, unpacked)
    programs = [unpacked / "dcp_evaluator" / "bin" / name for name in ("dcp-zygote", "dcp-gpu-host", "dcp-compiler")]
    for program in programs:
        program.chmod(0o755)
    faults = [fault for program in programs if (fault := _fault(qemu, program))]
    print("\n".join(faults) or f"{wheel.name}: modules and programs start under qemu")
    return 1 if faults else 0


def _fault(qemu: list[str | Path], program: Path) -> str:
    """What is wrong with the program: it should say how it is used."""
    done = subprocess.run([*qemu, program, "--no-such-option"], capture_output=True, text=True, check=False)
    return "" if (done.returncode, "usage: " in done.stderr) == (2, True) else f"error: {program.name}: {done}"


if __name__ == "__main__":
    sys.exit(main())
