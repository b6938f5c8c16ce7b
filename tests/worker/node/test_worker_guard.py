"""What a worker's guard has its supervisor and its evaluator do: on a kernel that is not there, with two GPUs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from dcp_worker.configuration.rules import Rules, RuleSettings
from dcp_worker.configuration.settings import Cores, WorkerSettings
from dcp_worker.logs.notices import Notice, Notices, Said
from dcp_worker.node.allowance import Allowance
from dcp_worker.node.guard import Guard
from dcp_worker.node.work_requests import WorkRequests
from dcp_worker.rules.pauses import Pauses
from dcp_worker.scheduling.room import Limits

pytestmark = pytest.mark.any_engine

FIRST, SECOND = "0000:18:00.0", "0000:65:00.0"


def kernel(root: Path) -> Path:
    """With two GPUs, a battery, and a sensor of the CPU."""
    for number, address in enumerate((FIRST, SECOND)):
        folder = root / "sys/bus/pci/devices" / address
        (folder / f"drm/renderD{128 + number}").mkdir(parents=True)
        (folder / "hwmon/hwmon1").mkdir(parents=True)
        (folder / "hwmon/hwmon1/temp1_input").write_text("50000\n")
        for name, value in (("class", "0x030000"), ("vendor", "0x1002"), ("device", "0x1234")):
            (folder / name).write_text(f"{value}\n")
        (root / "dev/dri").mkdir(parents=True, exist_ok=True)
        (root / f"dev/dri/renderD{128 + number}").touch()
    battery = root / "sys/class/power_supply/BAT0"
    battery.mkdir(parents=True)
    (battery / "type").write_text("Battery\n")
    (battery / "status").write_text("Charging\n")
    return root


class Evaluator:
    """Of this program, or elsewhere, where it cannot be told which GPUs to withhold."""

    is_uniform = True

    def __init__(self, *, is_own: bool) -> None:
        self._is_own = is_own
        self.withheld: frozenset[str] = frozenset()

    def withhold_gpus(self, identities: Collection[str]) -> bool:
        if self._is_own:
            self.withheld = frozenset(identities)
        return self._is_own

    async def open(self) -> Any:
        raise AssertionError("no sandbox is needed")

    async def close(self) -> None:
        pass


class Machine:
    """Hears what it is told."""

    def __init__(self) -> None:
        self.limits: list[tuple[float, float, bool, bool]] = []
        self.renewals: list[bool] = []

    def set_limits(self, limits: Limits, *, hard: bool = False) -> None:
        self.limits.append((limits.cpu, limits.gpu, limits.cpu_rests, hard))

    def gpus_changed(self, *, hard: bool = False) -> None:
        self.renewals.append(hard)


class Worker:
    """Guard and allowance as they are wired."""

    def __init__(self, root: Path, rules: Rules, *, is_own: bool = True, pauses: Pauses | None = None) -> None:
        settings = WorkerSettings(cores=Cores(cpu=4, gpu=2))
        self.said: list[str] = []
        self.machine, self.evaluator = Machine(), Evaluator(is_own=is_own)
        self.requests = WorkRequests(settings, "worker", "0x00")
        notices = Notices()
        notices.listen(self._hear)
        self.allowance = Allowance(self.machine, self.requests, self.evaluator, self._tell, rules.grace)  # type: ignore[arg-type]
        self.guard = Guard(
            rules, notices, lambda: self.requests.has_gpu, self.allowance.apply, root=root, pauses=pauses
        )

    def _hear(self, notice: Notice) -> None:
        if isinstance(notice, Said):
            self.said.append(notice.message)

    def _tell(self, event: Callable[..., None], *arguments: Any, **more: Any) -> None:
        event(*arguments, **more)


def at_work(root: Path, test: Callable[[Worker], Awaitable[None]], rules: Rules, **options: Any) -> Worker:
    async def run() -> Worker:
        worker = Worker(root, rules, **options)
        await worker.guard.start()
        try:
            await test(worker)
        finally:
            await worker.guard.close()
            worker.allowance.close()
        return worker

    return asyncio.run(run())


def quiet(**more: Any) -> Rules:
    none = RuleSettings(battery=False, metered=False)
    return Rules(**{"cpu": none, "gpu": none, "calm": 0.0, "grace": 0.1, **more})


def test_nothing_is_changed_while_all_may_work(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        assert list(worker.guard.verdict.gpus) == [FIRST, SECOND]
        assert worker.guard.targets() == ["all", "cpu", "gpu", FIRST, SECOND]

    worker = at_work(kernel(tmp_path), test, Rules())
    assert not worker.machine.limits
    assert not worker.said


def test_the_cpu_rests_softly_and_after_the_time_of_grace_in_earnest(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause("cpu")
        assert worker.machine.limits == [(4, 1.5, True, False)]
        async with asyncio.timeout(10):
            while len(worker.machine.limits) < 2:
                await asyncio.sleep(0.01)
        assert worker.machine.limits[1:] == [(4, 1.5, True, True)]
        worker.guard.resume("cpu")
        assert worker.machine.limits[2:] == [(4, 1.5, False, False)]

    worker = at_work(kernel(tmp_path), test, quiet())
    assert worker.said == [" . CPU rests: paused by its owner", " . CPU works again"]


def test_what_works_again_in_time_is_not_ended(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause("all")
        worker.guard.resume("all")
        await asyncio.sleep(0.3)

    worker = at_work(kernel(tmp_path), test, quiet())
    assert worker.machine.limits == [(4, 0, True, False), (4, 1.5, False, False)]


def test_without_a_time_of_grace_what_runs_is_ended_at_once(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause("gpu")

    worker = at_work(kernel(tmp_path), test, quiet(grace=0.0))
    assert worker.machine.limits[0] == (4, 0, False, True)


def test_one_gpu_of_two_rests(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause(SECOND)
        assert worker.evaluator.withheld == {SECOND}
        assert worker.machine.renewals == [False]
        assert worker.machine.limits == [(4, 0.75, False, False)]
        async with asyncio.timeout(10):
            while len(worker.machine.limits) < 2:
                await asyncio.sleep(0.01)
        assert worker.machine.renewals == [False, True]
        worker.guard.resume(SECOND)
        assert worker.evaluator.withheld == frozenset()
        assert worker.machine.limits[2:] == [(4, 1.5, False, False)]

    at_work(kernel(tmp_path), test, quiet())


def test_where_all_gpus_rest_none_is_withheld_as_no_job_gets_one(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause(SECOND)
        assert worker.evaluator.withheld == {SECOND}
        worker.guard.pause(FIRST)
        assert worker.evaluator.withheld == frozenset()
        assert worker.machine.limits[-1] == (4, 0, False, False)
        worker.guard.resume(FIRST)
        assert worker.evaluator.withheld == {SECOND}
        assert worker.machine.limits[-1] == (4, 0.75, False, False)
        assert worker.machine.renewals == [False]

    at_work(kernel(tmp_path), test, quiet(grace=60.0))


def test_sandboxes_with_a_gpu_that_rests_end_though_the_cpu_rests_meanwhile(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause(SECOND)
        worker.guard.pause("cpu")
        async with asyncio.timeout(10):
            while worker.machine.renewals != [False, True]:
                await asyncio.sleep(0.01)

    at_work(kernel(tmp_path), test, quiet())


def test_where_the_evaluator_cannot_choose_no_gpu_is_used_while_one_rests(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.pause(SECOND)

    worker = at_work(kernel(tmp_path), test, quiet(), is_own=False)
    assert worker.machine.limits == [(4, 0, False, False)]
    assert not worker.machine.renewals


def test_a_gpu_that_gets_hot_rests_until_it_has_cooled_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcp_worker.node.guard._PERIOD", 0.02)
    root = kernel(tmp_path)
    sensor = root / "sys/bus/pci/devices" / SECOND / "hwmon/hwmon1/temp1_input"

    async def test(worker: Worker) -> None:
        assert worker.guard.heat() == {FIRST: 50, SECOND: 50}
        for degrees, rests in ((79, False), (81, True), (76, True), (74, False)):
            sensor.write_text(f"{degrees}000\n")
            async with asyncio.timeout(10):
                while worker.guard.verdict.gpus[SECOND].allowed is rests:
                    await asyncio.sleep(0.01)
            assert worker.evaluator.withheld == ({SECOND} if rests else frozenset())

    hot = RuleSettings(battery=False, metered=False, temperature=80.0)
    at_work(root, test, quiet(gpu=hot, grace=60.0))


def test_on_battery_it_rests_from_the_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcp_worker.node.guard._PERIOD", 0.02)
    root = kernel(tmp_path)
    status = root / "sys/class/power_supply/BAT0/status"
    status.write_text("Discharging\n")

    async def test(worker: Worker) -> None:
        assert worker.machine.limits == [(4, 0, True, False)]
        status.write_text("Charging\n")
        async with asyncio.timeout(10):
            while not worker.guard.verdict.cpu.allowed:
                await asyncio.sleep(0.01)
        assert worker.machine.limits[-1] == (4, 1.5, False, False)

    worker = at_work(root, test, Rules(calm=0.0))
    assert worker.said[0] == " . CPU rests: the machine runs on battery"


def test_other_rules_count_at_once(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.guard.change(quiet(cpu=RuleSettings(battery=False, metered=False, free_disk=1e18)))
        async with asyncio.timeout(10):
            while not worker.guard.verdict.unwatched:
                await asyncio.sleep(0.01)
        worker.guard.change(quiet())
        async with asyncio.timeout(10):
            while worker.guard.verdict.unwatched:
                await asyncio.sleep(0.01)

    worker = at_work(kernel(tmp_path), test, quiet())
    assert worker.said == ["the rule freeDisk has no effect: results are kept in memory"]


def test_an_evaluator_without_a_gpu_has_none_to_speak_of(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        worker.requests.without_gpu = True
        worker.guard.judge_now()
        assert not worker.guard.verdict.gpus
        assert worker.guard.targets() == ["all", "cpu"]

    at_work(kernel(tmp_path), test, quiet())


def test_where_the_kernel_has_no_gpu_the_evaluators_is_the_only_one(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        assert worker.guard.targets() == ["all", "cpu", "gpu"]
        worker.guard.pause("gpu", 1e12)

    worker = at_work(tmp_path, test, quiet())
    assert worker.machine.limits == [(4, 0, False, False)]
    assert worker.said == [" . GPU rests: paused by its owner"]


def test_pauses_of_an_earlier_run_count(tmp_path: Path) -> None:
    async def test(worker: Worker) -> None:
        assert worker.machine.limits == [(4, 1.5, True, False)]

    pauses = Pauses()
    pauses.pause("cpu")
    at_work(kernel(tmp_path), test, quiet(), pauses=pauses)
