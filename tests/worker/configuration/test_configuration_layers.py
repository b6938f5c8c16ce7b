"""Which files and variables count, and which wins."""

from __future__ import annotations

import pytest
from configured_machine import Machine

from dcp_worker.configuration.values import lookup
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine

MARK = ("worker", "mark")

FILES = [
    "etc/dcp/dcp-config",
    "etc/dcp-worker-config",
    "home/.dcp/dcp-config",
    "home/.dcp/dcp-worker/dcp-config",
    "home/.dcp/scope/lab",
    "etc/dcp/dcp-worker/dcp-config",
    "etc/dcp/override-dcp-config",
    "etc/dcp/scope/lab",
]
"""Weakest first. The second is the program's own."""


@pytest.mark.parametrize("count", range(1, len(FILES) + 1))
def test_the_last_file_wins(machine: Machine, count: int) -> None:
    machine.environment["DCP_CONFIG_SCOPE"] = "lab"
    for number, name in enumerate(FILES[:count]):
        machine.write(f"{name}.json", f'{{"worker": {{"mark": {number}}}}}')
    configuration = machine.load()
    assert lookup(configuration.tree, MARK) == count - 1
    layer = configuration.layer(MARK)
    assert layer is not None
    assert layer.file == machine.root / f"{FILES[count - 1]}.json"


def test_variables_are_between_the_users_files_and_the_machines(machine: Machine) -> None:
    machine.users('{ scheduler: { location: "http://user.example/" } }')
    machine.environment["DCP_SCHEDULER_LOCATION"] = "http://variable.example"
    assert machine.load().settings.scheduler.location == "http://variable.example/"
    machine.write("etc/dcp/override-dcp-config.toml", 'scheduler.location = "https://machine.example/dcp/"')
    configuration = machine.load("http://option.example/")
    assert configuration.settings.scheduler.location == "https://machine.example/dcp/"


def test_an_option_is_stronger_than_variables_and_seen_by_files(machine: Machine) -> None:
    machine.environment["DCP_SCHEDULER_LOCATION"] = "http://variable.example/"
    machine.users("{ worker: { seen: dcpConfig.scheduler.location.origin } }")
    configuration = machine.load("http://option.example/")
    assert lookup(configuration.tree, ("worker", "seen")) == "http://option.example"
    assert configuration.settings.scheduler.location == "http://option.example/"
    layer = configuration.layer(("scheduler", "location"))
    assert layer is not None
    assert layer.name == "option --dcp-scheduler"


def test_objects_in_variables(machine: Machine) -> None:
    machine.environment["DCP_CONFIG_WORKER"] = "{ maxSandboxes: 2 + 1, bannedGPUs: { vendor: /acme/i } }"
    machine.environment["DCP_CONFIG_PACKAGE_MANAGER"] = "{ location: new URL('http://modules.example/') }"
    machine.environment["DCP_CONFIG_COOKIE"] = "no object"
    settings = machine.load().settings
    assert settings.max_sandboxes == 3
    assert settings.scheduler.package_manager == "http://modules.example/"
    assert any(banned.property == "vendor" and banned.pattern.search("ACME 3") for banned in settings.banned_gpus)


def test_a_broken_object_in_a_variable_is_named(machine: Machine) -> None:
    machine.environment["DCP_CONFIG_WORKER"] = "{ maxSandboxes: }"
    with pytest.raises(ConfigurationError, match=r"^variable DCP_CONFIG_WORKER:1: SyntaxError"):
        machine.load()


def test_an_empty_location_means_no_remote_configuration(machine: Machine) -> None:
    assert machine.load("http://a.example/dcp/").config_location == "http://a.example/etc/dcp-config.kvin"
    machine.environment["DCP_CONFIG_LOCATION"] = "http://b.example/config.kvin"
    assert machine.load().config_location == "http://b.example/config.kvin"
    machine.environment["DCP_CONFIG_LOCATION"] = ""
    assert machine.load().config_location is None


@pytest.mark.parametrize("location", ["nonsense", "ftp://a.example/", "http://", "http://a b/"])
def test_a_variable_that_is_no_url(machine: Machine, location: str) -> None:
    machine.environment["DCP_SCHEDULER_LOCATION"] = location
    with pytest.raises(ConfigurationError, match=r"^variable DCP_SCHEDULER_LOCATION: .*https://"):
        machine.load()


