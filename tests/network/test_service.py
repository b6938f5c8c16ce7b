"""A scheduler as a service: metrics, logs, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
from pathlib import Path

import pytest
from clients import client
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from schedulers import COMMAND, scheduler
from strangers import deployed, peer, refusal

from dcp_evaluator.metrics.address import MetricsAddress
from dcp_protocol import IncomingRequest
from dcp_scheduler.control import socket_file
from dcp_scheduler.errors import SchedulerError
from dcp_scheduler.server.server import Server
from scheduler_stand_in.workers import own_program, running

pytestmark = [pytest.mark.any_engine, pytest.mark.timeout(240)]


def _scraped(server: Server, folder: Path) -> list[dict[str, float]]:
    """At the control socket, and over TCP."""
    inside = http.client.HTTPConnection("scheduler")
    inside.sock = socket_file.connected(folder)
    outside = http.client.HTTPConnection(server.metrics_url.split("/")[2])
    texts = []
    for connection in (inside, outside):
        connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
        answer = connection.getresponse()
        assert answer.status == 200
        texts.append(answer.read().decode())
        connection.close()
    return [_samples(text) for text in texts]


def _samples(text: str) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[" ".join((sample.name, *sample.labels.values()))] = float(sample.value)
    return found


def test_metrics(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path, metrics=MetricsAddress("127.0.0.1", 0)) as server, peer(server) as owner:
            job = await deployed(owner, 7)
            assert await refusal(owner, "fetchJobReport", {"job": "none"}) == "ENOENT"
            assert await refusal(owner, "an operation of mine") == "ENOSYS"
            for found in await asyncio.to_thread(_scraped, server, tmp_path):
                assert found["dcp_scheduler_requests_total submit@5 ok"] == 1
                assert found["dcp_scheduler_requests_total fetchJobReport ENOENT"] == 1
                assert found["dcp_scheduler_requests_total unknown ENOSYS"] == 1
                assert found["dcp_scheduler_request_seconds_count submit@5"] == 1
                assert found["dcp_scheduler_jobs estimation"] == 1
                assert found["dcp_scheduler_slices waiting"] == 7
                assert found["dcp_scheduler_sessions"] == 1
                assert not any(secret in name for name in found for secret in (job, "mine", str(owner.address)))

    run(main())


def test_clients_have_answered_before_their_connections_are_closed(run, tmp_path: Path) -> None:
    """npm's clients end where one is closed while they answer."""

    async def main() -> None:
        asked, handled = asyncio.Event(), []

        async def slow(request: IncomingRequest) -> str:
            asked.set()
            await asyncio.sleep(0.5)
            handled.append(request.data["event"]["data"]["eventName"])
            return "success"

        server = Server(tmp_path)
        await server.__aenter__()
        async with peer(server) as client_:
            client_.on_request(slow)
            job = await deployed(client_)
            labels = {"reliableEvents": ["stop"], "optionalEvents": ["status"]}
            await client_.request("subscribeMany", {**labels, "options": {"filter": {"job": job}}})
            await asked.wait()
            await server.__aexit__(None, None, None)
            assert handled == ["status"]

    run(main())


@pytest.mark.long_network
@pytest.mark.parametrize("version", ["4.4.29", "5.6.1"])
def test_an_end_in_the_middle_of_a_job_loses_nothing(run, tmp_path: Path, version: str) -> None:
    """SIGTERM, and another scheduler: client and worker come back, and no slice is refused."""
    group, options = {"4.4.29": ("dcp", ("--dialect", "4")), "5.6.1": ("dcp5", ("--dialect", "5"))}[version]
    work = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 20)); return 2 * x; }"

    async def main() -> None:
        async with (
            scheduler(tmp_path / "scheduler") as network,
            running(own_program(group), tmp_path, network, options),  # type: ignore[arg-type]
            client(version, network.location, tmp_path / "home", range=[1, 100], work=work) as program,
        ):
            await program.until("accepted")  # dcp-client fails where it loses a connection before that
            await program.until("result")
            assert network.process
            network.process.send_signal(signal.SIGTERM)
            assert await network.process.wait() == 0
            assert not [path for path in network.folder.iterdir() if path.is_socket()]
            await network.start()
            assert await program.end() == {"event": "done", "results": [2 * x for x in range(1, 101)]}

    run(main())


def test_what_is_told_is_json_where_that_is_asked_for(run, tmp_path: Path) -> None:
    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            COMMAND, "--listen", "0", "--state", tmp_path, "--log-format", "json", "--metrics", "0",
            stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr
        first = json.loads(await process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        _, rest = await process.communicate()
        assert process.returncode == 0
        assert first["message"] == f"a network at {first['location']}"
        assert (first["level"], first["metrics"].endswith("/metrics")) == ("info", True)
        assert all(json.loads(line)["time"] for line in rest.splitlines())

    run(main())


def test_sqlite_has_one_scheduler(run, tmp_path: Path) -> None:
    async def main() -> None:
        async with Server(tmp_path):
            with pytest.raises(SchedulerError, match=r"another scheduler has .*: end it"):
                await Server(tmp_path).__aenter__()
        async with Server(tmp_path):
            pass

    run(main())
