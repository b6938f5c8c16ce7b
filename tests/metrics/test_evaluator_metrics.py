"""``dcp-evaluator -p PORT --metrics PORT``, as a monitoring sees it."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from cli_driver import one_message, run
from line_peer import TcpEvaluator, write_prelude
from scrape import ask, scrape
from zygote_control import wait_until


def metrics_port(evaluator: TcpEvaluator) -> int:
    (found,) = (match for line in evaluator.said if (match := re.search(r"metrics are at http://.*:(\d+)/", line)))
    return int(found[1])


def test_it_counts_what_becomes_of_sandboxes(tmp_path: Path) -> None:
    options = ("--max-sandboxes", "3", "--metrics", "0")
    with TcpEvaluator(write_prelude(tmp_path), options=options) as evaluator:
        port = metrics_port(evaluator)
        first = scrape(port)
        assert first["dcp_evaluator_sandboxes"] == 0
        assert first["dcp_evaluator_sandboxes_limit"] == 3
        assert first['dcp_evaluator_sandboxes_ended_total{how="closed"}'] == 0
        with evaluator.connect() as one, evaluator.connect() as two, evaluator.connect() as three:
            assert [peer.ask("echo x") for peer in (one, two, three)] == ["x"] * 3
            now = scrape(port)
            assert now["dcp_evaluator_sandboxes"] == 3
            assert now['dcp_evaluator_processes{role="zygote"}'] == 1
            assert now['dcp_evaluator_processes{role="sandbox"}'] >= 3
            assert now['dcp_evaluator_memory_bytes{role="sandbox"}'] > 3 * 100_000
            with evaluator.connect() as fourth:
                assert fourth.read().startswith("DIE: ")
            one.send("die 0")
            two.send("die 7")
            assert (one.read(), two.read()) == ("", "")
        wait_until(lambda: scrape(port)["dcp_evaluator_sandboxes"] == 0, "there is room again")
        with socket.create_connection(("localhost", evaluator.port)) as browser:
            browser.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert browser.recv(100).startswith(b"DIE: ")
        wait_until(lambda: scrape(port)["dcp_evaluator_sandboxes"] == 0, "all have ended")
        last = scrape(port)
        assert last["dcp_evaluator_sandboxes_started_total"] == 4
        assert last["dcp_evaluator_connections_refused_total"] == 1
        ended = {how: last[f'dcp_evaluator_sandboxes_ended_total{{how="{how}"}}'] for how in ("closed", "failed")}
        assert ended == {"closed": 2, "failed": 1}
        assert last['dcp_evaluator_sandboxes_ended_total{how="other_protocol"}'] == 1
        assert last["dcp_evaluator_sandbox_lifetime_seconds_total"] > 0
        assert last["process_cpu_seconds_total"] > 0


@pytest.mark.any_engine
def test_web_pages_do_not_reach_it(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path), options=("--metrics", "127.0.0.1:0")) as evaluator:
        port = metrics_port(evaluator)
        for host in ("localhost", f"LOCALHOST:{port}", "127.0.0.1", "[::1]:1"):
            assert ask(port, host=host)[0] == 200, host
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[", "192.0.2.1"):
            status, kind, text = ask(port, host=host)
            assert (status, kind.partition(";")[0]) == (403, "text/plain"), host
            assert "dcp_evaluator" not in text
        assert ask(port, "/secret")[0] == 404
        assert ask(port, method="POST")[0] == 405


@pytest.mark.any_engine
def test_clients_that_say_nothing_hold_nobody_up(tmp_path: Path) -> None:
    with TcpEvaluator(write_prelude(tmp_path), options=("--metrics", "0")) as evaluator:
        port = metrics_port(evaluator)
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
        with evaluator.connect() as peer:
            assert peer.ask("echo x") == "x"
        assert scrape(port)["dcp_evaluator_sandboxes_started_total"] == 1
        for connection in silent:
            connection.close()


@pytest.mark.any_engine
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("port", "'port': it is not PORT or ADDRESS:PORT, as in 9100, 127.0.0.1:9100 or [::1]:9100"),
        ("65536", "'65536': it is not PORT"),
        ("a b:1", "'a b:1': it is not PORT"),
        ("192.0.2.1:9100", "metrics cannot be served on 192.0.2.1 port 9100: Cannot assign requested address"),
    ],
)
def test_addresses_that_cannot_be(tmp_path: Path, value: str, message: str) -> None:
    done = run("-p", "0", "--metrics", value, write_prelude(tmp_path))
    assert message in one_message(done, 2)


@pytest.mark.any_engine
def test_metrics_need_a_port(tmp_path: Path) -> None:
    assert one_message(run("--metrics", "9100", write_prelude(tmp_path)), 2).startswith("--metrics needs --port")
