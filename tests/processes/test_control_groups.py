"""Control groups: where they can be had each sandbox has one; stale ones go; where there are none nothing is harmed."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.processes import control_groups
from dcp_evaluator.processes.control_groups import ControlGroups, Found, find, remove_stale

pytestmark = pytest.mark.any_engine
MEMORY = 1 << 30
OWN = f"dcp-evaluator-{os.getpid()}-"


class Tree:
    """A folder that looks as the kernel's does, with this process in the group ``/user/app``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mount = root / "sys/fs/cgroup"
        self.own = self.mount / "user/app"
        self.own.mkdir(parents=True)
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/mountinfo").write_text("31 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n")
        (root / "proc/self/cgroup").write_text("0::/user/app\n")
        self.group(self.mount, "cpu memory pids", "")
        self.group(self.mount / "user", "cpu memory pids", "cpu memory pids")
        self.group(self.own, "cpu memory pids", "")

    @staticmethod
    def group(folder: Path, controllers: str, below: str) -> None:
        (folder / "cgroup.controllers").write_text(controllers)
        (folder / "cgroup.subtree_control").write_text(below)
        (folder / "cgroup.procs").write_text("")

    def find(self) -> Found:
        return find(self.root)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """What the kernel does by itself is done here: a new group has files, and goes with them."""
    made = Path.mkdir

    def make(folder: Path, *arguments: object, **options: object) -> None:
        made(folder, *arguments, **options)  # type: ignore[arg-type]
        if tmp_path in folder.parents and (folder.parent / "cgroup.procs").exists():
            Tree.group(folder, (folder.parent / "cgroup.subtree_control").read_text(), "")

    def write(path: Path, text: str) -> None:
        if path.name == "cgroup.subtree_control":
            if path.parent.name == "app":
                raise OSError(16, "busy: processes are in it")
            text = path.read_text() + " " + text.removeprefix("+")
        elif text.startswith("+"):
            raise AssertionError(path)
        path.write_text(text)

    def remove(folder: Path) -> None:
        if not folder.is_dir():
            raise FileNotFoundError
        if [each for each in folder.iterdir() if each.is_dir()] or (folder / "populated").exists():
            raise OSError(16, "busy")
        shutil.rmtree(folder)

    monkeypatch.setattr(control_groups, "_write", write)
    tree = Tree(tmp_path)
    monkeypatch.setattr(Path, "mkdir", make)
    monkeypatch.setattr(Path, "rmdir", remove)
    return tree


def groups_of(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir() if each.is_dir()}


def test_groups_are_made_beside_our_own(tree: Tree) -> None:
    """Not below it: a group with processes in it hands no controllers on."""
    found = tree.find()
    assert found.folder == tree.mount / "user"
    groups = ControlGroups(MEMORY, found)
    assert groups.in_force
    (name,) = groups_of(tree.mount / "user") - {"app"}
    assert name.startswith(OWN)
    own = tree.mount / "user" / name
    assert (own / "memory.max").read_text() == str(MEMORY)
    groups.add("sandbox-7", 4242, 4)
    wanted = {"cgroup.procs": "4242", "memory.max": str(MEMORY // 2), "pids.max": "4", "cpu.weight": "100"}
    assert {file: (own / "sandbox-7" / file).read_text() for file in wanted} == wanted
    groups.remove("sandbox-7")
    assert groups_of(own) == set()
    groups.close()
    assert groups_of(tree.mount / "user") == {"app"}


def test_a_group_whose_process_still_ends_goes_later(tree: Tree) -> None:
    groups = ControlGroups(MEMORY, tree.find())
    groups.add("a", 1, 4)
    (own,) = [each for each in (tree.mount / "user").iterdir() if each.name.startswith(OWN)]
    busy = own / "a" / "populated"
    busy.write_text("1")
    groups.remove("a")
    assert groups_of(own) == {"a"}
    busy.unlink()
    groups.close()
    assert not own.exists()


def test_only_groups_of_dead_owners_with_names_of_ours_go(tree: Tree) -> None:
    started = control_groups._started(os.getpid())
    user = tree.mount / "user"
    stale = ["dcp-evaluator-999999999-5-1", f"dcp-evaluator-{os.getpid()}-1-1"]
    others = [f"{OWN}{started}-77", "dcp-evaluator-x", "dcp-evaluator-999999999-5-1.scope", "evaluator-999999999-5-1"]
    for name in (*stale, *others):
        (user / name).mkdir()
    (user / stale[0] / "sandbox-1").mkdir()
    (user / "dcp-evaluator-999999999-6-1").symlink_to(user / "app")
    remove_stale(user)
    assert groups_of(user) == {"app", *others, "dcp-evaluator-999999999-6-1"}


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda tree: (tree.root / "proc/self/mountinfo").write_text(""), "no control groups of version 2 are mounted"),
        (lambda tree: [path.write_text("cpu") for path in tree.mount.rglob("cgroup.controllers")], "has no controller"),
        (lambda tree: (tree.mount / "user/cgroup.subtree_control").write_text("cpu"), None),
    ],
)
def test_where_there_are_none_the_reason_is_told(tree: Tree, spoil, reason) -> None:  # type: ignore[no-untyped-def]
    spoil(tree)
    found = tree.find()
    if reason is None:  # one that may be asked for what it does not hand on yet
        assert found.folder == tree.mount / "user"
        return
    assert found.folder is None
    assert reason in found.reason
    groups = ControlGroups(MEMORY, found)
    groups.add("a", os.getpid(), 4)
    groups.remove("a")
    groups.close()
    assert not groups.in_force


