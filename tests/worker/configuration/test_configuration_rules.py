"""Rules when to work, as owners write them into files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from dcp_worker.configuration.configuration import Configuration
from dcp_worker.configuration.hours import Hours
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine

UserFile = Callable[..., Configuration]

FILE = """
[node.rules]
grace = 0
idleTime = 30
[node.rules.cpu]
hours = ["Mon-Fri 18:00-08:00", "Sat,Sun"]
programs = ["blender"]
temperature = 85
[node.rules.gpu]
battery = false
inUse = ["desktop", "terminal"]
otherLoad = 25
temperature = 90
[node.rules.gpus."65:00.0"]
temperature = 70
inUse = []
otherLoad = false
"""


def test_rules_of_the_cpu_of_all_gpus_and_of_one(user_file: UserFile) -> None:
    rules = user_file(FILE, "toml").settings.rules
    assert (rules.grace, rules.calm, rules.idle_time) == (0, 30, 30)
    assert rules.cpu.hours == Hours.parse(["Mon-Fri 18:00-08:00", "Sat,Sun"])
    assert rules.cpu.hours.hold(datetime(2026, 11, 30, 19))
    assert (rules.cpu.programs, rules.cpu.temperature, rules.cpu.battery) == (("blender",), 85, True)
    assert (rules.gpu.in_use, rules.gpu.battery, rules.gpu.hours) == (("desktop", "terminal"), False, None)
    one, other = rules.of_gpu("0000:65:00.0"), rules.of_gpu("0000:18:00.0")
    assert (one.temperature, one.in_use, one.other_load, one.battery) == (70, (), None, False)
    assert other == rules.gpu
    assert rules.all() == (rules.cpu, rules.gpu, one)


def test_without_any_only_battery_and_a_metered_network_count(user_file: UserFile) -> None:
    rules = user_file("").settings.rules
    for one in rules.all():
        assert (one.battery, one.metered) == (True, True)
        assert not any((one.hours, one.in_use, one.programs, one.other_load, one.temperature, one.free_disk))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cpu.hours = 'Mon'", 'node.rules.cpu.hours: it is "Mon"; allowed is a list of hours'),
        ("cpu.hours = ['Mo-Fr']", "'Mo-Fr' names a day that there is not"),
        ("gpu.inUse = ['mouse']", 'node.rules.gpu.inUse: it is "mouse"; allowed is a list of terminal, screensaver'),
        ("cpu.programs = ['']", "node.rules.cpu.programs"),
        ("cpu.temperature = 5", "it is 5; allowed is a number from 20 to 150, or false"),
        ("cpu.temperature = true", "it is true; allowed is a number from 20 to 150, or false"),
        ("cpu.battery = 'x'", "node.rules.cpu.battery"),
        ("gpus = 3", "node.rules.gpus: it is 3; allowed is rules by GPU"),
        ("gpus.a = {}", '"a" is no PCI address of a GPU'),
        ("gpus.'01010101-0101-0101-0101-010101010101' = {}", "is no PCI address of a GPU"),
        ("gpus.'65:00.0' = 1", 'the rules of "65:00.0" are 1'),
        ("gpus.'65:00.0'.heat = 1", 'there is no rule "heat"; there are hours, battery, metered, inUse'),
        ("gpus.'65:00.0'.temperature = 1", 'temperature of "65:00.0": it is 1; allowed is a number from 20'),
    ],
)
def test_rules_that_are_wrong(user_file: UserFile, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        user_file(f"[node.rules]\n{text}\n", "toml").settings  # noqa: B018
    assert message in str(raised.value)


def test_a_rule_of_a_name_that_is_nearly_right(user_file: UserFile) -> None:
    (advice,) = user_file("node.rules.cpu.batteryy = false", "toml").advice()
    assert advice.endswith("node.rules.cpu.batteryy is not known, and has no effect; is it node.rules.cpu.battery?")
