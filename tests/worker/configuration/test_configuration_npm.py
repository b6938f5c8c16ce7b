"""The same files, variables and scheduler give the same configuration as npm's dcp-client makes of them."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from configured_machine import Machine

from dcp_protocol.keys.address import Address
from dcp_protocol.kvin import UNDEFINED, URL, Constructed, RegExp, serialize
from dcp_worker.configuration import remote
from dcp_worker.configuration.load import load
from dcp_worker.configuration.settings import WITHOUT_EFFECT
from dcp_worker.configuration.values import is_set, leaves, lookup
from dcp_worker.dialects.services import Service, read_services
from dcp_worker.errors import ConfigurationError
from node import node
from npm_packages import npm_packages

pytestmark = pytest.mark.any_engine

SCRIPT = Path(__file__).with_name("npm_configuration.js")
IDENTITY = "0x" + "4" * 40


def scheduler_configuration(location: str) -> dict[str, Any]:
    """As npm's schedulers describe themselves."""

    def service(name: str) -> dict[str, Any]:
        return {"location": URL(f"{location}{name}/", "dcpUrl$$DcpURL")}

    return {
        "scheduler": {
            "location": URL(location, "dcpUrl$$DcpURL"),
            "services": {
                "taskDistributor": {**service("td"), "identity": Constructed("dcpEth$$Address", (IDENTITY,))},
                "resultSubmitter": {**service("rs"), "friendLocation": URL("http://friend.example/", "dcpUrl$$DcpURL")},
                "eventRouter": service("er"),
            },
            "compatibility": {"minimum": {"dcp": "^5.0.0"}},
            "worker": {"types": ["v4"], "operations": "1.0.0"},
        },
        "packageManager": service("pm"),
        "bank": {"location": URL(location, "dcpUrl$$DcpURL"), "services": {"bankTeller": service("bank")}},
        "worker": {"maxSandboxes": 99, "minimumWage": {"CPU": -1}},
        "evaluator": {"location": URL("http://thief.example/", "dcpUrl$$DcpURL")},
        "node": {"engine": "none"},
        "supervisor": {"tuning": {"prefetchInterval": 33, "watchdogInterval": 8}},
        "lab": {"a": 1, "b": {"c": "remote", "d": "remote"}},
    }


@contextmanager
def serving(texts: dict[str, bytes]) -> Iterator[str]:
    """An HTTP server with these texts by path and query; its location."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = texts.get(self.path)
            self.send_response(404 if text is None else 200)
            self.end_headers()
            self.wfile.write(text or b"")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def scheduler() -> Iterator[str]:
    texts: dict[str, bytes] = {}
    with serving(texts) as location:
        text = serialize(scheduler_configuration(location), 8)
        texts |= {f"/etc/dcp-config.kvin?ver={version}": text for version in remote.VERSIONS.values()}
        yield location


def untagged(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    tag, *parts = value
    if tag == "object":
        return {name: untagged(member) for name, member in parts[0]}
    if tag == "list":
        return [untagged(member) for member in parts[0]]
    return {"url": URL, "regexp": RegExp, "undefined": lambda: UNDEFINED}[tag](*parts)


def npms(machine: Machine, worker: Path) -> dict[str, Any]:
    """What npm's dcp-client makes of the machine's files."""
    variables = {**os.environ, **machine.environment, "NODE_PATH": str(npm_packages("dcp"))}
    command = [node(), SCRIPT, worker / "etc" / "dcp-worker-config"]
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    tree = untagged(json.loads(done.stdout.splitlines()[-1]))
    assert isinstance(tree, dict)
    return tree


FILES = {
    "etc/dcp/dcp-config.js": "{ lab: { b: { c: 'etc', e: [1, 2] } }, worker: { minimumWage: { CPU: 1 } } }",
    "home/.dcp/dcp-config.js": "worker.minimumWage.GPU = 2; worker.allowOrigins.any.push('http://a.example');",
    "home/.dcp/dcp-worker/dcp-config.js": """
        // as in npm's documents
        { worker: {
            cores: { cpu: 3 }, bannedGPUs: { vendor: /acme\\s[0-9]/i }, maxSandboxes: 2 + lab.b.e.length,
            computeGroups: [{ joinKey: 'scott', joinSecret: 'tiger' }],
            allowOrigins: { fetchData: [dcpConfig.scheduler.location.origin, 'https://b.example'] },
        }, lab: { b: { e: [3] }, where: url('http://c.example/x') } }""",
    "etc/dcp/dcp-worker/dcp-config.js": "return { worker: { minimumWage: { in: 4 } }, lab: { late: env.LATE } };",
    "etc/dcp/override-dcp-config.js": "{ worker: { cores: { gpu: 0 } } }",
}


@pytest.mark.parametrize("files", [{}, FILES], ids=["none", "many"])
def test_the_same_as_npms(machine: Machine, scheduler: str, files: dict[str, str]) -> None:
    worker = npm_packages("dcp") / "dcp-worker"
    machine.environment |= {
        "DCP_SCHEDULER_LOCATION": scheduler,
        "DCP_CONFIG_LAB": "{ a: 5, g: { h: [7] } }",
        "DCP_CONFIG_COOKIE": "1",
        "LATE": "yes",
    }
    for name, text in files.items():
        machine.write(name, text)
    theirs = npms(machine, worker)
    local = load(environment=machine.environment, program=worker / "bin" / "dcp-worker")
    assert local.config_location is not None
    text = asyncio.run(remote.fetch(local.config_location))
    ours = local.with_remote(text, local.config_location)
    assert list(ours.advice()) == []

    different = {
        ".".join(path): (value, lookup(ours.tree, path))
        for part in ("worker", "supervisor", "dcp", "lab", "scheduler", "bank", "packageManager")
        for path, value in leaves({part: theirs.get(part, {})})
        if value is not UNDEFINED and lookup(ours.tree, path) != value
    }
    expected = {name for name in different if name in KNOWN_DIFFERENCES}
    assert {name: values for name, values in different.items() if name not in expected} == {}
    assert not any(is_set(lookup(ours.tree, tuple(name.split(".")))) for name in expected)
    assert ours.settings.scheduler.location == scheduler


KNOWN_DIFFERENCES = {
    "dcp.connectionOptions.default.lingerTimeout", "dcp.connectionOptions.default.transports",
    "dcp.connectionOptions.default.identityUnlockTimeout", "dcp.connectionOptions.default.socketio",
    "supervisor.pCores", "supervisor.repoMan.frequencyMs", "supervisor.repoMan.thresholdMultiplier",
    "scheduler.configLocation", *WITHOUT_EFFECT,
}  # fmt: skip
"""Defaults of npm's that have no effect in this worker, so that it does not have them."""


