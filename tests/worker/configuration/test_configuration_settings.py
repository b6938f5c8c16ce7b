"""From a configuration to settings: the table of keys, its checks, and what is told of wrong values."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from configured_machine import Machine

from dcp_protocol.uris.origins import SCHEDULER
from dcp_worker.configuration.configuration import Configuration
from dcp_worker.configuration.kinds import ComputeGroup, Number, Whole
from dcp_worker.configuration.settings import WITHOUT_EFFECT, WorkerSettings, all_keys
from dcp_worker.errors import ConfigurationError

pytestmark = pytest.mark.any_engine

UserFile = Callable[..., Configuration]

ADDRESS = "0x79df6ba3bb0d1f0b53cd23aca90ea3ed5ce0c5b9"


def test_without_files_all_is_as_the_table_says(machine: Machine) -> None:
    assert dataclasses.replace(machine.load().settings) == WorkerSettings()


def test_each_key_reads_what_it_writes() -> None:
    for key in all_keys():
        if key.default is not None:
            read = key.kind.read(key.kind.written(key.default))
            assert read == pytest.approx(key.default) if isinstance(read, float) else read == key.default, key.name


def test_each_key_says_what_it_is() -> None:
    names = [path for key in all_keys() for path in key.paths]
    assert len(names) == len(set(names))
    assert not {".".join(path) for path in names} & set(WITHOUT_EFFECT)
    for key in all_keys():
        assert key.meaning
        assert key.kind.allowed
        assert (key.default is None) == bool(key.unset), key.name


def test_the_word_for_the_scheduler_is_that_of_allowed_origins() -> None:
    assert WorkerSettings().allow_origins.data == (SCHEDULER,)


def test_settings_cannot_be_changed(machine: Machine) -> None:
    settings = machine.load().settings
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.cleanup_timeout = 1.0  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.cores.cpu = 1.0  # type: ignore[misc]


def test_units_are_those_of_the_program(user_file: UserFile) -> None:
    settings = user_file(
        """
        worker.watchdogInterval = 3
        supervisor.sandbox.progressTimeoutMs = 1500
        supervisor.tuning.prefetchInterval = "12.5"
        """,
        "toml",
    ).settings
    assert settings.watchdog_interval == 3
    assert settings.sandbox.progress_timeout == 1.5
    assert settings.tuning.prefetch_interval == 12.5


def test_cores(user_file: UserFile) -> None:
    settings = user_file(
        "{ worker: { cores: { cpu: 7 }, utilization: { cpu: 0.5 }, hardware: { vCores: 3 } } }"
    ).settings
    assert (settings.cpu_cores, settings.gpu_cores) == (3.5, 0.75)
    settings = user_file("{ worker: { cores: { gpu: 0 }, hardware: { vCores: 3 }, maxSandboxes: undefined } }").settings
    assert (settings.cpu_cores, settings.gpu_cores) == (3, 0)
    assert settings.max_sandboxes >= 1


def test_undefined_and_null_are_the_default(user_file: UserFile) -> None:
    settings = user_file("{ worker: { maxSandboxes: null, cleanupTimeout: undefined, cores: undefined } }").settings
    assert settings.max_sandboxes_set is None
    assert settings.cleanup_timeout == 60


@pytest.mark.parametrize("groups", ["[{0}, {1}]", "{{ first: {0}, second: {1} }}"])
def test_compute_groups(user_file: UserFile, groups: str) -> None:
    text = groups.format("{ joinKey: 'a', joinSecret: 'b' }", "{ joinKey: 'c', joinHash: 'eh1-d' }")
    settings = user_file(f"{{ worker: {{ computeGroups: {text} }} }}").settings
    assert settings.compute_groups == (ComputeGroup("a", join_secret="b"), ComputeGroup("c", join_hash="eh1-d"))
    assert "joinSecret" not in repr(settings.compute_groups)
    assert "'b'" not in repr(settings.compute_groups)


@pytest.mark.parametrize(
    ("text", "leave", "fallback"),
    [
        ("{}", False, False),
        ("{ leavePublicGroup: true }", True, False),
        ("{ leavePublicGroup: 'false', leaveGlobalGroup: true }", False, False),
        ("{ leaveGlobalGroup: true }", True, False),
        ("{ leavePublicGroup: 'fallback' }", False, True),
        ("{ leaveGlobalGroup: 'fallback' }", False, True),
        ("{ publicGroupFallback: true }", False, True),
    ],
)
def test_the_public_group(user_file: UserFile, text: str, leave: bool, fallback: bool) -> None:
    settings = user_file(f"{{ worker: {text} }}").settings
    assert (settings.leave_public_group, settings.public_group_fallback) == (leave, fallback)


@pytest.mark.parametrize(
    ("text", "jobs"),
    [("{}", None), ("{ jobAddresses: false }", None), ("{ jobAddresses: [] }", ()), ("{ jobIds: ['x'] }", ("x",))],
)
def test_jobs(user_file: UserFile, text: str, jobs: tuple[str, ...] | None) -> None:
    assert user_file(f"{{ worker: {text} }}").settings.jobs == jobs


def test_of_two_names_the_one_in_the_stronger_layer_counts(machine: Machine) -> None:
    machine.write("etc/dcp/dcp-config.js", "{ worker: { trustComputeGroupOrigins: true } }")
    machine.users("{ worker: { trustScheduler: false } }")
    assert not machine.load().settings.trust_group_origins


def test_banned_gpus_of_both_clients(user_file: UserFile) -> None:
    one = user_file("{ worker: { bannedGPUs: { device: /a.c/i } } }").settings.banned_gpus
    many = user_file(
        "{ worker: { bannedGPUs: [{ device: /a.c/i }, { device: /^d$/, vendor: /e/ }] } }"
    ).settings.banned_gpus
    assert [banned.property for banned in one] == ["device", "description"]
    assert one[0].pattern.search("xABCx")
    assert one[1].pattern.search("D3D12 driver version 10.1")
    assert [(banned.property, banned.pattern.pattern) for banned in many] == [
        ("device", "a.c"),
        ("device", "^d$"),
        ("vendor", "e"),
    ]


@pytest.mark.parametrize(
    ("suffix", "text", "messages"),
    [
        ("toml", "[worker]\n\nmaxSandboxes = -1", [":3: worker.maxSandboxes: it is -1; allowed is a whole"]),
        ("toml", "worker.cores.cpu = true", [":1: worker.cores.cpu: it is true; allowed is a number of at least 0"]),
        ("toml", "a = 4\n[worker.utilization]\n'cpu' = 'half'", [':3: worker.utilization.cpu: it is "half"']),
        ("js", "{ worker: {\n  cleanupTimeout: 'soon',\n  } }", [':2: worker.cleanupTimeout: it is "soon"']),
        ("js", "{ worker: {\n  paymentAddress: '0x12' } }", [":2: worker.paymentAddress: an address has 40"]),
        ("json", '{"worker":\n {"allowOrigins": {\n"any": ["x"]}}}', [':3: worker.allowOrigins.any: it is "x"']),
        ("js", "{ worker: { bannedGPUs: { device: '(' } } }", [":1: worker.bannedGPUs: device is no regular"]),
        ("js", "{ worker: { computeGroups: [{ joinSecret: 'x' }] } }", ["group 0 has no joinKey"]),
        ("js", "{ node: { engine: 'spidermonkey' } }", ["allowed is one of auto, quickjs, v8"]),
        ("toml", "node.engine = 1\nworker.pidfile = 2", [":1: node.engine", ":2: worker.pidfile: it is 2"]),
        ("js", "scheduler.location = 'here'", ["scheduler.location is a URL"]),
    ],
)  # fmt: skip
def test_wrong_values_are_told_with_file_line_key_and_what_is_allowed(
    user_file: UserFile, suffix: str, text: str, messages: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        user_file(text, suffix).settings  # noqa: B018
    for message in messages:
        assert message in str(raised.value)


def test_a_secret_is_in_no_message(user_file: UserFile) -> None:
    with pytest.raises(ConfigurationError) as raised:
        user_file("{ worker: { computeGroups: [{ joinKey: 5, joinSecret: 'tiger' }] } }").settings  # noqa: B018
    assert "tiger" not in str(raised.value)


def test_unknown_keys_are_no_errors_but_nearly_right_ones_are_told(user_file: UserFile) -> None:
    configuration = user_file("""{
      worker: {
        maxSandbox: 3,
        maxsandboxes: 4,
        something: { of: 'mine' },
        evaluator: { retryLimit: 3 },
        bannedGPUs: { vendor: /x/ },
      },
      mine: { worker: 1 },
    }""")
    assert configuration.settings.max_sandboxes_set is None
    assert [advice.partition("dcp-config.js")[2] for advice in configuration.advice()] == [
        ":3: worker.maxSandbox is not known, and has no effect; is it worker.maxSandboxes?",
        ":4: worker.maxsandboxes is not known, and has no effect; is it worker.maxSandboxes?",
    ]


def test_options_are_stronger_than_all(user_file: UserFile) -> None:
    options: dict[str, Any] = {"worker": {"cores": {"cpu": 1}}}
    configuration = user_file("{ worker: { cores: { cpu: 5, gpu: 0 } } }").with_options(options)
    assert (configuration.settings.cores.cpu, configuration.settings.cores.gpu) == (1, 0)
    layer = configuration.layer(("worker", "cores", "cpu"))
    assert layer is not None
    assert layer.name == "command line"


@pytest.mark.parametrize("kind", [Whole(), Number()])
@pytest.mark.parametrize("value", ["1e999", 10**400, -(10**400), float("inf"), float("nan"), True])
def test_numbers_beyond_all_bounds(kind: Whole | Number, value: Any) -> None:
    with pytest.raises(ValueError, match="allowed is a"):
        kind.read(value)
