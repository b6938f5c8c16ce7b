"""From rules, pauses and what is seen of the machine to a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dcp_worker.configuration.hours import Hours
from dcp_worker.configuration.rules import Rules, RuleSettings
from dcp_worker.rules.judge import Judge
from dcp_worker.rules.observation import Gpu, Observation
from dcp_worker.rules.pauses import Pause, Pauses
from dcp_worker.rules.verdict import Decision, Reason, Verdict

pytestmark = pytest.mark.any_engine

MONDAY = datetime(2026, 11, 30, 12)
FIRST, SECOND = "0000:18:00.0", "0000:65:00.0"
GPUS = (Gpu(FIRST, "the first"), Gpu(SECOND, "the second"))


def settings(**rules: Any) -> RuleSettings:
    return RuleSettings(**{"battery": False, "metered": False, **rules})


class Seen:
    """One judge, to which what it sees is told step by step."""

    def __init__(self, rules: Rules) -> None:
        self.judge = Judge(rules)
        self.pauses = Pauses()
        self.seen = Observation(time=MONDAY, gpus=GPUS)

    def __call__(self, seconds: float = 0, **what: Any) -> Verdict:
        self.seen = replace(self.seen, time=self.seen.time + timedelta(seconds=seconds), **what)
        return self.judge.judge(self.seen, self.pauses)

    def cpu(self, seconds: float = 0, **what: Any) -> list[str]:
        return texts(self(seconds, **what).cpu)


def texts(decision: Decision) -> list[str]:
    return [reason.text for reason in decision.reasons]


@pytest.mark.parametrize(
    ("rule", "free", "held", "text"),
    [
        ({"battery": True}, {"on_battery": False}, {"on_battery": True}, "the machine runs on battery"),
        ({"metered": True}, {"is_metered": False}, {"is_metered": True}, "the network is metered"),
        (
            {"in_use": ("terminal", "desktop")},
            {"in_use": {"terminal": "", "screensaver": "off"}},
            {"in_use": {"terminal": "terminal /dev/pts/3", "screensaver": "off"}},
            "terminal /dev/pts/3",
        ),
        ({"programs": ("a", "b", "c")}, {}, {"programs": frozenset("ca")}, "a, c run"),
        ({"other_load": 25}, {"other_load": 25.0}, {"other_load": 25.1}, "other programs use more than 25 % of"),
        ({"temperature": 80}, {"temperature": 80.0}, {"temperature": 81.0}, "it is hotter than 80 °C"),
        ({"memory_pressure": 5}, {"memory_pressure": 5.0}, {"memory_pressure": 9.0}, "programs wait for memory for"),
        ({"free_disk": 2e9}, {"free_disk": 2 * 10**9}, {"free_disk": 10**9}, "less than 2 GB of disk is free"),
    ],
)
def test_each_rule_holds_and_ceases_to(
    rule: dict[str, Any], free: dict[str, Any], held: dict[str, Any], text: str
) -> None:
    nothing = {name: getattr(Observation(time=MONDAY), name) for name in held}
    seen = Seen(Rules(cpu=settings(**rule), gpu=settings(), calm=0))
    for step in (nothing, free):
        assert seen(**step).cpu.allowed
    (reason,) = seen(**held).cpu.reasons
    assert reason.text.startswith(text)
    assert all(decision.allowed for decision in seen().gpus.values())
    assert seen(**nothing).cpu.allowed
    without = Seen(Rules(cpu=settings(), gpu=settings()))
    assert without(**held).cpu.allowed


def test_hours_and_when_they_come() -> None:
    seen = Seen(Rules(cpu=settings(hours=Hours.parse(["18:00-08:00"])), gpu=settings()))
    (reason,) = seen().cpu.reasons
    assert reason == Reason("hours", "it is not the time of the week to work", MONDAY.replace(hour=18).timestamp())
    assert seen(6 * 3600).cpu.allowed


@pytest.mark.parametrize(
    ("rule", "name", "above", "between", "below"),
    [
        ({"temperature": 80}, "temperature", 81, 76, 75),
        ({"other_load": 40}, "other_load", 41, 31, 30),
        ({"memory_pressure": 8}, "memory_pressure", 9, 7, 6),
        ({"free_disk": 1000}, "free_disk", 999, 1099, 1100),
    ],
)
def test_a_rule_that_holds_does_so_until_it_is_clearly_over(
    rule: dict[str, Any], name: str, above: float, between: float, below: float
) -> None:
    seen = Seen(Rules(cpu=settings(**rule), gpu=settings(), calm=0))
    assert not seen.cpu(**{name: between})
    assert seen.cpu(**{name: above})
    assert seen.cpu(**{name: between})
    assert not seen.cpu(**{name: below})
    assert not seen.cpu(**{name: between})


def test_a_rule_holds_for_some_time_after_its_reason_has_gone() -> None:
    seen = Seen(Rules(cpu=settings(battery=True), gpu=settings(), calm=30))
    assert seen(on_battery=True).cpu.reasons[0].until is None
    (reason,) = seen(5, on_battery=False).cpu.reasons
    assert reason == Reason("battery", "the machine runs on battery", MONDAY.timestamp() + 35)
    assert seen(20).cpu.reasons == (reason,)
    assert seen(on_battery=True).cpu.reasons[0].until is None
    assert seen.cpu(29, on_battery=False)
    assert not seen.cpu(31)


def test_a_clock_that_is_set_back_does_not_have_a_rule_hold_longer() -> None:
    seen = Seen(Rules(cpu=settings(battery=True), gpu=settings(), calm=30))
    seen(on_battery=True)
    assert seen.cpu(on_battery=False)
    assert seen.cpu(-3600)
    assert not seen.cpu(31)


def test_the_cpu_all_gpus_and_a_single_one_have_rules_of_their_own() -> None:
    rules = Rules(
        cpu=settings(), gpu=settings(battery=True, temperature=90.0), gpus={SECOND: {"temperature": 70.0}}, calm=0
    )
    seen = Seen(rules)
    warm = (Gpu(FIRST, "the first", 80.0), Gpu(SECOND, "the second", 80.0))
    verdict = seen(gpus=warm, temperature=200.0)
    assert verdict.cpu.allowed
    assert verdict.gpus[FIRST].allowed
    assert texts(verdict.gpus[SECOND]) == ["it is hotter than 70 °C"]
    verdict = seen(on_battery=True)
    assert verdict.cpu.allowed
    assert texts(verdict.gpus[FIRST]) == ["the machine runs on battery"]
    assert len(texts(verdict.gpus[SECOND])) == 2


def test_each_gpu_cools_down_for_itself() -> None:
    seen = Seen(Rules(cpu=settings(), gpu=settings(temperature=80.0), calm=0))

    def resting(first: float, second: float) -> list[str]:
        verdict = seen(gpus=(Gpu(FIRST, "the first", first), Gpu(SECOND, "the second", second)))
        return [name for name, decision in verdict.gpus.items() if not decision.allowed]

    assert resting(81, 79) == [FIRST]
    assert resting(79, 81) == [FIRST, SECOND]
    assert resting(75, 76) == [SECOND]


@pytest.mark.parametrize(
    ("target", "resting"),
    [
        ("all", ["cpu", FIRST, SECOND]),
        ("cpu", ["cpu"]),
        ("gpu", [FIRST, SECOND]),
        (SECOND, [SECOND]),
    ],
)
def test_what_its_owner_pauses_rests_for_the_time_that_was_said(target: str, resting: list[str]) -> None:
    seen = Seen(Rules(cpu=settings(), gpu=settings()))

    def rest(seconds: float = 0) -> list[str]:
        verdict = seen(seconds)
        decisions = {"cpu": verdict.cpu, **verdict.gpus}
        return [name for name, decision in decisions.items() if not decision.allowed]

    seen.pauses.pause(target, MONDAY.timestamp() + 60)
    assert rest() == resting
    assert rest(59) == resting
    assert rest(1) == []
    assert not list(seen.pauses)
    seen.pauses.pause(target)
    assert rest(1e6) == resting
    seen.pauses.resume(target)
    assert rest() == []


def test_a_gpu_that_is_resumed_stays_paused_with_all_of_them() -> None:
    pauses = Pauses([Pause("gpu"), Pause(FIRST, 1e12), Pause("cpu")])
    assert len(pauses.reasons(FIRST)) == 2
    pauses.resume(FIRST)
    assert pauses.reasons(FIRST) == (Reason("manual", "paused by its owner"),)
    pauses.pause(SECOND)
    pauses.resume("gpu")
    assert [pause.target for pause in pauses] == ["cpu"]
    pauses.resume("all")
    assert not list(pauses)


def test_rules_that_nothing_can_be_seen_for_are_told() -> None:
    rules = Rules(cpu=settings(temperature=80.0), gpu=settings(), gpus={SECOND: {"temperature": 70.0}})
    seen = Seen(rules)
    unseen = (Reason("inUse", "no bus"),)
    assert [reason.text for reason in seen(unwatched=unseen).unwatched] == [
        "no bus",
        "the temperature of the CPU cannot be read",
        "the temperature of the second cannot be read",
    ]


def test_rules_of_a_gpu_that_is_not_there_are_told() -> None:
    rules = Rules(cpu=settings(), gpu=settings(), gpus={FIRST: {}, "0000:99:00.0": {"battery": True}})
    (reason,) = Seen(rules)().unwatched
    assert reason.text == "this machine has no GPU 0000:99:00.0, which node.rules.gpus names"
    assert not Seen(rules)(gpus=()).unwatched, "where no GPU is wanted"


def test_other_rules_do_not_hold_because_of_the_old_ones() -> None:
    seen = Seen(Rules(cpu=settings(temperature=80.0), gpu=settings(), calm=60))
    assert seen.cpu(temperature=90.0)
    seen.judge.change(Rules(cpu=settings(temperature=95.0), gpu=settings(), calm=60))
    assert not seen.cpu()
