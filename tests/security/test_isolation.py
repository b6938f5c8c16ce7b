"""Every layer around a live sandbox, as the kernel shows it in /proc, and the report that tries them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from dcp_evaluator.settings import installation
from zygote_control import Peer, RunningZygote, zygote_path

MEMORY_LIMIT = 256 << 20
ORDINARY = 12345
USERS = [None, ORDINARY] if os.geteuid() == 0 else [None]
EVALUATE = """
onreadln(function (line) {
  try { writeln(String((0, eval)(line))); } catch (error) { writeln(String(error)); }
});
"""
# (module (memory (export "m") 1) (func (export "f") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s))
WASM = (
    "new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,"
    "3,2,1,0,5,3,1,0,1,7,9,2,1,102,0,0,1,109,2,0,10,9,1,7,0,32,0,32,1,109,11]))).exports"
)
NAMESPACES = {
    "user": "user namespace",
    "pid": "pid namespace",
    "net": "network namespace",
    "mnt": "mount namespace",
    "ipc": "ipc namespace",
    "uts": "uts namespace",
    "cgroup": "cgroup namespace",
}
# No kernel that the project supports refuses these, in no container either.
EVERYWHERE = {
    "session", "rlimits", "descriptors", "capabilities", "no_new_privs", "dumpable", "parent-death signal", "seccomp",
    "environment", "processes", "out-of-memory score",
}  # fmt: skip

Report = dict[str, dict[str, object]]


def report(*prefix: str, executable: str | None = None) -> Report:
    command = [*prefix, executable or zygote_path(), "--report-isolation"]
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=60, env={"SECRET": "x", "PATH": "/usr/bin:/bin"}
    )
    assert result.returncode == 0, result.stderr
    return {layer["layer"]: layer for layer in json.loads(result.stdout)}


@pytest.fixture(scope="module")
def layers() -> Report:
    return report()


class Program(NamedTuple):
    zygote: str
    wasmtime: str


@pytest.fixture(scope="module")
def public() -> Iterator[Program]:
    """Copies of the executable and of wasmtime's library that every user can reach."""
    folder = tempfile.mkdtemp()
    Path(folder).chmod(0o755)
    yield Program(shutil.copy(zygote_path(), folder), shutil.copy(installation.wasmtime_library(), folder))
    shutil.rmtree(folder)


def as_user(user: int | None) -> list[str]:
    return [] if user is None else ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


@pytest.fixture(params=USERS, ids=lambda user: "self" if user is None else "ordinary")
def zygote(request: pytest.FixtureRequest, public: Program) -> Iterator[RunningZygote]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        options = ("--memory-limit", str(MEMORY_LIMIT))
        environment = {"SECRET": "the environment of the zygote", "PATH": "/usr/bin:/bin"}
        prefix = as_user(request.param)
        with RunningZygote(
            Path(name),
            *options,
            source=EVALUATE,
            environment=environment,
            prefix=prefix,
            program=[public.zygote, "--wasmtime", public.wasmtime],
        ) as running:
            yield running


@pytest.fixture
def sandbox(zygote: RunningZygote) -> Peer:
    peer = zygote.spawn("a")
    assert peer.ask("'ready'") == "ready"
    return peer


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def root_only() -> None:
    """The kernel shows some entries of an undumpable process to root only; --report-isolation tries the same inside."""
    if os.geteuid() != 0:
        pytest.skip("only root can look at this of a sandbox from outside")


@pytest.mark.parametrize("kind", NAMESPACES)
def test_namespaces(zygote: RunningZygote, sandbox: Peer, layers: Report, kind: str) -> None:
    root_only()
    differs = Path(f"/proc/{sandbox.pid}/ns/{kind}").readlink() != Path(f"/proc/{zygote.pid}/ns/{kind}").readlink()
    assert differs == layers[NAMESPACES[kind]]["in_force"]


