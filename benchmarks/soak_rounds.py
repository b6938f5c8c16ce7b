"""What a node goes through, one kind of work after the other: jobs, failures, deaths, the GPU, connections."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np

import dcp_evaluator as dcp
from gpu_square import SQUARE_ON_GPU
from line_peer import TcpEvaluator, write_prelude
from process_tree import descendants, kill

_MODULE = """async (x) => {
  const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  await WebAssembly.instantiate(bytes);
  return x;
}"""
_FAILS = """(x) => {
  if (x % 3 === 0) throw new TypeError("a third of them");
  if (x % 3 === 1) for (;;);
  return x;
}"""
_GREEDY = "(x) => { const kept = []; for (;;) kept.push(new Array(1e5).fill(x)); }"
_LITTLE = 64 << 20  # bytes
_HOLDS = "async (x) => { progress(); await new Promise((done) => setTimeout(done, 300)); return x; }"


class Rounds:
    """Evaluators of both engines and one that serves lines, warm as a node's are. ``next`` does one round."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._stack = ExitStack()
        self.done = 0

    def __enter__(self) -> Self:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._evaluators = [
            self._stack.enter_context(dcp.Evaluator(512 << 20, engine=engine)) for engine in ("quickjs", "v8")
        ]
        self._served = self._stack.enter_context(TcpEvaluator(write_prelude(folder)))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def next(self) -> None:
        """Raises AssertionError where a result is wrong."""
        for evaluator in self._evaluators:
            for work in self._works():
                work(evaluator)
        self._calm()
        self._lines()
        self.done += 1

    def _calm(self) -> None:
        """A zygote whose spare was killed makes another when it is next asked for a sandbox: each is, so that after a
        round there are as many spares as before it.
        """
        for evaluator in self._evaluators:
            for limit in (None, _LITTLE):
                job = dcp.compute_for([0], "(x) => x")
                assert list(job.local_exec(1, evaluator=evaluator, memory_limit=limit)) == [0]

    def _works(self) -> Iterator[Callable[[dcp.Evaluator], None]]:
        yield self._slices
        yield self._arrays
        yield self._failures
        yield self._killed
        yield self._on_gpu
        if self.done % 10 == 0:
            yield self._greedy

    @staticmethod
    def _slices(evaluator: dcp.Evaluator) -> None:
        assert list(dcp.compute_for(range(2000), "(x) => x + 1").local_exec(2, evaluator=evaluator)) == list(
            range(1, 2001)
        )
        assert list(dcp.compute_for(range(3), _MODULE).local_exec(1, evaluator=evaluator)) == [0, 1, 2]

    @staticmethod
    def _arrays(evaluator: dcp.Evaluator) -> None:
        rows = np.ones((4, 1 << 18), np.float32)
        assert all(row.sum() == 1 << 18 for row in dcp.compute_for(rows, "(x) => x").local_exec(1, evaluator=evaluator))

    @staticmethod
    def _failures(evaluator: dcp.Evaluator) -> None:
        results = dcp.compute_for(range(3), _FAILS).local_exec(3, evaluator=evaluator, progress_timeout=2, retries=0)
        results.wait()
        codes = {index: error.code for index, error in results.errors.items()}
        assert codes.keys() == {0, 1}, codes
        assert codes[1] == "ENOPROGRESS", codes

    def _killed(self, evaluator: dcp.Evaluator) -> None:
        """Some process of ours, whichever: only work in flight is lost, which is done again."""
        job = dcp.compute_for(range(4), _HOLDS)
        job.on("progress", lambda _: self._kill_one() if self._random.random() < 0.3 else None)
        assert list(job.local_exec(2, evaluator=evaluator, retries=20)) == [0, 1, 2, 3]

    def _kill_one(self) -> None:
        below = descendants(os.getpid())
        pid = self._random.choice(below)
        kill(pid, "dcp-sandbox")

    @staticmethod
    def _on_gpu(evaluator: dcp.Evaluator) -> None:
        assert list(dcp.compute_for([3, 4], SQUARE_ON_GPU).local_exec(2, evaluator=evaluator)) == [9, 16]

    @staticmethod
    def _greedy(evaluator: dcp.Evaluator) -> None:
        results = dcp.compute_for([0], _GREEDY).local_exec(1, evaluator=evaluator, memory_limit=_LITTLE, retries=0)
        assert list(results.wait().errors) == [0]

    def _lines(self) -> None:
        peers = [self._served.connect() for _ in range(5)]
        for number, peer in enumerate(peers):
            assert peer.ask(f"echo {number}") == f"echo {number}".removeprefix("echo ")
            assert peer.ask("length " + "x" * 100_000) == "100000"
        peers[0].send("spin")
        peers[1].send("reply 1000000")
        for peer in peers:
            peer.close()
