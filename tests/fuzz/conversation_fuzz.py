"""The Python side of the conversation with a sandbox, which here says what tests/fuzz/conversation.py makes up.

python tests/fuzz/conversation_fuzz.py [--seconds N] [--seed N] [--only SEED]

Supervisor and shell run as they do, in one thread and with no process: a zygote that is played hands the sandbox's
ends of its sockets to the fuzzer, and moves the conversation on whenever it is looked at. Lines do not pass through
Python; what does, the zygote's messages, is tried too. It fails on any exception that is not of the package, a slice
that does not end once, a conversation that does not end, and memory or descriptors that are left or beyond the bound.
"""

from __future__ import annotations

import array
import contextlib
import io
import itertools
import os
import random
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from conversation import Speaker
from rounds import FaultError, run_rounds

from dcp_evaluator.commands import shell
from dcp_evaluator.errors import JobError, UsageError, ZygoteError
from dcp_evaluator.frames import table
from dcp_evaluator.frames.fields import SliceMetrics
from dcp_evaluator.frames.values import FrameDecoder
from dcp_evaluator.processes.exit_status import ExitStatus
from dcp_evaluator.processes.zygote_messages import Exited, Message, Spawned, parse
from dcp_evaluator.sandboxes.sandbox import Sandbox
from dcp_evaluator.sandboxes.services import SandboxServices
from dcp_evaluator.sandboxes.slice_ledger import Slice
from dcp_evaluator.sandboxes.slice_limits import SliceLimits
from dcp_evaluator.sandboxes.spawn import spawn_sandbox
from dcp_evaluator.settings.settings import Settings
from dcp_evaluator.supervision.supervisor import Options, Supervisor

_LIMIT = 1 << 20
_MOST_TURNS = 20_000
_JOB = [frame.name for frame in table.FRAMES.values() if frame.name not in ("OUTPUT", "FINISHED", "WANT_MODULE")]
_SHELL = ["READY", "OUTPUT", "FINISHED", "WANT_MODULE", "RESULT", "CONSOLE"]


class Peer:
    """A sandbox's ends of its sockets."""

    def __init__(self, number: int, fds: list[int], speaker: Speaker) -> None:
        self.number = number
        self._channel, self._service = socket.socket(fileno=fds[0]), socket.socket(fileno=fds[1])
        self._channel.setblocking(False)
        self._service.setblocking(False)
        self._speaker = speaker
        self._chunks = speaker.chunks()
        self._left = memoryview(b"")
        self._heard = bytearray()
        self.ended = False

    def move(self, source: random.Random) -> None:
        """Hears what came, and says a bit more. Ends with its conversation."""
        try:
            self._hear()
            self._say(source)
        except BlockingIOError:
            pass
        except OSError:
            self.close()

    def close(self) -> None:
        self._channel.close()
        self._service.close()
        self.ended = True

    def _hear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := self._channel.recv(1 << 16):
                self._heard += data
        while len(self._heard) >= 8 and len(self._heard) >= 8 + (size := struct.unpack_from("<I", self._heard)[0]):
            payload = bytes(self._heard[8 : 8 + size])
            del self._heard[: 8 + size]
            if payload[1] == table.RUN:
                self._speaker.slice = msgspec.msgpack.decode(payload)[1]

    def _say(self, source: random.Random) -> None:
        if not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self.close()
            try:
                if source.random() < 0.1:
                    self._service.send(source.choice([b"G", b"C", b"", b"x" * 100]))
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", chunk.fds))] if chunk.fds else []
                sent = self._channel.sendmsg([chunk.data or b"\0"], rights)
            finally:
                for fd in chunk.fds:
                    os.close(fd)
            self._left = memoryview(chunk.data)[sent:]
        while self._left:
            self._left = self._left[self._channel.send(self._left[: source.choice([1, 100, 1 << 18])]) :]
        return None


class PlayedZygote:
    """Always has something to say, so that each turn of the other side comes by."""

    is_ready = True

    def __init__(self, source: random.Random, kinds: list[str]) -> None:
        self._random = source
        self._kinds = kinds
        self._readable = os.eventfd(1)
        self._numbers = itertools.count(1)
        self._peers: dict[int, Peer] = {}
        self._new: list[Message] = []
        self._turns = 0

    def fileno(self) -> int:
        return self._readable

    def spawn(self, channel_in: int, channel_out: int, service_socket: int, patience: float) -> int:
        number = next(self._numbers)
        speaker = Speaker(self._random, self._kinds)
        self._peers[number] = Peer(number, [os.dup(channel_in), os.dup(service_socket)], speaker)
        self._new.append(Spawned(number, os.getpid()))
        return number

    def kill(self, sandbox: int) -> None:
        if (peer := self._peers.pop(sandbox, None)) is not None:
            peer.close()

    def receive(self) -> list[Message]:
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise FaultError("the conversation does not end")
        for peer in self._peers.values():
            peer.move(self._random)
        ended = [number for number, peer in self._peers.items() if peer.ended]
        status = ExitStatus(self._random.choice([0, 1, table.EXIT_OUT_OF_MEMORY, -9]))
        messages, self._new = self._new + [Exited(number, status) for number in ended], []
        for number in ended:
            del self._peers[number]
        return messages

    def close(self) -> None:
        for peer in self._peers.values():
            peer.close()
        os.close(self._readable)