def test_it_has_no_rights(sandbox: Peer) -> None:
    fields = status(sandbox.pid)
    assert "0" not in fields["Uid"].split()
    assert "0" not in fields["Gid"].split()
    assert fields["Groups"] == ""
    assert {fields[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"
    assert fields["Threads"] == "1"


def test_it_is_the_first_process_of_its_namespace(sandbox: Peer, layers: Report) -> None:
    numbers = status(sandbox.pid)["NSpid"].split()
    assert (len(numbers) > 1 and numbers[-1] == "1") == layers["pid namespace"]["in_force"]


def test_only_channels_are_open(sandbox: Peer) -> None:
    root_only()
    folder = Path(f"/proc/{sandbox.pid}/fd")
    targets = {int(entry.name): str(entry.readlink()) for entry in folder.iterdir()}
    assert {targets.pop(fd) for fd in (0, 1, 2)} == {"/dev/null"}
    assert len(targets) == 3
    assert all(target.startswith("socket:") for target in targets.values()), targets


def test_the_environment_is_empty(zygote: RunningZygote, sandbox: Peer) -> None:
    root_only()
    for pid in (zygote.pid, sandbox.pid):
        assert Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0") == b""


def test_the_root_is_empty_and_read_only(sandbox: Peer, layers: Report) -> None:
    root_only()
    empty = not list(Path(f"/proc/{sandbox.pid}/root").iterdir())
    assert empty == layers["empty root"]["in_force"]
    if empty:
        mounts = Path(f"/proc/{sandbox.pid}/mountinfo").read_text().splitlines()
        assert len(mounts) == 1
        assert mounts[0].split()[4] == "/"
        assert {"ro", "nosuid", "nodev", "noexec"} <= set(mounts[0].split()[5].split(","))


def test_limits(sandbox: Peer) -> None:
    root_only()
    limits = {
        line[:26].strip(): line[26:].split()[:2]
        for line in Path(f"/proc/{sandbox.pid}/limits").read_text().splitlines()
    }
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max processes"] == ["0", "0"]
    assert limits["Max locked memory"] == ["0", "0"]
    assert limits["Max open files"] == ["192"] * 2
    assert int(limits["Max data size"][1]) < 2 * MEMORY_LIMIT
    assert limits["Max file size"] == [str(MEMORY_LIMIT)] * 2


def test_it_ends_first_where_memory_runs_out(zygote: RunningZygote, sandbox: Peer) -> None:
    assert Path(f"/proc/{sandbox.pid}/oom_score_adj").read_text() == "1000\n"
    assert Path(f"/proc/{zygote.pid}/oom_score_adj").read_text() == Path("/proc/self/oom_score_adj").read_text()


def test_it_is_closed_to_its_own_user(sandbox: Peer) -> None:
    # /proc/PID of an undumpable process belongs to root, not to the user of the process.
    assert Path(f"/proc/{sandbox.pid}/mem").stat().st_uid != int(status(sandbox.pid)["Uid"].split()[0])
    assert stat.S_IMODE(Path(f"/proc/{sandbox.pid}/environ").stat().st_mode) == 0o400


@pytest.mark.parametrize(
    ("source", "answer"),
    [
        (f"{WASM}.f(42, 6)", "7"),
        (f"{WASM}.f(1, 0)", "RuntimeError: "),
        (f"{WASM}.m.grow(100)", "1"),
        ("'x'.repeat(1 << 24).length", "16777216"),
        ("new Float64Array(1 << 20).fill(1.5).reduce((a, b) => a + b)", "1572864"),
        ("new Date(2020, 0, 1).getFullYear()", "2020"),
        ("Math.random() !== Math.random()", "true"),
        ("performance.now() > 0", "true"),
        ("(function f() { f(); })()", "RangeError: "),
        ("new TextDecoder().decode(new TextEncoder().encode('é'))", "é"),
        ("try { new ArrayBuffer(1 << 29); } catch { 'refused'; }", "refused"),
        (f"try {{ {WASM}.m.grow(60000); }} catch {{ 'refused'; }}", "refused"),
        ("{ const kept = []; for (;;) kept.push(new Array(1 << 16).fill(0)); }", ""),
        ("[...'abc'].sort().map((c) => c.charCodeAt(0).toString(16)).join()", "61,62,63"),
    ],
)
def test_the_engine_works_under_every_layer(sandbox: Peer, source: str, answer: str) -> None:
    """System calls that the engine needs are allowed, and its own limits come before the kernel's."""
    assert sandbox.ask(source).startswith(answer)
    assert sandbox.ask("1 + 1") == "2"


def test_it_has_its_own_session(zygote: RunningZygote, sandbox: Peer) -> None:
    """Where its zygote has none, and so may have a terminal."""
    assert os.getsid(sandbox.pid) == sandbox.pid != os.getsid(zygote.pid)
    assert os.getpgid(sandbox.pid) == sandbox.pid


def test_it_has_no_terminal(tmp_path: Path) -> None:
    """It stays in the session of its zygote, whose share of the CPUs all its sandboxes have together."""
    with RunningZygote(tmp_path, prefix=["setsid"]) as zygote, contextlib.closing(zygote.spawn("1")) as sandbox:
        assert os.getsid(sandbox.pid) == os.getsid(zygote.pid) == zygote.pid
        assert os.getpgid(sandbox.pid) == sandbox.pid
        for process in (zygote.pid, sandbox.pid):
            terminal = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[4]
            assert terminal == "0"


def test_report_names_every_layer(layers: Report) -> None:
    assert set(layers) == EVERYWHERE | set(NAMESPACES.values()) | {
        "unprivileged user",
        "host name",
        "empty root",
        "landlock",
    }
    assert {name for name in EVERYWHERE if not layers[name]["in_force"]} == set()
    for layer in layers.values():
        assert isinstance(layer["in_force"], bool)
        assert layer["reason"], layer


def test_report_of_an_ordinary_user(layers: Report, public: Program) -> None:
    if os.geteuid() == 0:
        layers = report(*as_user(ORDINARY), executable=public.zygote)
    assert {name for name in EVERYWHERE if not layers[name]["in_force"]} == set()


def test_report_where_user_namespaces_are_refused(layers: Report) -> None:
    refused = layers
    if layers["user namespace"]["in_force"]:
        # A user namespace whose own limit forbids further ones, with no capability: as in a strict container.
        drop = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "
        refused = report("unshare", "-U", "-r", "sh", "-c", drop + '"$0" "$@"')
    for name in ("user namespace", "pid namespace", "empty root"):
        assert refused[name]["in_force"] is False
        assert refused[name]["reason"]
    # What remains still keeps files, processes and system calls away.
    assert refused["landlock"]["in_force"] == layers["landlock"]["in_force"]
    assert {name for name in EVERYWHERE if not refused[name]["in_force"]} == set()
