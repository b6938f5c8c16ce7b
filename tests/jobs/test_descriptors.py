"""Descriptors: a sandbox has few, needs few, and loses nothing to others who have taken them."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.processes import passing
from dcp_evaluator.sandboxes import sandbox as sandbox_module
from dcp_evaluator.sandboxes import shortage
from dcp_evaluator.sandboxes.services import SandboxServices
from dcp_evaluator.settings.settings import Settings
from passing import descriptors_on_their_way

LIMIT = 192
"""native/isolation/rlimits.hpp"""
BUFFERS = "(n) => Array.from({ length: 64 }, (_, i) => new Uint8Array(70000).fill(n + i))"
MODULES = """
(count) => {
  const functions = [];
  for (let i = 0; i < count; i++) {
    const number = [(i & 127) | 128, ((i >> 7) & 127) | 128, (i >> 14) & 63];
    const bytes = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 8, 1, 6,
      0, 65, ...number, 11];
    functions.push(new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes))).exports.f);
  }
  return functions.reduce((sum, f) => sum + f(), 0);
}
"""


@pytest.fixture
def evaluator() -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator() as made:
        yield made


def run(evaluator: dcp.Evaluator, inputs: object, source: str, sandboxes: int = 1) -> list[object]:
    return list(dcp.compute_for(inputs, source).local_exec(sandboxes, evaluator=evaluator))


def test_a_sandbox_keeps_no_descriptor_of_a_module(evaluator: dcp.Evaluator) -> None:
    assert run(evaluator, [200], MODULES) == [sum(range(200))]


def test_as_many_buffers_as_a_frame_has_go_both_ways(evaluator: dcp.Evaluator) -> None:
    inputs = [[bytes([n]) * 70000 for _ in range(64)] for n in range(3)]
    source = "(arrays) => arrays.map((array) => new Uint8Array(array).map((x) => x + 1))"
    results = run(evaluator, inputs, source)
    assert [[(len(array), array[-1]) for array in result] for result in results] == [
        [(70000, n + 1)] * 64 for n in range(3)
    ]


def test_few_descriptors_are_sent_ahead(evaluator: dcp.Evaluator) -> None:
    """Slices that have come wait in the sandbox with theirs, while it waits until a result of its own is taken."""
    inputs = [[bytes([n % 256]) * 70000 for _ in range(20)] for n in range(200)]
    job = dcp.compute_for(inputs, "(arrays) => arrays")
    assert len(list(job.local_exec(1, evaluator=evaluator, memory_limit=16 << 20))) == 200
    assert job.metrics.sandbox_deaths == 0


def test_results_arrive_while_others_have_too_many_descriptors_on_their_way(evaluator: dcp.Evaluator) -> None:
    with descriptors_on_their_way(2 * LIMIT):
        job = dcp.compute_for(range(4), BUFFERS)
        results = job.local_exec(2, evaluator=evaluator, retries=0).wait(60)
    assert not results.errors
    assert [[int(array[-1]) for array in result] for result in results] == [
        [n + i for i in range(64)] for n in range(4)
    ]
    assert job.metrics.sandbox_deaths == 0


class Failing:
    """A function that fails with an error of the system so often, and then does as it should."""

    def __init__(self, function: Callable[..., object], code: int, times: int) -> None:
        self._function = function
        self._error = OSError(code, os.strerror(code))
        self.left = times

    def __call__(self, *arguments: object, **options: object) -> object:
        if self.left:
            self.left -= 1
            raise self._error
        return self._function(*arguments, **options)


@pytest.mark.parametrize("code", [errno.ETOOMANYREFS, errno.EMFILE])
def test_a_sandbox_is_made_when_others_have_given_descriptors_back(evaluator: dcp.Evaluator, code: int) -> None:
    make = Failing(sandbox_module.spawn_sandbox, code, 5)
    with mock.patch.object(sandbox_module, "spawn_sandbox", make):
        assert run(evaluator, [1, 2], "(x) => x", 2) == [1, 2]
    assert make.left == 0


def test_an_input_is_sent_when_others_have_given_descriptors_back(evaluator: dcp.Evaluator) -> None:
    encode = Failing(sandbox_module.encode, errno.EMFILE, 5)
    with mock.patch.object(sandbox_module, "encode", encode):
        assert run(evaluator, [b"x" * 100_000], "(x) => x.byteLength") == [100_000]
    assert encode.left == 0


def test_patience_ends_with_the_remedy(evaluator: dcp.Evaluator) -> None:
    make = Failing(sandbox_module.spawn_sandbox, errno.ETOOMANYREFS, 1_000_000)
    with (
        mock.patch.object(sandbox_module, "spawn_sandbox", make),
        mock.patch.object(shortage, "PATIENCE", 0.3),
        pytest.raises(dcp.JobError, match=r"a sandbox cannot be made: Too many references.*ulimit -n"),
    ):
        run(evaluator, [1], "(x) => x")


@pytest.mark.any_engine
def test_what_cannot_be_taken_is_no_fault_of_the_slice(tmp_path: Path) -> None:
    """The program has no descriptor left when the first result comes, and gives some back."""
    script = tmp_path / "program.py"
    script.write_text(
        "import os, resource, threading, dcp_evaluator as dcp\n"
        "job = dcp.compute_for([1], '(x) => { progress(); for (let i = 0; i < 3e7; i++); '\n"
        "    'return Array.from({ length: 30 }, () => new Uint8Array(70000)); }')\n"
        "taken = []\n"
        "def take(event):\n"
        "    if taken: return\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))\n"
        "    try:\n"
        "        while True: taken.append(os.dup(0))\n"
        "    except OSError:\n"
        "        pass\n"
        "    threading.Timer(3, lambda: [os.close(taken.pop()) for _ in range(len(taken) - 1)]).start()\n"
        "job.on('progress', take)\n"
        "print(len(list(job.local_exec(1, retries=0))[0]), job.metrics.sandbox_deaths > 0)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "30 True\n", done.stderr


@pytest.mark.any_engine
def test_a_service_socket_whose_answers_nobody_takes_is_given_up() -> None:
    services = SandboxServices(Settings())
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.setblocking(False)
        served = True
        for _ in range(100_000):
            theirs.send(b"junk")
            served = services.answer(ours, 1)
            if not served:
                break
        assert not served
    services.close()


@pytest.mark.any_engine
def test_a_message_waits_for_others_descriptors() -> None:
    send = Failing(socket.send_fds, errno.ETOOMANYREFS, 3)
    ours, theirs = socket.socketpair()
    with ours, theirs, mock.patch.object(socket, "send_fds", send):
        passing.send_descriptors(ours, b"x", [0])
        send.left = 1_000_000
        started = time.monotonic()
        with pytest.raises(OSError, match="Too many references"):
            passing.send_descriptors(ours, b"x", [0], patience=0.1)
        assert time.monotonic() - started >= 0.1
        data, descriptors, _, _ = socket.recv_fds(theirs, 1, 4)
    assert data == b"x"
    for descriptor in descriptors:
        os.close(descriptor)
