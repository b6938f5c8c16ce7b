"""The evaluators of one job on the nodes of a cluster: Ray's actors, started where nodes come, and what they answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

import ray
from ray.autoscaler.sdk import request_resources
from ray.util.client import ray as client
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..errors import ClusterError
from ..processes.notices import notice
from .actor import EvaluatorActor
from .membership import Membership, Needs, Place
from .messages import Outputs
from .nodes import Node, nodes
from .reasons import Reason, ray_calls, reason_of

_LOOK_SECONDS = 1.0
_WAIT_SECONDS = 5.0
"""For an evaluator, after which that is said, and which one may take to start before others do without it."""
_CLOSE_SECONDS = 3.0
_CALLS_AT_ONCE = 4
_SILENCE_SECONDS = 120.0
"""For which a call may take, of those that an evaluator gets once it has begun; polls end after 10."""


class Answer(NamedTuple):
    """What an actor's ``method`` has given, once it has ended."""

    member: Member
    method: str
    future: Future[Any]


class Member:
    """An evaluator on a node. ``has_joined``: it takes slices; ``is_useful``: it has answered one.

    ``calls``: when those were made that have not ended.
    """

    def __init__(self, number: int, place: Place, actor: Any) -> None:
        self.number = number
        self.place = place
        self.actor = actor
        self.has_joined = False
        self.is_useful = False
        self.started_at = time.monotonic()
        self.calls: deque[float] = deque()
        self._replies = 0
        self._early: dict[int, Outputs] = {}

    @property
    def name(self) -> str:
        return self.place.node.name

    def waits_since(self) -> float:
        """When the oldest call that is out was made; other threads end them meanwhile."""
        try:
            return self.calls[0]
        except IndexError:
            return float("inf")

    def in_order(self, outputs: Outputs) -> Iterator[Outputs]:
        """What can be read now that ``outputs`` have come: of several polls, later ones may be answered first."""
        self._early[outputs.number] = outputs
        while self._replies + 1 in self._early:
            self._replies += 1
            yield self._early.pop(self._replies)


