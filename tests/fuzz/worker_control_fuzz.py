"""The server's end of a worker's control socket, to which a client says what it likes.

python tests/fuzz/worker_control_fuzz.py [--seconds N] [--seed N] [--only SEED]

Calls that are right are changed, cut and mixed with arbitrary bytes, and come in arbitrary pieces; some are answered.
It fails on any exception, an output that is no JSON-RPC, a line that is neither a call nor gets an error, more open
calls than are allowed, and more output, state or CPU time than the input can ask for.
"""

from __future__ import annotations

import json
import random
import sys

from rounds import FaultError, run_rounds

from dcp_worker.control import methods
from dcp_worker.control.protocol import LONGEST_CALL, MOST_OPEN, ClientMachine, ServerMachine
from dcp_worker.errors import ControlError

_STEPS = 80
_RIGHT = (
    methods.Status(), methods.Subscribe(log="info", backlog=5), methods.Logs(),
    methods.Pause(resource="cpu", seconds=5), methods.Resume(), methods.Finish(), methods.Stop(hard=True),
    methods.ExitWhenDone(), methods.Report(days=3),
    methods.Config(path="worker"), methods.SelfTest(),
)  # fmt: skip
_WORDS = [
    b"null", b"true", b"-1", b"1e999", b"9" * 400, b"[]", b"{}", b"[" * 3000, b'""', b'"id":', b'"params":', b"\\ud800",
    b'"method":"status"', b'"jsonrpc":"2.0"', b"\xff", b'"', b"\\", b"\n", b"\r", b"\0", b'"a":1,' * 50, b"x" * 70_000,
]  # fmt: skip


def play(source: random.Random) -> None:
    server, client = ServerMachine(), ClientMachine()
    sent, calls, faults = bytearray(), [], 0
    for _ in range(_STEPS):
        data = _said(source, client)
        sent += data
        called = server.receive(data)
        calls += called
        for one in called:
            if source.random() < 0.7:
                server.answer(one.id, None)
                calls.remove(one)
        if len(calls) > MOST_OPEN:
            raise FaultError(f"{len(calls)} calls are open")
        for line in server.take_output().splitlines():
            reply = json.loads(line)
            if reply["jsonrpc"] != "2.0" or ("error" in reply) == ("result" in reply):
                raise FaultError("this is no answer")
            faults += "error" in reply
        if server.is_over:
            break
    if faults > sent.count(b"\n") + 1:
        raise FaultError(f"{faults} errors for {sent.count(10)} lines")
    _hear(source, sent)


def _said(source: random.Random, client: ClientMachine) -> bytes:
    if source.random() < 0.2:
        return source.choice(_WORDS)
    text = bytearray(client.call(source.choice(_RIGHT))[1])
    for _ in range(source.choice((0, 0, 0, 1, 3))):
        place = source.randrange(len(text) + 1)
        text[place : place + source.choice((0, 0, 1, 5, 30))] = source.choice(_WORDS)
    return bytes(text)


def _hear(source: random.Random, data: bytes) -> None:
    """A client, to which that comes as if a worker had sent it."""
    client = ClientMachine()
    try:
        while data:
            length = source.randrange(1, LONGEST_CALL)
            client.receive(data[:length])
            data = data[length:]
    except ControlError:
        return


if __name__ == "__main__":
    sys.exit(run_rounds(__doc__, play, "conversations"))
