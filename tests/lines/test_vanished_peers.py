"""Peers that vanish without a word, because their machine or the network has gone."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dcp_evaluator.net.listener import prepare_connection
from lost_network import notice_after

pytestmark = pytest.mark.any_engine


@pytest.mark.parametrize("line", ["echo quiet", "later"], ids=["nothing is under way", "bytes are under way"])
def test_the_sandbox_ends_when_the_time_is_over(tmp_path: Path, line: str) -> None:
    assert "sandbox 1 ended" in notice_after(tmp_path, line)


@pytest.mark.parametrize(("seconds", "idle", "interval"), [(300, 150, 30), (5, 2, 1), (65534, 32767, 6553)])
def test_the_kernel_asks_five_times_in_the_second_half(seconds: int, idle: int, interval: int) -> None:
    with socket.create_server(("localhost", 0)) as listener, socket.create_connection(listener.getsockname()) as peer:
        prepare_connection(peer, seconds)
        options = socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT
        found = [peer.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        assert found == [idle, interval, 5, seconds * 1000]
        assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