def test_a_limit_that_cannot_be_set_leaves_no_group(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    write = control_groups._write

    def fails(path: Path, text: str) -> None:
        if path.name == "pids.max":
            raise OSError(95, "not supported")
        write(path, text)

    monkeypatch.setattr(control_groups, "_write", fails)
    groups = ControlGroups(MEMORY, tree.find())
    groups.add("a", 1, 4)
    (own,) = [each for each in (tree.mount / "user").iterdir() if each.name.startswith(OWN)]
    assert groups_of(own) == set()
    groups.close()


@pytest.fixture
def kernels_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of the kernel where groups can be made; where its memory cannot be limited they have no limits."""
    if find().folder is None:
        monkeypatch.setattr(control_groups, "_NEEDED", ())
        monkeypatch.setattr(control_groups, "_USEFUL", ())
        limits = ("memory.max", "pids.max", "cpu.weight", "memory.oom.group")
        write = control_groups._write
        monkeypatch.setattr(
            control_groups, "_write", lambda path, text: None if path.name in limits else write(path, text)
        )
    folder = find().folder
    if folder is None:
        pytest.skip("no control group of version 2 that this user may write to")
    yield folder


def test_sandboxes_are_in_groups_of_their_own(kernels_own: Path) -> None:
    """In the kernel's own tree: processes are moved there, and nothing is left."""
    own = []

    def look(event: dcp.ProgressEvent) -> None:
        for folder in kernels_own.glob(f"{OWN}*/*"):
            with contextlib.suppress(OSError):
                own.append((folder.name, (folder / "cgroup.procs").read_text().split()))

    with dcp.Evaluator() as evaluator:
        work = "async (x) => { await new Promise((f) => setTimeout(f, 300)); progress(); return x; }"
        job = dcp.compute_for(range(2), work)
        job.on("progress", look)
        assert list(job.local_exec(2, evaluator=evaluator)) == [0, 1]
        sandboxes = [processes for name, processes in own if name.startswith("sandbox-") and processes]
        assert all(len(processes) == 1 for processes in sandboxes)
        assert len({process for processes in sandboxes for process in processes}) == 2
    assert not list(kernels_own.glob(f"{OWN}*"))


def test_what_a_killed_evaluator_leaves_goes_with_the_next_start(kernels_own: Path) -> None:
    folder = kernels_own / "dcp-evaluator-4000000-1-1"
    folder.mkdir()
    (folder / "sandbox-1").mkdir()
    with dcp.Evaluator() as evaluator:
        assert list(dcp.compute_for([1], "(x) => x").local_exec(1, evaluator=evaluator)) == [1]
    assert not folder.exists()


@pytest.mark.parametrize(
    ("priority", "files"),
    [("normal", {}), ("low", {"cpu.weight": "1"}), ("idle", {"cpu.weight": "1", "cpu.idle": "1"})],
)
def test_all_sandboxes_together_have_a_priority_against_other_groups(
    tree: Tree, priority: str, files: dict[str, str]
) -> None:
    groups = ControlGroups(MEMORY, tree.find(), priority=priority, cpus=1.5)
    (own,) = [each for each in (tree.mount / "user").iterdir() if each.name.startswith(OWN)]
    assert (own / "cpu.max").read_text() == "150000 100000"
    assert {path.name: path.read_text() for path in own.glob("cpu.[wi]*")} == files
    groups.close()


def test_cpus_can_be_limited_where_their_controller_is_handed_on(tree: Tree) -> None:
    assert control_groups.cpu_refusal(tree.root) is None
    (tree.mount / "user/cgroup.subtree_control").write_text("memory pids")
    folders = [tree.mount / "user", tree.mount]
    for folder in folders:
        (folder / "cgroup.controllers").write_text("memory pids")
    found = control_groups.cpu_refusal(tree.root)
    assert found is None or "hands no controller cpu on" in found
    (tree.root / "proc/self/mountinfo").write_text("")
    assert control_groups.cpu_refusal(tree.root) == "no control groups of version 2 are mounted"
