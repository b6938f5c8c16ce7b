"""From start or connection until DCP's own files are loaded, and what a sandbox then costs, against evaluator-node.js.

Ours loads the files for native evaluators, of which Pyodide's is 18 MB; Node's loads those for Node, 13 MB less.
"""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "peers"))

from dcp_programs import environment, modules, start_up_files

from cli_driver import COMMAND
from line_peer import TcpEvaluator
from node import node
from process_tree import children, running

_LOADED = b'"__sandboxLoaded"'
_DESCRIBED = b'"capabilities"'
# As kvin, dcp-client's serializer, marshals it.
_DESCRIBE = b'{"type":"workerMessage","message":{"_serializeVerId":"v8","what":{"raw":{"request":"describe"}}}}\n'
_PASSES = 9


def _read_until(file, text: bytes) -> None:
    for line in file:
        if text in line:
            return
    pytest.fail(f"the evaluator ended without {text.decode()}")


@contextmanager
def _started(command: list[str | Path], **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """An evaluator on standard input and output, and the milliseconds until it had loaded its files."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        _read_until(process.stdout, _LOADED)
        yield process, 1e3 * (time.perf_counter() - begun)
        process.stdin.close()


def _ours() -> list[str | Path]:
    return [*COMMAND, *start_up_files("native")]


def _theirs() -> list[str | Path]:
    # It refuses root. In a user namespace of its own, root has no name but may read what it may read.
    unnamed = ["unshare", "--user"] if os.getuid() == 0 else []
    program = modules() / "dcp-client" / "libexec" / "evaluator-node.js"
    return [*unnamed, node(), program, *start_up_files("node")]


def _milliseconds(command: list[str | Path], **variables: str) -> float:
    with _started(command, **variables) as (_, milliseconds):
        return milliseconds


def _connected(evaluator: TcpEvaluator) -> float:
    """Milliseconds from the connection until the files are loaded."""
    begun = time.perf_counter()
    with socket.create_connection(("localhost", evaluator.port)) as connection, connection.makefile("rb") as file:
        _read_until(file, _LOADED)
        return 1e3 * (time.perf_counter() - begun)


@pytest.mark.full
def test_start_with_the_files_of_dcp(benchmark, measure, tmp_path):
    node_environment = environment(str(tmp_path))
    cold, warm, connected, theirs = [], [], [], []

    def one_pass(evaluator: TcpEvaluator, kept: str) -> None:
        with tempfile.TemporaryDirectory() as empty:
            cold.append(_milliseconds(_ours(), DCP_EVALUATOR_CACHE=empty))
        warm.append(_milliseconds(_ours(), DCP_EVALUATOR_CACHE=kept))
        time.sleep(0.05)  # the last sandbox has gone, the next one waits
        connected.append(_connected(evaluator))
        theirs.append(_milliseconds(_theirs(), **node_environment))

    with tempfile.TemporaryDirectory() as kept, TcpEvaluator(*start_up_files("native")) as evaluator:
        _milliseconds(_ours(), DCP_EVALUATOR_CACHE=kept)
        _connected(evaluator)
        benchmark.pedantic(one_pass, args=(evaluator, kept), rounds=_PASSES)
    median = statistics.median
    measure("DCP's files, stdio, spawn to loaded, nothing kept", median(cold), "ms", "none set")
    measure("DCP's files, stdio, spawn to loaded, files kept", median(warm), "ms", "<= 150")
    measure("DCP's files, TCP, connection to loaded", median(connected), "ms", "<= 5")
    measure("  evaluator-node.js, spawn to loaded", median(theirs), "ms", "none set")
    pairs = zip(theirs, warm, connected, strict=True)
    ratios = [(peer / spawned, peer / connection) for peer, spawned, connection in pairs]
    measure("  times faster, stdio to spawn", median(ratio for ratio, _ in ratios), "", "none set")
    measure("  times faster, TCP to spawn", median(ratio for _, ratio in ratios), "", ">= 60")


def _private_memory(pid: int) -> float:
    """MB that the process shares with no other and that no file has: what one more of it costs."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(kilobytes) for kilobytes in re.findall(r"^Private_Dirty: +(\d+) kB", rollup, re.MULTILINE)) / 1e3


def _sandboxes(pid: int) -> list[int]:
    (zygote,) = running("dcp-zygote", children(pid))
    return children(zygote)


def test_memory_of_a_sandbox_with_the_files_of_dcp(benchmark, measure, tmp_path):
    def described() -> tuple[float, float]:
        with TcpEvaluator(*start_up_files("native")) as evaluator, evaluator.connect() as peer:
            peer.socket.sendall(_DESCRIBE)
            while _DESCRIBED.decode() not in peer.read():
                pass
            ours = max(_private_memory(sandbox) for sandbox in _sandboxes(evaluator.process.pid))
        with _started(_theirs(), **environment(str(tmp_path))) as (process, _):
            process.stdin.write(_DESCRIBE)
            process.stdin.flush()
            _read_until(process.stdout, _DESCRIBED)
            return ours, _private_memory(process.pid)

    ours, theirs = benchmark.pedantic(described, rounds=1)
    measure("DCP's files, private memory of a described sandbox", ours, "MB", "none set")
    measure("  ratio to evaluator-node.js", ours / theirs, "", "<= 0.1")
