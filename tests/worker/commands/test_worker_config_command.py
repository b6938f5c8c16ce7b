"""``dcp-worker config``."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_command import Home

from dcp_worker.configuration.settings import all_keys

pytestmark = pytest.mark.any_engine


def test_which_files_are_read_and_what_they_set(home: Home) -> None:
    path = home.write("{ worker: {\n cores: { cpu: 3 } } }")
    lines = home.succeed("config").splitlines()
    assert f"  read      {path}" in lines
    assert f"  not there {home.root}/etc/dcp/dcp-config" in lines
    assert lines[-2:] == [
        f"  worker.cores.cpu = 3  ({path}:2)",
        "  scheduler.configLocation = false  (variable DCP_CONFIG_LOCATION)",
    ]


def test_a_key_is_explained(home: Home) -> None:
    weak = home.write("{ worker: { cores: { cpu: 3 } } }", ".dcp/dcp-config.js")
    strong = home.write("[worker]\ncores.cpu = 4", "etc/dcp/dcp-worker/dcp-config.toml")
    assert home.succeed("config", "--explain", "worker.cores.cpu").splitlines() == [
        "worker.cores.cpu = 4",
        f"  set by      {strong}:2",
        f"  also set by {weak}:1",
        "  default     the machine's",
        "  allowed     a number of at least 0",
        "  meaning     CPU cores that the worker may use; 0 keeps it from working",
    ]


def test_a_key_that_nothing_sets(home: Home) -> None:
    assert home.succeed("config", "--explain", "dcpConfig.supervisor.sandbox.progressTimeoutMs").splitlines() == [
        "supervisor.sandbox.progressTimeoutMs = 300000",
        "  set by      nothing; the default counts",
        "  default     300000",
        "  unit        ms",
        "  allowed     a number of at least 0",
        "  meaning     that a slice may run without reporting progress",
    ]


def test_a_key_by_its_other_name(home: Home) -> None:
    home.write("{ worker: { jobIds: ['a'] } }")
    told = home.succeed("config", "--explain", "worker.jobIds")
    assert told.startswith('worker.jobAddresses = [\n  "a"\n]\n')
    assert "  also called worker.jobIds" in told


def test_a_key_without_effect(home: Home) -> None:
    told = home.succeed("config", "--explain", "worker.unmanaged")
    assert told == "worker.unmanaged has no effect in this worker: this worker is always unmanaged\n"


def test_a_key_that_is_none(home: Home) -> None:
    assert "there is no key worker.core.cpu (is it worker.cores.cpu?)" in home.fail(
        "config", "--explain", "worker.core.cpu"
    )
    assert "it has worker.cores.cpu, worker.cores.gpu" in home.fail("config", "--explain", "worker.cores")


def test_all_keys(home: Home) -> None:
    told = home.succeed("config", "--keys")
    assert [line for line in told.splitlines() if line and not line.startswith(" ")] == [key.name for key in all_keys()]


def test_the_document_has_the_same_table(home: Home) -> None:
    document = Path(__file__).parents[3] / "docs" / "worker-keys.md"
    assert home.succeed("config", "--keys", "--markdown") == document.read_text(encoding="utf-8")


def test_what_is_wrong_is_told_after_the_overview(home: Home) -> None:
    home.write("{ worker: { cores: { cpu: 'x' } } }")
    done = home.run("config")
    assert done.returncode == 1
    assert "worker.cores.cpu = x" in done.stdout
    assert 'worker.cores.cpu: it is "x"; allowed is' in done.stderr
