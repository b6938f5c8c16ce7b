"""What the drivers of real GPUs get inside the seal: a stand-in driver does what they are known to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from machines import on_machine
from public_copies import PublicCopies
from users import AS_USER, WITHOUT_NAMESPACES

from dcp_evaluator.gpu.environment import host_environment

# Nodes of a GPU of each kind, and what the kernel says of NVIDIA's. Nodes that hosts get are null devices here; the
# others are a device that no host has, since Landlock looks at the device behind a name.
GPUS = """
mkdir -p dev/dri dev/nvidia-caps
for node in dri/renderD128 nvidiactl nvidia0; do touch dev/$node; mount --bind /dev/null dev/$node; done
for node in dri/card0 nvidia-caps/nvidia-cap1; do touch dev/$node; mount --bind /dev/full dev/$node; done
mount -t tmpfs -o mode=755 none sys/module
for module in nvidia nvidia_modeset nvidia_uvm nvidia_drm; do
  mkdir sys/module/$module; echo live > sys/module/$module/initstate
done
mount -t tmpfs -o mode=755 none proc/driver
mkdir proc/driver/nvidia; echo ModifyDeviceFiles: 1 > proc/driver/nvidia/params
"""
# A machine whose kernel makes no user namespaces, for a root that may make the others.
_NO_USER_NAMESPACES = [
    "unshare", "--user", "--map-root-user", "sh", "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" "$@"',
]  # fmt: skip
STARTS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "root": ([], []),
    "user": (AS_USER, []),
    "without user namespaces": (_NO_USER_NAMESPACES, ["--isolation", "none"]),
    "Landlock only": (WITHOUT_NAMESPACES, []),
    "without Landlock": ([], ["--without", "landlock"]),
    "without own root": ([], ["--without", "root"]),
}
WITH_OWN_ROOT = {"root", "user", "without user namespaces", "without Landlock"}

WORKS = {
    "list /dev/dri", "list /sys/dev/char", "render node", "nvidia node", "nvidia control node", "random numbers",
    "nvidia parameters", "kernel version", "kernel release", "processor", "nvidia module",
    "nvidia modeset module", "nvidia uvm module", "nvidia drm module", "locked memory", "memory below 2 GiB", "code",
    "lock memory", "lock memory 2", "sealed memory", "code in shared memory", "thread", "name of a thread",
    "scheduler of a thread", "place of a thread", "thread with a place",
}  # fmt: skip
REFUSED = {
    # An error each, which drivers survive; none ends the process.
    "repair a node": "EPERM", "give a node away": "EPERM", "make a node": "EPERM", "make a pipe": "EPERM",
    "handle of a file": "EOPNOTSUPP", "priority": "EPERM", "fork": "EPERM", "spawn nvidia-modprobe": "EPERM",
    "wait for a child": "ECHILD", "socket": "EACCES", "personality": "EPERM", "userfaultfd": "EPERM",
    "pidfd_open": "EPERM", "tkill": "EPERM", "move_pages": "EPERM", "perf_event_open": "EACCES", "kcmp": "ENOSYS",
    "timer_create": "ENOSYS", "set_mempolicy": "ENOSYS",
}  # fmt: skip
# What the filter lets pass: the null device knows no ioctl.
IOCTLS = {
    **dict.fromkeys(("nvidia", "nvidia modeset", "nvidia uvm", "drm", "dma-buf", "sync_file", "dxg"), "ENOTTY"),
    **dict.fromkeys(("kfd", "nvmap", "a terminal"), "ENOSYS"),
}
HIDDEN = {"list /home", "display node", "nvidia capability node", "activity of all", "own maps", "password file"}


def expected(start: str) -> dict[str, str]:
    own_root = start in WITH_OWN_ROOT
    scratch = {"file in scratch": "ok", "code in a file": "EPERM"} if own_root else {"file in scratch": "ENOENT"}
    return {
        **dict.fromkeys(WORKS, "ok"),
        **REFUSED,
        **{f"ioctl of {name}": error for name, error in IOCTLS.items()},
        **dict.fromkeys(HIDDEN, "ENOENT" if own_root else "EACCES"),
        "list /": "ok" if own_root else "EACCES",
        "modules": "ok" if Path("/proc/modules").exists() else "ENOENT",  # not where the kernel has none
        "name of another thread": "ENOENT" if own_root else "EACCES",  # a file of /proc/self
        **scratch,
        "devices of libdrm": "0",
    }


def compile_driver(folder: Path) -> Path:
    """Gives its manifest."""
    source, library, manifest = Path(__file__).with_name("stand_in_driver.c"), folder / "driver.so", folder / "icd.json"
    subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True, timeout=60)
    described = {"library_path": str(library), "api_version": "1.3.0"}
    manifest.write_text(json.dumps({"file_format_version": "1.0.0", "ICD": described}))
    return manifest


@pytest.fixture(scope="module")
def driver(public: PublicCopies) -> Path:
    return compile_driver(public.folder)


def run_host(
    public: PublicCopies, machine: Sequence[str], start: Sequence[str], options: Sequence[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [*machine, *start, public.gpu_host, "--library", public.wgpu, "--list", *options]
    return subprocess.run(
        command, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True, timeout=60, check=True
    )


def named(manifest: Path) -> dict[str, str]:
    return {"VK_DRIVER_FILES": str(manifest), "VK_ICD_FILENAMES": str(manifest)}


@pytest.mark.parametrize("start", STARTS)
def test_each_need_of_a_driver(public: PublicCopies, driver: Path, tmp_path: Path, start: str) -> None:
    prefix, options = STARTS[start]
    done = run_host(public, on_machine(tmp_path / "root", GPUS), prefix, options, **named(driver))
    found = dict(line.rsplit(" ", 1) for line in done.stderr.splitlines())
    assert found == expected(start)
    assert json.loads(done.stdout)["adapters"] == []


# A node with the number of a GPU's, and what the kernel says of it: an AMD card.
DRM = """
mkdir dev/dri
mknod -m 666 dev/dri/renderD128 c 226 128
mount -t tmpfs -o mode=755 none sys/dev/char
device=sys/dev/char/226:128/device
mkdir -p $device/drm/renderD128
ln -s /sys/bus/pci $device/subsystem
echo PCI_SLOT_NAME=0000:65:00.0 > $device/uevent
for file in vendor device subsystem_vendor subsystem_device revision; do echo 0x1002 > $device/$file; done
"""


@pytest.mark.parametrize("start", ["root", "user", "Landlock only"])
def test_libdrm_finds_a_gpu(public: PublicCopies, driver: Path, tmp_path: Path, start: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make device nodes")
    done = run_host(public, on_machine(tmp_path / "root", DRM), STARTS[start][0], [], **named(driver))
    assert "devices of libdrm 1\n" in done.stderr


def test_what_is_refused_is_named(public: PublicCopies, driver: Path, tmp_path: Path) -> None:
    machine = on_machine(tmp_path / "root", GPUS)
    done = run_host(public, machine, [], ["--show-refusals"], **named(driver))
    lines = done.stderr.splitlines()
    assert {"refused: mknodat (EPERM)", "refused: kcmp (ENOSYS)", "refused: ioctl 0x80084b01 (ENOSYS)"} <= set(lines)
    assert "file: /proc/self/maps (openat: ENOENT)" in lines
    assert "file: /dev/dri/card0 (openat: ENOENT)" in lines
    outcomes = dict(line.rsplit(" ", 1) for line in lines if not line.startswith(("refused: ", "file: ")))
    assert outcomes == expected("root")  # and nothing else is different


# Where vendors and distributions have their files: Mesa's software driver, moved there. In the setup "driver" is its
# library, "stub" one that needs it by RUNPATH, and "manifest FILE LIBRARY" writes a manifest.
_PREPARE = """
mount -t tmpfs -o mode=755 none usr/share/vulkan/icd.d
mount -t tmpfs -o mode=755 none usr/local
manifest() {{
  mkdir -p "${{1%/*}}"
  echo '{{"file_format_version": "1.0.0", "ICD": {{"library_path": "'$2'", "api_version": "1.3.0"}}}}' > "$1"
}}
driver={driver} stub={stub}
"""
PLACES = {
    "/etc/vulkan, and a package in /opt with a RUNPATH": """
        mkdir -p opt/vendor/lib opt/vendor/deps
        cp $driver opt/vendor/deps/libvendor_core.so; cp $stub opt/vendor/lib/libvulkan_vendor.so
        manifest etc/vulkan/icd.d/vendor.json /opt/vendor/lib/libvulkan_vendor.so""",
    "AMD's packages": """
        mkdir -p opt/amdgpu-pro/lib/x86_64-linux-gnu; cp $driver opt/amdgpu-pro/lib/x86_64-linux-gnu/amdvlk64.so
        manifest opt/amdgpu-pro/etc/vulkan/icd.d/amd_icd64.json /opt/amdgpu-pro/lib/x86_64-linux-gnu/amdvlk64.so""",
    "NixOS": """
        mkdir -p nix/store/abc-mesa/lib; cp $driver nix/store/abc-mesa/lib/libvulkan_vendor.so
        ln -s /nix/store/abc-mesa run/opengl-driver
        manifest nix/store/abc-mesa/share/vulkan/icd.d/vendor.json /nix/store/abc-mesa/lib/libvulkan_vendor.so""",
    "Google's containers": """
        mkdir -p usr/local/nvidia/lib64; cp $driver usr/local/nvidia/lib64/libGLX_nvidia.so.0
        manifest usr/local/nvidia/vulkan/icd.d/nvidia_icd.json /usr/local/nvidia/lib64/libGLX_nvidia.so.0""",
    "the loader's configuration": """
        mkdir run/deps run/vendor
        cp $driver run/deps/libvendor_core.so; cp $stub run/vendor/libvulkan_moved.so
        printf '/run/vendor\\n/run/deps # both\\n' > etc/ld.so.conf.d/vendor.conf; chroot . ldconfig
        manifest usr/local/share/vulkan/icd.d/vendor.json libvulkan_moved.so""",
    "/usr/local/lib64": """
        mkdir -p usr/local/lib64; cp $driver usr/local/lib64/libvulkan_moved.so
        manifest usr/share/vulkan/icd.d/vendor.json /usr/local/lib64/libvulkan_moved.so""",
}


@pytest.fixture(scope="module")
def moved(public: PublicCopies) -> str:
    """The lines that prepare a machine without manifests."""
    (manifest, *_) = sorted(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
    found = json.loads(manifest.read_text())["ICD"]["library_path"]
    driver = found if "/" in found else next(str(path) for path in Path("/usr/lib").glob(f"*/{found}"))
    core = shutil.copy(driver, public.folder / "libvendor_core.so")
    stub = public.folder / "libvulkan_stub.so"
    subprocess.run(
        ["cc", "-shared", "-o", stub, "-Wl,--no-as-needed,-rpath,$ORIGIN/../deps", "-L", public.folder,
         "-l:libvendor_core.so", "-x", "c", "/dev/null"], check=True, timeout=60,
    )  # fmt: skip
    return _PREPARE.format(driver=core, stub=stub)


@pytest.mark.parametrize("start", ["root", "user", "Landlock only"])
@pytest.mark.parametrize("place", PLACES)
def test_a_driver_is_found_where_its_vendor_puts_it(
    public: PublicCopies, moved: str, tmp_path: Path, place: str, start: str
) -> None:
    machine = on_machine(tmp_path / "root", moved + PLACES[place])
    done = run_host(public, machine, STARTS[start][0], [])
    assert [adapter["vendor"] for adapter in json.loads(done.stdout)["adapters"]] == ["mesa"], done.stderr


@pytest.mark.parametrize("start", ["root", "user", "Landlock only"])
def test_a_driver_that_the_environment_names(public: PublicCopies, moved: str, tmp_path: Path, start: str) -> None:
    """Built by a user, in the folder of a home: its libraries are in view, and nothing else that lies there."""
    setup = """
        mount -t tmpfs -o mode=755 none home
        mkdir home/somebody; echo private > home/somebody/letter
        cp $driver home/somebody/libvendor_core.so
        ln -s libvendor_core.so home/somebody/libvulkan_own.so
        manifest home/somebody/own.json ./libvulkan_own.so
        chown -R 12345:12345 home/somebody"""
    machine = on_machine(tmp_path / "root", moved + setup)
    done = run_host(public, machine, STARTS[start][0], [], VK_DRIVER_FILES="/home/somebody/own.json")
    assert [adapter["vendor"] for adapter in json.loads(done.stdout)["adapters"]] == ["mesa"], done.stderr


def test_settings_of_owners_reach_drivers_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    passed = {"AMD_VULKAN_ICD": "RADV", "RADV_DEBUG": "nocache", "VK_DRIVER_FILES": "/a.json", "DRI_PRIME": "1"}
    kept = {
        "VK_SECRET": "x",
        "MESA_LOG_FILE": "/tmp/x",
        "RADV_TRACE_FILE": "/tmp/x",
        "LD_PRELOAD": "/tmp/x.so",
        "TOKEN": "x",
        **dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LC_ALL", "PATH"), "/private"),
        **dict.fromkeys(("NVIDIA_API_KEY", "CUDA_SECRET", "RUST_LOG", "WGPU_TOKEN", "VULKAN_KEY", "__GL_TOKEN"), "x"),
    }
    for name, value in (passed | kept).items():
        monkeypatch.setenv(name, value)
    environment = host_environment()
    assert passed.items() <= environment.items()
    assert not kept.keys() & environment.keys()
