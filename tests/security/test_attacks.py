"""What native code in a sealed process gets of the machine: nothing. The attacks are in attacks_*.cpp."""

from __future__ import annotations

from collections.abc import Iterator

import attacks
import pytest
from attacks import KILLED, Sandboxes
from public_copies import PublicCopies
from users import STARTS

pytestmark = pytest.mark.any_engine

NAMES = attacks.names()
# Any user gets these where nothing protects; what an attack tests for is there.
ANYBODY = {
    "read_file", "list_tmp", "proc_self_maps", "stat_file", "watch_files", "socket_inet", "socket_unix",
    "socket_netlink", "abstract_socket", "socket_pair", "make_process", "make_sharing_process", "clone3", "trace_me",
    "process_descriptor", "write_process", "read_process", "keyring", "add_key", "change_personality",
    "change_scheduler", "list_root", "shared_segment", "be_dumpable", "outlive_parent", "be_subreaper", "map_shared",
    "map_growing", "alias_memory", "watch_descriptors", "attach_filter",
}  # fmt: skip
# What a GPU host without namespaces can do: Landlock does not hide that a file exists, and threads are not counted for
# one process alone.
WITHOUT_NAMESPACES = {"stat_file", "many_threads"}
# What drivers may do: files share memory, and epoll waits for it.
MEMORY_FOR_DRIVERS = {"map_shared", "alias_memory", "watch_descriptors"}
# Of these the kernel may have none, which is no merit of ours.
HUGE_PAGES = {"map_huge", "huge_file"}
MAKES_CODE = {"map_code", "map_file_as_code", "write_code", "make_code"}
WITH_KEY = "make_code_with_key"
# What of these a sandbox can do: what wasmtime does, what V8's JIT does.
OWN_CODE = {"quickjs": {"make_code"}, "v8": {"write_code", "make_code", WITH_KEY}, "v8 without JIT": set()}
# What ends the process, and is not merely refused: no program of ours has a use for it.
FATAL = {
    "trace_me", "process_descriptor", "read_process", "write_process", "bind_mount", "new_mount", "clone_tree",
    "change_root", "leave_namespaces", "enter_namespace", "become_root", "keyring", "add_key", "io_uring", "load_bpf",
    "perf", "user_faults", "change_personality", "own_filter", "set_clock", "kernel_log", "by_handle",
    "foreign_architecture", *MAKES_CODE, WITH_KEY,
}  # fmt: skip
# What drivers try, so that it is refused to a GPU host as an error.
ERRORS_FOR_DRIVERS = {"process_descriptor", "perf", "user_faults", "change_personality", "kernel_log"}


@pytest.fixture(scope="module", params=STARTS)
def prefix(request: pytest.FixtureRequest) -> list[str]:
    return STARTS[request.param]


@pytest.fixture(scope="module", params=attacks.ENGINES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def sandboxes(kind: str, prefix: list[str], public: PublicCopies) -> Iterator[Sandboxes]:
    with attacks.sandboxes(kind, prefix, public) as running:
        yield running


@pytest.fixture(scope="module")
def own_sandboxes(public: PublicCopies) -> Iterator[Sandboxes]:
    with attacks.sandboxes("quickjs", [], public) as running:
        yield running


def failed(outcome: str) -> bool:
    return outcome == KILLED or outcome.startswith("refused: ")


@pytest.mark.parametrize("name", sorted(ANYBODY))
def test_it_succeeds_where_nothing_protects(name: str) -> None:
    assert attacks.unprotected(name).startswith("SUCCEEDED: ")


@pytest.mark.parametrize("name", NAMES)
def test_in_a_sandbox(kind: str, sandboxes: Sandboxes, name: str) -> None:
    outcome = sandboxes.attempt(name)
    if name in OWN_CODE[kind]:
        assert outcome.startswith("SUCCEEDED: "), outcome
        return
    assert failed(outcome), outcome
    if name in FATAL:
        assert outcome == KILLED
    assert sandboxes.attempt("stat_file") == "refused: EACCES"  # the next sandbox is served


@pytest.mark.parametrize("name", NAMES)
def test_in_the_process_that_compiles(own_sandboxes: Sandboxes, name: str) -> None:
    outcome = own_sandboxes.attempt_in_compiler(name)
    if name in OWN_CODE["quickjs"]:
        assert outcome.startswith("attack: SUCCEEDED: "), outcome
        return
    assert outcome.startswith("attack: refused: ") or "signal 31" in outcome, outcome


@pytest.mark.parametrize("name", sorted(set(NAMES) - HUGE_PAGES))
def test_in_a_gpu_host(prefix: list[str], public: PublicCopies, name: str) -> None:
    outcome = attacks.attempt_in_gpu_host(name, prefix, public)
    if name in WITHOUT_NAMESPACES and prefix == STARTS["no-namespaces"]:
        assert outcome.startswith("SUCCEEDED: ")
        return
    if name in MAKES_CODE | MEMORY_FOR_DRIVERS:  # drivers open libraries and compile shaders
        assert outcome.startswith("SUCCEEDED: ")
        return
    assert failed(outcome), outcome
    if name in FATAL - ERRORS_FOR_DRIVERS - {WITH_KEY}:  # drivers that ask for protection keys find none
        assert outcome == KILLED