class PlayedServices(SandboxServices):
    """Has neither GPU hosts nor a compiler."""

    def __init__(self) -> None:
        super().__init__(Settings())

    def admit(self, sandbox: int, process: int) -> None:
        """Its process is this one, which stays in its control group."""

    def _serve(self, request: bytes, service_socket: socket.socket, sandbox: int) -> None:
        if request not in (b"G", b"C"):
            super()._serve(request, service_socket, sandbox)
        else:
            service_socket.send(b"Nnone", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


class PlayedFactory:
    engine = "quickjs"

    def __init__(self, source: random.Random) -> None:
        self.zygote = PlayedZygote(source, _JOB)
        self.services = PlayedServices()

    def create(self, decoder: FrameDecoder) -> Sandbox:
        return Sandbox(*spawn_sandbox(self.zygote), decoder)  # type: ignore[arg-type]


class Source:
    exhausted = True

    def __init__(self, count: int) -> None:
        self._left = iter(range(count))

    def take(self) -> Slice | None:
        index = next(self._left, None)
        return None if index is None else Slice(index, index)


class CheckedSink:
    """Looks at what comes out: ends of slices, and types."""

    def __init__(self, slices: int) -> None:
        self._slices = slices
        self.ended: set[int] = set()

    def assigned(self, engine: str) -> None:
        pass

    def result(self, index: int, value: Any, metrics: SliceMetrics) -> None:
        self._end(index)

    def error(self, error: Any, metrics: SliceMetrics) -> None:
        self._end(error.index)
        self._text(str(error))

    def progress(self, index: int, value: Any) -> None:
        self._number(index)

    def console(self, index: int, level: str, text: str) -> None:
        self._number(index)
        self._text(f"{index} {level} {text}")

    def emit(self, index: int, name: str, value: Any) -> None:
        self._number(index)
        self._text(name)

    def sandbox_died(self, reason: str) -> None:
        self._text(reason)

    def flush(self, distributed: int) -> None:
        pass

    def _end(self, index: int) -> None:
        if index in self.ended or not 0 <= index < self._slices:
            raise FaultError(f"slice {index!r:.40} ends twice, or is none")
        self.ended.add(index)

    def _number(self, index: Any) -> None:
        if type(index) is not int or not (index == -1 or (0 <= index < self._slices and index not in self.ended)):
            raise FaultError(f"output of slice {index!r:.40}")

    @staticmethod
    def _text(text: Any) -> None:
        if type(text) is not str or len(text) > 3 * table.MOST_CHARACTERS + 1000:
            raise FaultError("a text that is none, or is too long")


def supervise(source: random.Random) -> None:
    slices = source.randrange(1, 8)
    factory, sink = PlayedFactory(source), CheckedSink(slices)
    assignment = msgspec.msgpack.encode([table.ASSIGN, {}])
    limits = SliceLimits(output=source.choice([1000, 1 << 30]), progress=None)
    options = Options(source.randrange(1, 4), source.randrange(3), False, _LIMIT, limits)
    supervisor = Supervisor(factory, (assignment, ()), Source(slices), sink, options)  # type: ignore[arg-type]
    try:
        supervisor.run()
        if len(sink.ended) != slices:
            raise FaultError(f"{len(sink.ended)} of {slices} slices have ended")
    except JobError:
        pass  # sandboxes that die one after the other, or say that the work function is wrong
    finally:
        supervisor.close()
        factory.services.close()
        factory.zygote.close()


def run_shell(source: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "t.js"
        file.write_text("1;" * source.choice([1, 100_000]))
        zygote, services = PlayedZygote(source, _SHELL), PlayedServices()
        run = shell._Shell(zygote, services, [str(file)])  # type: ignore[arg-type]
        try:
            run.run([file.read_text()], module=False)
        except (ZygoteError, UsageError):
            pass
        finally:
            run._selector.close()  # the end of the process does it
            run._channel.close()
            run._service_socket.close()
            services.close()
            zygote.close()


def read_messages(source: random.Random) -> None:
    words = ["ready", "failed", "spawned", "refused", "exited", "exit", "signal", "1", "-9", "x", "", "9" * 5000, "\0"]
    for _ in range(200):
        with contextlib.suppress(ZygoteError):
            parse(" ".join(source.choices(words, k=source.randrange(5))))


def play(source: random.Random) -> None:
    with contextlib.redirect_stderr(io.StringIO()):  # of the shell
        source.choices([supervise, run_shell, read_messages], [8, 3, 1])[0](source)


if __name__ == "__main__":
    shell.write_all = lambda stream, data: None
    sys.exit(run_rounds(__doc__, play, "conversations"))
