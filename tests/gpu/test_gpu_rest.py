"""A GPU on which hosts die at their start is left alone for a while; others go on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broken_driver import BODIES, broken_driver
from cli_driver import run_script
from dcp_evaluator.gpu.rest import MOST_DEATHS, SECONDS, AdapterRest
from gpu_driver import LAVAPIPE, gpu_driver, only

pytestmark = pytest.mark.any_engine

ADAPTERS = st.sampled_from([None, "0000:18:00.0", "0000:65:00.0"])


class Rest(RuleBasedStateMachine):
    """Against a history that is kept whole: every event with its time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.rest = AdapterRest(clock=lambda: self.now)
        self.row: dict[str | None, int] = {}  # deaths since the last answer that counts for it
        self.began: dict[str | None, float] = {}

    def rests(self, adapter: str | None) -> bool:
        return adapter in self.began and self.now < self.began[adapter] + SECONDS

    @rule(adapter=ADAPTERS)
    def dies(self, adapter: str | None) -> None:
        self.row[adapter] = self.row.get(adapter, 0) + 1
        begins = self.row[adapter] >= MOST_DEATHS and not self.rests(adapter)
        assert self.rest.died(adapter) == begins
        if begins:
            self.began[adapter] = self.now

    @rule(adapter=ADAPTERS)
    def answers(self, adapter: str | None) -> None:
        self.rest.answered(adapter)
        for each in (adapter, None):
            self.row.pop(each, None)
            self.began.pop(each, None)

    @rule(seconds=st.sampled_from([0.1, 1, SECONDS / 2, SECONDS]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def those_rest_that_should(self) -> None:
        assert self.rest.resting() == {adapter for adapter in (*self.began,) if self.rests(adapter)}


TestRest = Rest.TestCase
TestRest.settings = settings(max_examples=50, stateful_step_count=30)

# Asks again whenever the device is lost, until one computes; says each adapter that it got.
ASKS = """
(async () => {
  for (let i = 0; i < 20; i++) {
    const adapter = await navigator.gpu.requestAdapter();
    if (adapter === null) { print("none"); continue; }
    const device = await adapter.requestDevice();
    const lost = await Promise.race([device.lost, device.queue.onSubmittedWorkDone()]);
    print(adapter.info.device, lost ? "lost" : "works");
    if (!lost) return;
  }
})()
"""


def answers(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What ASKS said; and one line why there is no adapter is for people."""
    return [line for line in done.stdout.splitlines() if not line.startswith("WebGPU: no adapter: ")]


def test_a_gpu_that_takes_its_hosts_along_rests_and_another_is_used(tmp_path: Path) -> None:
    """The first deaths come after an answer. Then each new host tries the GPU before it serves."""
    broken = gpu_driver(tmp_path, "Broken GPU", bus=0x65, aborts=True)
    assert LAVAPIPE is not None
    done = run_script(tmp_path, ASKS, environment=only(broken, LAVAPIPE))
    *before, last = answers(done)
    assert before.count("none") >= MOST_DEATHS
    assert before == sorted(before)  # "Broken GPU lost" comes before
    assert last.startswith("llvmpipe")
    assert last.endswith("works")
    notice = "dcp-evaluator: 3 GPU hosts in a row have died at their start on GPU 0000:65:00.0: sandboxes do not get it"
    assert done.stderr.count(notice) == 1


def test_where_all_gpus_rest_there_is_no_adapter(tmp_path: Path) -> None:
    broken = gpu_driver(tmp_path, "Broken GPU", aborts=True)
    done = run_script(tmp_path, ASKS, environment=only(broken))
    assert answers(done)[-1] == "none"
    assert done.stderr.count("have died at their start on GPU 01010101-0101-0101-0101-010101010101") == 1


def test_drivers_that_end_every_host_rest_as_well(tmp_path: Path) -> None:
    (tmp_path / "driver").mkdir()
    done = run_script(tmp_path, ASKS, environment=only(broken_driver(tmp_path / "driver", BODIES["aborts"])))
    assert answers(done) == ["none"] * 20
    notice = "3 GPU hosts in a row have died at their start: no GPU is used for 5 minutes"
    assert done.stderr.count(f"dcp-evaluator: {notice}\n") == 1, done.stderr