def test_of_dcps_forms_the_first_counts_and_ours_beside_it(machine: Machine) -> None:
    machine.users('{"worker": {"a": "json", "b": "json"}}', "json")
    machine.users("{ worker: { a: 'js', c: 'js' } }", "js")
    machine.users('worker.b = "toml"', "toml")
    worker = machine.load().tree["worker"]
    assert (worker["a"], worker["b"], "c" in worker) == ("json", "toml", False)


def test_kvin_files(machine: Machine) -> None:
    from dcp_protocol.kvin import RegExp, serialize

    text = serialize({"worker": {"maxSandboxes": 5, "bannedGPUs": {"device": RegExp("old", "i")}}}, 8)
    machine.users(text.decode(), "kvin")
    settings = machine.load().settings
    assert settings.max_sandboxes == 5
    assert [banned.pattern.pattern for banned in settings.banned_gpus if banned.property == "device"] == ["old"]


def test_objects_are_merged_and_lists_are_replaced(machine: Machine) -> None:
    machine.write(
        "etc/dcp/dcp-config.js", "{ worker: { cores: { cpu: 4, gpu: 2 }, allowOrigins: { any: ['http://a.b'] } } }"
    )
    machine.users("{ worker: { cores: { cpu: 3 }, allowOrigins: { any: ['http://c.d'] } } }")
    settings = machine.load().settings
    assert (settings.cores.cpu, settings.cores.gpu) == (3, 2)
    assert settings.allow_origins.any == ("http://c.d",)


def test_a_program_of_another_name_is_found_its_files(machine: Machine) -> None:
    machine.environment["DCP_CONFIG"] = "../mine"
    machine.write("mine.toml", "worker.mark = 7")
    machine.write("etc/dcp-worker-config.toml", "worker.mark = 8")
    assert lookup(machine.load().tree, MARK) == 7


def test_a_root_of_all_files(machine: Machine) -> None:
    machine.environment |= {"DCP_ETCDIR": "/e", "DCP_HOMEDIR": "/h", "DCP_CLIENT_FILESYSTEM_ROOT": str(machine.root)}
    machine.write("e/dcp/dcp-config.toml", "worker.mark = 1\nworker.other = 1")
    machine.write("h/.dcp/dcp-config.toml", "worker.mark = 2")
    worker = machine.load().tree["worker"]
    assert (worker["mark"], worker["other"]) == (2, 1)


def test_folders_of_dcp_client_5(machine: Machine) -> None:
    machine.environment["DCP_RESOURCE_DIR"] = str(machine.root / "resources")
    machine.write("resources/dcp-worker/dcp-config.toml", "worker.mark = 5")
    machine.write("etc/dcp/dcp-config.json", "{}")
    assert lookup(machine.load().tree, MARK) == 5


@pytest.mark.parametrize(
    ("suffix", "text", "message"),
    [
        ("json", '{"worker":\n {', "dcp-config.json:2: this is no JSON"),
        ("json", "[1]", "it must hold an object"),
        ("json", '{"a":' * 200 + "1" + "}" * 200, "nested more than 32 levels"),
        ("json", "[" * 100_000, "nested too deep"),
        ("kvin", "{}", "this is no KVIN"),
        ("toml", "a = 1\nb = c", "this is no TOML: .*line 2"),
        ("js", "\n\n{ worker: { a b } }", "dcp-config.js:3: SyntaxError"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(machine: Machine, suffix: str, text: str, message: str) -> None:
    machine.users(text, suffix)
    with pytest.raises(ConfigurationError, match=message):
        machine.load()


def test_a_file_that_is_no_text(machine: Machine) -> None:
    path = machine.users("", "toml")
    path.write_bytes(b'worker.a = "\xff"')
    with pytest.raises(ConfigurationError, match="byte 12 is no UTF-8"):
        machine.load()
    path.write_bytes(b" " * (1 << 21))
    with pytest.raises(ConfigurationError, match="more than 1048576 bytes"):
        machine.load()
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match="it is no file"):
        machine.load()
