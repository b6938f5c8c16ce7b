"""Every layer around a live GPU host, as the kernel shows it in /proc, and the report that tries them."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from public_copies import PublicCopies
from users import AS_ROOT_WITHOUT_NAMESPACES, STARTS

from zygote_control import wait_until

pytestmark = pytest.mark.any_engine

EVERYWHERE = {
    "session", "descriptors", "rlimits", "capabilities", "no_new_privs", "dumpable", "parent-death signal", "seccomp",
    "out-of-memory score",
}  # fmt: skip
NAMESPACES = {
    "user": "user namespace", "net": "network namespace", "mnt": "mount namespace", "ipc": "ipc namespace",
    "uts": "uts namespace", "cgroup": "cgroup namespace",
}  # fmt: skip
OTHERS = {"host name", "own root", "unprivileged user", "threads", "landlock"}

Report = dict[str, dict[str, object]]


@pytest.fixture(params=STARTS)
def prefix(request: pytest.FixtureRequest) -> list[str]:
    return STARTS[request.param]


def report(prefix: list[str], public: PublicCopies) -> Report:
    result = subprocess.run(
        [*prefix, public.gpu_host, "--report-isolation"], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return {layer["layer"]: layer for layer in json.loads(result.stdout)}


class Host:
    """A GPU host that has been sealed: it has sent what it shares."""

    def __init__(self, prefix: list[str], public: PublicCopies, *options: str, first: bool = True) -> None:
        """``first``: takes what it sends first."""
        self.socket, theirs = socket.socketpair()
        command = [*prefix, public.gpu_host, "--library", public.wgpu, *options]
        with theirs:
            self.process = subprocess.Popen(
                command,
                close_fds=False,
                preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509 - it only duplicates a descriptor
                stderr=subprocess.PIPE,
                env={"SECRET": "x", "PATH": "/usr/bin:/bin"},
                text=True,
            )
        self.socket.settimeout(20)
        self.sealed = first and self.receive()[0] > 0

    def receive(self, size: int = 8) -> tuple[int, int]:
        """How many bytes, of so many at most, and descriptors come next."""
        data, descriptors, _, _ = socket.recv_fds(self.socket, size, 3)
        for fd in descriptors:
            os.close(fd)
        return len(data), len(descriptors)

    def file(self, name: str) -> str:
        return Path(f"/proc/{self.process.pid}/{name}").read_text()

    def ended(self) -> tuple[int, str]:
        self.socket.close()
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said


@pytest.fixture
def host(prefix: list[str], public: PublicCopies) -> Iterator[Host]:
    host = Host(prefix, public)
    assert host.sealed, host.ended()
    yield host
    assert host.ended() == (0, "")


def root_only() -> None:
    """The kernel shows some entries of an undumpable process to root only; the report tries the same inside."""
    if os.geteuid() != 0:
        pytest.skip("only root can look at this of a GPU host from outside")


def test_it_has_no_rights(host: Host) -> None:
    fields = {
        key: value.strip() for key, _, value in (line.partition(":") for line in host.file("status").splitlines())
    }
    assert "0" not in fields["Uid"].split()
    assert "0" not in fields["Gid"].split()
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


def test_its_folder_of_shaders_does_not_stay_open(prefix: list[str], public: PublicCopies) -> None:
    host = Host(prefix, public, "--share-shaders", first=False)
    assert host.receive(1) == (1, 0 if prefix == STARTS["no-namespaces"] else 1)
    assert host.receive() == (8, 3)
    if os.geteuid() == 0:
        _has_only_its_own(host)
    assert host.ended()[0] == 0


def test_only_its_socket_and_stderr_are_open(host: Host) -> None:
    root_only()
    _has_only_its_own(host)


def _has_only_its_own(host: Host) -> None:
    # The shared memory, its events, the watch for crashes, the driver's cache.
    own = ("/memfd:dcp-gpu", "anon_inode:[event", "pipe:", "/scratch/")
    shaders = "/scratch/mesa_shader_cache"

    def only_these() -> bool:
        """Drivers open their files for a moment while the host starts."""
        targets = {}
        for entry in Path(f"/proc/{host.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                targets[int(entry.name)] = str(entry.readlink())
        assert {targets.pop(fd) for fd in (0, 1)} == {"/dev/null"}
        others = [fd for fd, target in targets.items() if not target.startswith(own) or target == shaders]
        return others == [3]

    wait_until(only_these, "nothing else is open")


def test_it_sees_what_drivers_need(host: Host, prefix: list[str], public: PublicCopies) -> None:
    root_only()
    if not report(prefix, public)["own root"]["in_force"]:
        return
    root = Path(f"/proc/{host.process.pid}/root")
    assert {entry.name for entry in root.iterdir()} <= {
        "dev", "etc", "gnu", "lib", "lib32", "lib64", "nix", "opt", "proc", "run", "scratch", "sys", "usr",
    }  # fmt: skip
    assert {entry.name for entry in (root / "etc").iterdir()} <= {
        "amd", "drirc", "glvnd", "ld.so.cache", "nvidia", "vulkan", "xdg",
    }  # fmt: skip
    assert {entry.name.rstrip("0123456789") for entry in (root / "dev").iterdir()} <= {
        "null", "zero", "random", "urandom", "dri", "nvidia", "nvidiactl", "nvidia-modeset", "nvidia-uvm",
        "nvidia-uvm-tools", "nvidia-caps", "dxg",
    }  # fmt: skip
    mounts = {line.split()[4]: line.split()[5].split(",") for line in host.file("mountinfo").splitlines()}
    assert [place for place, flags in mounts.items() if "ro" not in flags] == ["/scratch"]
    assert all("nosuid" in flags for flags in mounts.values())
    assert all("nodev" in flags for place, flags in mounts.items() if not place.startswith("/dev/"))


def test_compiled_shaders_are_kept_for_this_host_alone(prefix: list[str], public: PublicCopies) -> None:
    """A host compiles one when it starts."""
    root_only()
    if not report(prefix, public)["own root"]["in_force"]:
        return
    hosts = [Host(prefix, public) for _ in range(2)]
    try:
        folders = [Path(f"/proc/{host.process.pid}/root/scratch") for host in hosts]
        for folder in folders:
            wait_until(lambda folder=folder: any(file.is_file() for file in folder.rglob("*")), "a shader is kept")
        assert len({folder.stat().st_dev for folder in folders}) == 2
    finally:
        ends = [host.ended() for host in hosts]
    assert ends == [(0, ""), (0, "")]


def test_it_ends_first_where_memory_runs_out(host: Host) -> None:
    assert host.file("oom_score_adj") == "1000\n"


def test_limits(host: Host) -> None:
    root_only()
    limits = {line[:26].strip(): line[26:].split()[:2] for line in host.file("limits").splitlines()}
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"] == ["512"] * 2


def test_namespaces(host: Host, prefix: list[str], public: PublicCopies) -> None:
    root_only()
    layers = report(prefix, public)
    for kind, name in NAMESPACES.items():
        own = Path(f"/proc/{host.process.pid}/ns/{kind}").readlink()
        if layers[name]["in_force"]:
            assert own != Path(f"/proc/self/ns/{kind}").readlink(), name


def test_it_dies_with_its_parent(public: PublicCopies) -> None:
    # A shell between the two is killed; the host's end of the socket closes.
    ours, theirs = socket.socketpair()
    with theirs, ours:
        shell = subprocess.Popen(
            ["sh", "-c", '"$0" "$@"; true', public.gpu_host, "--library", public.wgpu],
            close_fds=False,
            preexec_fn=lambda: os.dup2(theirs.fileno(), 3),  # noqa: PLW1509
        )
        theirs.close()
        ours.settimeout(20)
        _, descriptors, _, _ = socket.recv_fds(ours, 8, 3)
        for fd in descriptors:
            os.close(fd)
        shell.kill()
        shell.wait()
        assert ours.recv(1) == b""


def test_report_names_every_layer(prefix: list[str], public: PublicCopies) -> None:
    layers = report(prefix, public)
    assert set(layers) == EVERYWHERE | set(NAMESPACES.values()) | OTHERS
    assert {name for name in EVERYWHERE if not layers[name]["in_force"]} == set()
    for layer in layers.values():
        assert layer["reason"], layer
        assert bool(layer["remedy"]) != layer["in_force"], layer


def test_what_remains_without_namespaces(public: PublicCopies) -> None:
    layers = report(STARTS["no-namespaces"], public)
    assert {name for name in NAMESPACES.values() if layers[name]["in_force"]} == set()
    assert layers["landlock"]["in_force"] == report([], public)["landlock"]["in_force"]


def test_root_without_namespaces_is_refused(public: PublicCopies) -> None:
    host = Host(AS_ROOT_WITHOUT_NAMESPACES, public)
    assert not host.sealed
    status, said = host.ended()
    assert status == 1
    assert "not isolated: it runs as root, and there is no " in said
    assert "--isolation none" in said


def test_strict_wants_every_layer(public: PublicCopies) -> None:
    host = Host(STARTS["no-namespaces"], public, "--isolation", "strict")
    assert not host.sealed
    status, said = host.ended()
    assert status == 1
    assert "strict wants every layer, and there is no user namespace (unshare: " in said
    assert "allow user namespaces" in said


def test_none_wants_no_layer(public: PublicCopies) -> None:
    host = Host(AS_ROOT_WITHOUT_NAMESPACES, public, "--isolation", "none")
    assert host.sealed
    assert "Seccomp:\t2" in host.file("status")  # what can be put in force is
    assert host.ended() == (0, "")


def test_a_description_named_by_the_environment_is_seen(public: PublicCopies) -> None:
    """VK_DRIVER_FILES, in a folder that is not there otherwise."""
    found = list(Path("/usr/share/vulkan/icd.d").glob("lvp_icd*.json"))
    assert found, "Mesa's lavapipe is not installed: apt-get install mesa-vulkan-drivers"
    copy = public.folder / "driver.json"
    copy.write_text(found[0].read_text())
    environment = {**os.environ, "VK_DRIVER_FILES": str(copy), "VK_ICD_FILENAMES": str(copy)}
    script = public.folder / "adapter.mjs"
    script.write_text("print((await navigator.gpu.requestAdapter())?.info.device)")
    done = subprocess.run(
        [public.command, "--shell", "--module", str(script)],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "llvmpipe" in done.stdout
