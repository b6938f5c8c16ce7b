"""Sandboxes that are played by a test: they say to the supervisor what none of ours would."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

import msgspec

import dcp_evaluator as dcp
from dcp_evaluator import _native
from dcp_evaluator.frames import table
from dcp_evaluator.frames.values import FrameDecoder
from dcp_evaluator.sandboxes.sandbox import Sandbox, SandboxFactory
from dcp_evaluator.settings.settings import Settings
from dcp_evaluator.supervision.warm import Kind


def pack(*fields: Any) -> bytes:
    payload = msgspec.msgpack.encode(fields)
    return struct.pack("<II", len(payload), 0) + payload


def raw(payload: bytes, descriptors: int = 0) -> bytes:
    return struct.pack("<II", len(payload), descriptors) + payload


class _LyingFactory(SandboxFactory):
    """Its first sandboxes are played by ``peers``; those after them are real."""

    def __init__(self, peers: list[Callable[[socket.socket], None]]) -> None:
        super().__init__(Settings())
        self._peers = peers
        self._threads: list[threading.Thread] = []

    def create(self, decoder: FrameDecoder) -> Sandbox:
        if not self._peers:
            return super().create(decoder)
        ours, theirs = socket.socketpair()
        service_socket, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        thread = threading.Thread(target=self._play, args=(self._peers.pop(0), theirs))
        thread.start()
        self._threads.append(thread)
        return Sandbox(1_000_000 + len(self._threads), _native.FrameChannel(ours.detach()), service_socket, decoder)

    @staticmethod
    def _play(peer: Callable[[socket.socket], None], channel: socket.socket) -> None:
        with channel:
            try:
                peer(channel)
                while channel.recv(1 << 16):
                    pass
            except OSError:
                pass

    def close(self) -> None:
        super().close()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()


class LyingEvaluator(dcp.Evaluator):
    def __init__(self, *peers: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._peers = list(peers)

    def acquire(self, kind: Kind) -> tuple[Kind, SandboxFactory]:
        return kind, _LyingFactory(self._peers)


def read_frame(channel: socket.socket) -> list[Any]:
    size, _ = struct.unpack("<II", channel.recv(8, socket.MSG_WAITALL))
    return msgspec.msgpack.decode(channel.recv(size, socket.MSG_WAITALL))


def after_assignment(*messages: bytes, early: bool = False) -> Callable[[socket.socket], None]:
    """Takes the assignment and a slice, unless ``early``, and then says ``messages``."""

    def play(channel: socket.socket) -> None:
        assert read_frame(channel)[0] == table.ASSIGN
        channel.sendall(pack(table.READY) + (b"" if early else pack(table.ASSIGNED)))
        if not early:
            assert read_frame(channel)[:2] == [table.RUN, 0]
        for message in messages:
            channel.sendall(message)

    return play
