"""GPU hosts that wait do not outlive a suspend of the machine, nor the drivers that they were started with."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_evaluator.gpu import pool as gpu_pool
from dcp_evaluator.gpu import surroundings
from dcp_evaluator.gpu.places import SHORTEST_SLEEP
from dcp_evaluator.gpu.pool import GpuPool
from dcp_evaluator.gpu.rest import AdapterRest
from dcp_evaluator.gpu.surroundings import Surroundings, nvidia_mismatch, was_suspended
from dcp_evaluator.settings.settings import Settings
from gpu_host import GpuHost, command
from process_tree import is_running

pytestmark = pytest.mark.any_engine

TIMES = st.floats(0, 1e9)


@pytest.fixture
def new_pool() -> Iterator[Callable[..., GpuPool]]:
    pools: list[GpuPool] = []

    def new() -> GpuPool:
        pools.append(GpuPool(Settings(), warm=1, rest=AdapterRest()))
        return pools[0]

    yield new
    for pool in pools:
        pool.close()


@given(boot=TIMES, monotonic=TIMES, passed=TIMES, suspended=TIMES)
def test_time_that_one_clock_did_not_count_is_a_suspend(
    boot: float, monotonic: float, passed: float, suspended: float
) -> None:
    """However far the clocks were apart, and whatever time has passed on both."""
    difference = boot - monotonic
    later = (boot + passed + suspended) - (monotonic + passed)
    assert was_suspended(difference, later) == (later - difference >= SHORTEST_SLEEP)
    if suspended > SHORTEST_SLEEP + 1e-3:
        assert was_suspended(difference, later)
    if suspended < SHORTEST_SLEEP - 1e-3:
        assert not was_suspended(difference, later)


def test_a_host_holds_where_nothing_has_changed() -> None:
    before = Surroundings(10.0, (("a", 1, 2),), frozenset())
    assert before.hold(Surroundings(10.5, (("a", 1, 2),), frozenset()))
    assert not before.hold(Surroundings(3610.0, (("a", 1, 2),), frozenset()))
    assert not before.hold(Surroundings(10.0, (("a", 1, 3),), frozenset()))
    assert not before.hold(Surroundings(10.0, (("a", 1, 2),), frozenset({"0000:65:00.0"})))


def warm(pool: GpuPool) -> list[int]:
    return [host.pid for host in pool._warm]


def test_a_warm_host_is_replaced_after_a_suspend(
    new_pool: Callable[..., GpuPool], monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = new_pool()
    (first,) = warm(pool)
    pool.refill()
    assert warm(pool) == [first]
    slept = surroundings.slept() + 3600
    monkeypatch.setattr(surroundings, "slept", lambda: slept)
    with pool.connect(1) as connection:
        assert select.select([connection], [], [], 20)[0]  # the hello of another host
        assert not is_running(first)


def test_a_warm_host_is_replaced_when_a_driver_was(
    new_pool: Callable[..., GpuPool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    icd = tmp_path / "vulkan/icd.d"
    icd.mkdir(parents=True)
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path}:/usr/local/share:/usr/share")
    pool = new_pool()
    library = tmp_path / "new.so"
    seen = [warm(pool)]
    (icd / "new.json").write_text(f'{{"ICD": {{"library_path": "{library}"}}}}')
    pool.refill()
    seen.append(warm(pool))
    library.write_text("no driver")
    pool.refill()
    seen.append(warm(pool))
    assert len({pid for (pid,) in seen}) == 3
    pool.refill()
    assert warm(pool) == seen[-1]


def test_nodes_that_come_into_being_later_make_other_surroundings(tmp_path: Path) -> None:
    """nvidia-modprobe makes NVIDIA's when it first runs: a host that was started before cannot see them."""
    (tmp_path / "dev/dri").mkdir(parents=True)
    (tmp_path / "dev/tty").touch()
    before = surroundings.gpu_nodes(tmp_path)
    (tmp_path / "dev/nvidia0").touch()
    with_nvidia = surroundings.gpu_nodes(tmp_path)
    (tmp_path / "dev/dri/renderD128").touch()
    (tmp_path / "dev/dri/card0").touch()
    both = surroundings.gpu_nodes(tmp_path)
    assert (len(before), len(with_nvidia), len(both)) == (0, 1, 2)


# Adds ten seconds to CLOCK_BOOTTIME once the byte that it has mapped is set: what a suspend looks like.
SUSPENDS = """#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
static const volatile char* suspended;
__attribute__((constructor)) static void map(void) {
  int fd = open(SWITCH, O_RDONLY);
  suspended = mmap(0, 1, PROT_READ, MAP_SHARED, fd, 0);
}
int clock_gettime(clockid_t clock, struct timespec* time) {
  static int (*real)(clockid_t, struct timespec*);
  if (!real) real = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, time);
  if (clock == CLOCK_BOOTTIME && *suspended) time->tv_sec += 10;
  return result;
}
"""


def test_a_host_in_use_ends_before_it_answers_after_a_suspend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would answer may come from memory that the GPU has lost."""
    switch, source, library = tmp_path / "switch", tmp_path / "suspends.c", tmp_path / "libsuspends.so"
    switch.write_bytes(b"\0")
    source.write_text(SUSPENDS)
    build = ["cc", "-shared", "-fPIC", f'-DSWITCH="{switch}"', "-o", library, source, "-ldl"]
    subprocess.run(build, check=True, timeout=60)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    with GpuHost() as host:
        host.send(command("requestAdapter", 1, 2, 0, 0))
        host.reply()
        with switch.open("r+b") as file:
            file.write(b"\1")
        host.send(command("requestAdapter", 2, 3, 0, 0))
        status, said = host.ended()
    assert (status, said) == (4, "dcp-gpu-host: the machine was suspended\n")


def nvidia(root: Path, module: str | None, *libraries: str) -> Path:
    folder = root / "usr/lib/x86_64-linux-gnu"
    folder.mkdir(parents=True)
    for version in libraries:
        (folder / f"libnvidia-glcore.so.{version}").touch()
    if module is not None:
        (root / "sys/module/nvidia").mkdir(parents=True)
        (root / "sys/module/nvidia/version").write_text(f"{module}\n")
    return root


def test_libraries_that_the_kernel_module_does_not_fit_are_told(tmp_path: Path) -> None:
    assert nvidia_mismatch(nvidia(tmp_path / "a", None, "570.86.15")) is None
    assert nvidia_mismatch(nvidia(tmp_path / "b", "565.57.01")) is None
    assert nvidia_mismatch(nvidia(tmp_path / "c", "570.86.15", "570.86.15", "565.57.01")) is None
    assert nvidia_mismatch(nvidia(tmp_path / "d", "565.57.01", "570.86.15")) == (
        "the NVIDIA libraries are 570.86.15, the kernel module is 565.57.01: reboot; no NVIDIA GPU works before"
    )


def test_a_mismatch_is_told_once(
    new_pool: Callable[..., GpuPool], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu_pool, "_told", set())
    monkeypatch.setattr(surroundings, "nvidia_mismatch", lambda: "reboot")
    monkeypatch.setattr("sys.__stderr__", os.fdopen(os.dup(2), "w"))
    pool = new_pool()
    pool.connect(1).close()
    pool.refill()
    assert capfd.readouterr().err.count("dcp-evaluator: reboot\n") == 1  # hosts may say that their peer has gone
