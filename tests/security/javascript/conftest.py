"""The evaluators that are attacked, and the check after each attack that nothing was left behind."""

from __future__ import annotations

import collections
import contextlib
import ctypes
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from target import MEMORY_LIMIT, Target, wasm

import dcp_evaluator as dcp
from line_peer import TcpEvaluator
from process_tree import children, is_running
from zygote_control import wait_until

# A sandbox of this text evaluates each line it gets.
EVALUATE = """
onreadln((line) => {
  let answer;
  try { answer = String((0, eval)(line)); } catch (error) { answer = `thrown: ${error}`; }
  writeln(answer);
});
"""
_MOST_KEPT = 96 << 20  # bytes by which this process may have grown: malloc keeps some of what a flood has brought


@pytest.fixture(scope="session")
def target() -> Iterator[Target]:
    """An evaluator whose sandboxes may use little memory, so that it is soon used up."""
    with dcp.Evaluator(MEMORY_LIMIT) as evaluator:
        found = Target(evaluator)
        # What comes with the first use, and stays: the compiler, a GPU host that waits, the modules of Python.
        found.attack("new WebAssembly.Module(args[0]); await navigator.gpu.requestAdapter();", wasm("(module)"))
        yield found


@pytest.fixture(scope="session")
def line_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpEvaluator]:
    file = tmp_path_factory.mktemp("lines") / "evaluate.js"
    file.write_text(EVALUATE, encoding="utf-8")
    with TcpEvaluator(str(file), options=("--memory-limit", str(MEMORY_LIMIT >> 20))) as evaluator:
        yield evaluator


@pytest.fixture(autouse=True)
def nothing_is_left_behind(target: Target, line_target: TcpEvaluator, temporary_folder: Path) -> Iterator[None]:
    """After each attack: the next sandbox gives right answers; no process, descriptor, file or memory is left."""
    with contextlib.suppress(AssertionError):  # other tests keep an evaluator that does without spares
        wait_until(_at_rest, "the spares wait, and nothing else", seconds=1.0)
    files, before = set(temporary_folder.iterdir()), _Footprint()
    yield
    target.check()
    gc.collect()
    left: list[str] = []

    def is_clean() -> bool:
        left[:] = _Footprint().beyond(before)
        return not left

    with contextlib.suppress(AssertionError):
        wait_until(is_clean, "what the attack has used is given back")
    assert left == []
    assert set(temporary_folder.iterdir()) == files


def _at_rest() -> bool:
    """Whether each zygote has its spares, and no sandbox is about to end."""
    before = _Footprint().sandboxes()
    time.sleep(0.01)
    found = _Footprint()
    spares = _SERVING["dcp-sandbox"] * found.processes["dcp-zygote"]
    return before == found.sandboxes() and len(before) == found.processes["dcp-sandbox"] == spares


class _Footprint:
    """What this process and those below it hold."""

    def __init__(self) -> None:
        ctypes.CDLL(None).malloc_trim(0)
        self.resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        self.shared = Path("/proc/self/maps").read_text().count("/memfd:")
        self.processes: collections.Counter[str] = collections.Counter()
        self.names: dict[int, str] = {}
        self.descriptors: dict[int, list[str]] = {}
        self.children: collections.Counter[int] = collections.Counter()
        self._visit(os.getpid())

    def _visit(self, pid: int) -> None:
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
            descriptors = [_target(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
        except OSError:
            return  # it has ended meanwhile
        if is_running(pid):
            self.processes[name] += 1
            self.names[pid], self.descriptors[pid] = name, descriptors
            for child in children(pid):
                self.children[pid] += 1
                self._visit(child)

    def sandboxes(self) -> set[int]:
        return {pid for pid, name in self.names.items() if name == "dcp-sandbox" and self.descriptors[pid]}

    def beyond(self, before: _Footprint) -> list[str]:
        """What there is more than ``before``, in words."""
        more = []
        zygotes = before.processes["dcp-zygote"]
        for name, count in self.processes.items():
            if count > max(before.processes[name], _SERVING.get(name, 0) * zygotes):
                more.append(f"{count} processes {name}, before {before.processes[name]}")
        for pid, descriptors in self.descriptors.items():
            earlier = before.descriptors.get(pid, [])
            started = max(0, self.children[pid] - before.children[pid])
            serving = 0 if pid == os.getpid() else _DESCRIPTORS
            if len(descriptors) > max(len(earlier), serving) + _DESCRIPTORS_OF_A_CHILD * started:
                more.append(f"descriptors of {self.names[pid]} {pid}: {sorted(descriptors)}, before {sorted(earlier)}")
        if self.shared > before.shared:
            more.append(f"{self.shared} mappings of shared memory, before {before.shared}")
        if self.resident > before.resident + _MOST_KEPT:
            more.append(f"{self.resident} bytes of memory, before {before.resident}")
        return more


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return "closed meanwhile"


# What comes back with each zygote, of these tests and of those before: its spares, a compiler, GPU hosts that wait.
_SERVING = {"dcp-zygote": 1, "dcp-sandbox": 2, "dcp-compiler": 1, "dcp-gpu-host": 2}
_DESCRIPTORS = (
    24  # of a process that was not there before: its control socket, the spares' sockets, modules that are kept
)
_DESCRIPTORS_OF_A_CHILD = 2  # which a process has for each that it has started