def test_npms_own_file(machine: Machine) -> None:
    worker = npm_packages("dcp") / "dcp-worker"
    configuration = load(
        "http://a.example/dcp/", environment=machine.environment, program=worker / "bin" / "dcp-worker"
    )
    settings = configuration.settings
    assert settings.allow_origins.data == ("http://a.example",)
    assert [banned.property for banned in settings.banned_gpus] == ["device", "description"]
    assert settings.evaluator.location is None
    layer = configuration.layer(("worker", "utilization", "gpu"))
    assert layer is not None
    assert layer.place(("worker", "utilization", "gpu")) == f"{worker}/etc/dcp-worker-config.js:21"


def test_what_the_scheduler_says(machine: Machine, scheduler: str) -> None:
    local = machine.load(scheduler)
    assert local.config_location is not None
    text = asyncio.run(remote.fetch(local.config_location, 5))
    configuration = local.with_remote(text, local.config_location)
    settings = configuration.settings
    assert settings.max_sandboxes_set is None
    assert settings.minimum_wage.cpu == 0
    assert settings.evaluator.location is None
    assert settings.node.engine == "auto"
    assert settings.tuning.prefetch_interval == 33
    assert settings.scheduler.worker_types == ("v4",)
    services = read_services(configuration.tree)
    assert services.task_distributor == Service(f"{scheduler}td/", Address(IDENTITY))
    assert services.result_submitter == Service(f"{scheduler}rs/", None, "http://friend.example/")
    assert services.package_manager == Service(f"{scheduler}pm/")
    layer = configuration.layer(("scheduler", "services", "taskDistributor", "location"))
    assert layer is not None
    assert layer.name == f"the scheduler, {scheduler}etc/dcp-config.kvin"


def test_local_settings_are_stronger_than_the_schedulers(machine: Machine, scheduler: str) -> None:
    machine.users("{ supervisor: { tuning: { prefetchInterval: 11 } } }")
    configuration = machine.load(scheduler)
    text = serialize(scheduler_configuration(scheduler), 9)
    settings = configuration.with_remote(text, "there").settings
    assert (settings.tuning.prefetch_interval, settings.tuning.watchdog_interval) == (11, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"<html>", "what is there is no scheduler's configuration"),
        (serialize([1]), "is no object"),
        (None, "answers with status 404"),
    ],
)
def test_what_is_no_schedulers_configuration(machine: Machine, text: bytes | None, message: str) -> None:
    texts = {} if text is None else {"/etc/dcp-config.kvin?ver=2.0.0": text}
    with serving(texts) as location, pytest.raises(ConfigurationError, match=message) as raised:
        local = machine.load(location)
        assert local.config_location is not None
        local.with_remote(asyncio.run(remote.fetch(local.config_location)), local.config_location)
    assert str(raised.value).startswith(f"{location}etc/dcp-config.kvin: ")


def test_wrong_values_of_the_scheduler_name_it(machine: Machine) -> None:
    text = serialize({"supervisor": {"tuning": {"prefetchInterval": "soon"}}})
    with pytest.raises(ConfigurationError, match=r"^the scheduler, there: supervisor.tuning.prefetchInterval: it is"):
        machine.load().with_remote(text, "there").settings  # noqa: B018


def test_no_scheduler_is_an_error() -> None:
    with serving({}) as location:
        pass
    with pytest.raises(ConfigurationError, match="cannot be fetched"):
        asyncio.run(remote.fetch(f"{location}etc/dcp-config.kvin"))