class Evaluators:
    """Used by one thread, but for ``wake``."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._membership = Membership(needs)
        self._members: dict[int, Member] = {}
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()
        self._started = 0
        self._looked_at = float("-inf")
        self._waits_since = time.monotonic()
        self._has_asked = False

    @property
    def joined(self) -> list[Member]:
        """Those that take slices."""
        return [member for member in self._members.values() if member.has_joined]

    @property
    def starting(self) -> int:
        """How many sandboxes those will have that are about to take slices."""
        since = time.monotonic() - _WAIT_SECONDS
        return sum(
            each.place.sandboxes for each in self._members.values() if not each.has_joined and each.started_at > since
        )

    # --- As nodes come and go ---

    @ray_calls()
    def look(self) -> list[Member]:
        """Starts evaluators where there are none yet; those that are silent are returned.

        Raises ClusterError where no node is of use.
        """
        now = time.monotonic()
        if now < self._looked_at + _LOOK_SECONDS:
            return []
        self._looked_at = now
        living = nodes()
        for place in self._membership.places(living, now):
            self._start(place)
        suitable = sum(map(self._membership.suits, living))
        if self._needs.most is not None and suitable < self._needs.most and not self._has_asked:
            self._ask_for_nodes(self._needs.most)
        if not self._members and not suitable and not self._has_asked:
            raise ClusterError(self._hopeless(living))
        self._tell_of_waiting(now)
        return [member for member in self.joined if member.waits_since() < now - _SILENCE_SECONDS]

    def _start(self, place: Place) -> None:
        self._started += 1
        pinned = NodeAffinitySchedulingStrategy(node_id=place.node.id, soft=False)
        actor_class = ray.remote(EvaluatorActor).options(
            num_cpus=place.cpus, num_gpus=place.gpus, max_concurrency=_CALLS_AT_ONCE, scheduling_strategy=pinned
        )
        member = self._members[self._started] = Member(self._started, place, actor_class.remote())
        self.call(member, "hello")

    def _ask_for_nodes(self, count: int) -> None:
        """Of Ray's autoscaler; without one nothing comes of it."""
        self._has_asked = True
        _request([{"CPU": self._needs.sandboxes or 1, "GPU": self._needs.gpus or 0}] * count)

    def _hopeless(self, living: list[Node]) -> str:
        if reasons := self._membership.left_out:
            return "\n".join(["no node of the cluster can run the job", *(f"{name}: {why}" for name, why in reasons)])
        wanted, without = ("a CPU", "") if self._needs.gpus == 0 else ("a GPU", '; gpus="software" or 0 does without')
        return (
            f"none of the {len(living)} nodes of the cluster has {wanted} for Ray, as `ray status` shows; start one "
            f"with ray start --address=HEAD, or wait for some with nodes=N{without}"
        )

    def _tell_of_waiting(self, now: float) -> None:
        if self.joined:
            self._waits_since = float("inf")
        elif now > self._waits_since + _WAIT_SECONDS:
            self._waits_since = float("inf")
            what = "until Ray has room for an evaluator" if self._members else "for a node"
            has_all = self._members and self._needs.sandboxes is None
            less = ". It asks for all CPUs of a node, with sandboxes_per_node=1 for one" if has_all else ""
            notice(f"the job waits {what}; `ray status` shows what the cluster has and what is in use{less}")

    def has(self, member: Member) -> bool:
        """Whether it has not been removed."""
        return member.number in self._members

    @ray_calls()
    def remove(self, member: Member, reason: Reason) -> bool:
        """It is of no use any more. Whether its node is left out with that."""
        del self._members[member.number]
        ray.kill(member.actor)
        if reason.lasting and not member.is_useful:
            self._membership.leave_out(member.place, reason.text)
            return True
        return self._membership.ended(member.place, time.monotonic(), reason.text, useful=member.is_useful)

    def close(self) -> None:
        """Ends all, unless the connection is lost: Ray ends them then."""
        with suppress(ClusterError), ray_calls():
            closed = [member.actor.close.remote() for member in self.joined]
            if closed:
                ray.wait(closed, num_returns=len(closed), timeout=_CLOSE_SECONDS)
            for member in self._members.values():
                ray.kill(member.actor)
            if self._has_asked:
                _request([])

    # --- Calls and answers ---

    @ray_calls()
    def put(self, value: Any) -> Any:
        """Ray's reference to it, which stands for it in calls."""
        return ray.put(value)

    @ray_calls()
    def call(self, member: Member, method: str, *arguments: Any) -> None:
        """``answers`` gives what comes of it."""
        future = getattr(member.actor, method).remote(*arguments).future()
        member.calls.append(time.monotonic())

        def ended(done: Future[Any]) -> None:
            member.calls.popleft()
            self._answers.put(Answer(member, method, done))

        future.add_done_callback(ended)

    def answers(self, *, wait: bool) -> Iterator[Answer]:
        """All that have come, of members that are there. With ``wait`` at least one, unless a while passes or ``wake``
        is called.
        """
        try:
            came = [self._answers.get(wait, _LOOK_SECONDS)]
        except Empty:
            return
        came += [self._answers.get() for _ in range(self._answers.qsize())]
        for answer in came:
            if answer is not None and self.has(answer.member):
                yield answer

    def wake(self) -> None:
        """Ends a wait for answers; any thread."""
        self._answers.put(None)


def failure_of(answer: Answer) -> Reason | None:
    """Why it is none."""
    if answer.future.cancelled():
        return Reason("Ray has cancelled a call")
    error = answer.future.exception()
    return None if error is None else reason_of(error)


def _request(bundles: list[dict[str, float]]) -> None:
    if client.is_connected():  # only a process of the cluster may
        ray.remote(num_cpus=0)(request_resources).remote(bundles=bundles)
    else:
        request_resources(bundles=bundles)
