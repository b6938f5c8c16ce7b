"""In the place of Ray: evaluators are objects of this program, each with threads of its own, which tests may let fail.

What goes to them and comes from them is pickled, as Ray does it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from ray.exceptions import ActorDiedError

from dcp_evaluator.clusters import evaluators, reasons
from dcp_evaluator.clusters import ray as backend
from dcp_evaluator.clusters.nodes import Node

_THREADS = 4


class StandInRay:
    """``make``: an evaluator, of the number of its start; ``nodes``: those of the cluster, with two CPUs each.

    ``is_connected``: False once the program has ended the connection; ``is_broken``: calls fail.
    """

    def __init__(self, make: Callable[[int], Any], nodes: int) -> None:
        self.actors: list[_Actor] = []
        self.calls = 0
        self.is_connected = True
        self.is_broken = False
        self._make = make
        self._nodes = [Node(f"{number + 1:056x}", "here", "127.0.0.1", 2.0, 0.0) for number in range(nodes)]

    def is_initialized(self) -> bool:
        return self.is_connected

    def check(self) -> None:
        """Ray raises no better kind."""
        if self.is_broken:
            raise Exception("Ray Client is not connected")

    def nodes(self) -> list[Node]:
        self.check()
        return self._nodes

    def remote(self, actor_class: type) -> Any:
        return self

    def options(self, **options: Any) -> Any:
        return _Starter(self)

    def start(self) -> _Actor:
        self.actors.append(_Actor(self, self._make(len(self.actors))))
        return self.actors[-1]

    def put(self, value: Any) -> Any:
        return value

    def kill(self, actor: _Actor) -> None:
        actor.kill()

    def wait(self, references: Sequence[_Reference], num_returns: int, timeout: float) -> None:
        for reference in references:
            reference.future().exception(timeout)


class _Starter:
    def __init__(self, ray: StandInRay) -> None:
        self.remote = ray.start


class _Reference:
    def __init__(self, future: Future[Any]) -> None:
        self.future = lambda: future


class _Method:
    def __init__(self, call: Callable[..., _Reference]) -> None:
        self.remote = call


class _Actor:
    def __init__(self, ray: StandInRay, evaluator: Any) -> None:
        self.evaluator = evaluator
        self._ray = ray
        self._threads = ThreadPoolExecutor(_THREADS)
        self._pending: set[Future[Any]] = set()
        self._is_killed = False

    def __getattr__(self, method: str) -> _Method:
        return _Method(lambda *arguments: self._call(method, pickle.dumps(arguments)))

    def kill(self) -> None:
        """Calls that are pending never end; their threads do, by themselves."""
        self._is_killed = True
        for future in list(self._pending):
            self._end(future, error=ActorDiedError())
        self._threads.shutdown(wait=False)

    def _call(self, method: str, arguments: bytes) -> _Reference:
        self._ray.calls += 1
        self._ray.check()
        future: Future[Any] = Future()
        self._pending.add(future)
        if self._is_killed:
            self._end(future, error=ActorDiedError())
        else:
            self._threads.submit(self._run, future, method, arguments)
        return _Reference(future)

    def _run(self, future: Future[Any], method: str, arguments: bytes) -> None:
        try:
            self._end(future, pickle.loads(pickle.dumps(getattr(self.evaluator, method)(*pickle.loads(arguments)))))
        except Exception as error:
            self._end(future, error=error)

    def _end(self, future: Future[Any], value: Any = None, error: Exception | None = None) -> None:
        try:
            self._pending.remove(future)
        except KeyError:
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


@contextmanager
def stand_in_ray(make: Callable[[int], Any], *, nodes: int = 1) -> Iterator[StandInRay]:
    """``cluster_exec`` uses it meanwhile."""
    ray = StandInRay(make, nodes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "connect", lambda address: True)
        patch.setattr(evaluators, "ray", ray)
        patch.setattr(evaluators, "nodes", ray.nodes)
        patch.setattr(reasons, "ray", ray)
        patch.setattr(evaluators, "nodes", ray.nodes)
        patch.setattr(evaluators, "request_resources", lambda bundles: None)
        yield ray
    for actor in ray.actors:
        actor.evaluator.close()
        actor.kill()
