"""GPU hosts, one for each sandbox that asks."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from ..errors import DcpError, InstallationError
from ..metrics.counters import Counters
from ..processes.control_groups import ControlGroups
from ..processes.notices import notice
from ..settings import installation, memory
from ..settings.settings import Settings
from . import surroundings
from .host import GpuHost
from .options import GpuOptions
from .rest import MOST_DEATHS, SECONDS, AdapterRest
from .shader_cache import Job, ShaderCache
from .software_memory import SoftwareMemory, of_this_process

_MOST_RESTING = 4
_MOST_OF_A_SANDBOX = 64  # one, and another each time that it has lost it
_TASKS_OF_A_HOST = 1024
_PATIENCE = 0.05  # seconds: what a host died of is known before the next one starts
_rest_of_this_process = AdapterRest()
_EVERYTHING = f"{MOST_DEATHS} GPU hosts in a row have died at their start: no GPU is used for {SECONDS / 60:g} minutes"


class GpuPool:
    """Keeps ``warm`` GPU hosts ready. Not thread-safe: one owner."""

    def __init__(
        self,
        settings: Settings,
        warm: int = 0,
        options: GpuOptions | None = None,
        rest: AdapterRest | None = None,
        groups: ControlGroups | None = None,
        counters: Counters | None = None,
        shaders: ShaderCache | None = None,
    ) -> None:
        """``groups``: each host gets one of them. ``shaders``: what jobs find of their last run."""
        self._groups = groups
        self._counters = counters or Counters()
        self._shaders = shaders if shaders is not None and shaders.is_on else None
        self._software_memory = SoftwareMemory()
        self._settings = settings
        self._wanted = warm
        self._options = options or GpuOptions()
        self._rest = rest or _rest_of_this_process
        self._expected = len(os.sched_getaffinity(0))  # hosts at a time
        self._warm: list[GpuHost] = []
        self._used: dict[int, GpuHost] = {}
        self._asked: Counter[int] = Counter()  # how often each sandbox that has a host asked for one
        self._seconds: dict[int, float] = {}  # of the GPU, by hosts that its sandbox has lost
        self._ending: list[GpuHost] = []
        self._doubts = False  # a host has failed: the next one tries its adapter first
        self._most_used = 0  # at once, since the last rest()
        self._resting = 0
        self.refill()

    def begin(self, job: Job) -> None:
        """A job begins, and has all hosts until ``rest``."""
        if self._shaders is not None:
            self._shaders.begin(job)

    def expect(self, sandboxes: int) -> None:
        """So many may have a host at a time: they share the memory that software adapters take of the machine."""
        self._expected = max(self._expected, sandboxes)

    def prewarm(self, count: int) -> None:
        """Starts ``count`` hosts now; a fault is told to the sandbox that asks."""
        with contextlib.suppress(InstallationError, OSError):
            self._warm_up(count)

    def refill(self) -> None:
        """Starts hosts until as many are warm as wanted, and reaps those that have ended."""
        try:
            self._warm_up(self._wanted)
        except (InstallationError, OSError):
            self._wanted = 0  # reported to the next sandbox that asks

    def connect(self, owner: int) -> socket.socket:
        """A connection to a GPU host for sandbox ``owner``. Raises DcpError, OSError."""
        self._end_host(owner, _PATIENCE)  # at most one: a sandbox asks again when it has lost the first
        self._asked[owner] += 1
        if self._asked[owner] > _MOST_OF_A_SANDBOX:
            raise DcpError(f"this sandbox has lost {_MOST_OF_A_SANDBOX} GPU hosts; it gets no other")
        self._await_shaders()
        self._look_after()
        if None in self._rest.resting():
            raise DcpError(_EVERYTHING)
        child = self._warm.pop() if self._warm else self._start()
        self._used[owner] = child
        self._most_used = max(self._most_used, len(self._used))
        child.meet()
        if self._shaders is not None:
            self._shaders.give(child.shaders)
        return child.socket

    def release(self, owner: int) -> float:
        """Ends the GPU host of a sandbox that has ended. Returns the seconds that the sandbox had of the GPU."""
        self._asked.pop(owner, None)
        self._end_host(owner)
        if self._ending or self._wanted:
            self.refill()
        return self._seconds.pop(owner, 0.0)

    def rest(self) -> None:
        """Between two jobs: as many hosts wait as the last job that used the GPU had at once, up to a limit."""
        if self._most_used:
            self._resting = min(self._most_used, _MOST_RESTING)
        self._most_used = 0
        self._look_after()
        kept, spare = self._warm[: self._resting], self._warm[self._resting :]
        self._end([*spare, *self._used.values(), *self._ending])
        self._warm, self._used, self._ending = kept, {}, []
        if self._shaders is not None:
            self._shaders.end()
        self.prewarm(self._resting)

    def close(self) -> None:
        """Ends all hosts."""
        self._wanted = self._resting = 0
        self._end([*self._warm, *self._used.values(), *self._ending])
        self._warm, self._used, self._ending = [], {}, []

    def _await_shaders(self) -> None:
        """Of hosts that are ending: the next one is given what they have compiled."""
        deadline = time.monotonic() + _PATIENCE
        for child in self._ending:
            if child.shaders is not None:
                child.wait(deadline - time.monotonic())

    def _end(self, children: Sequence[GpuHost]) -> None:
        for child in children:
            child.kill()
        for child in children:
            child.end()
            self._learn(child)  # its last records may have come now
            self._leave(child)

    def _end_host(self, owner: int, patience: float = 0.0) -> None:
        child = self._used.pop(owner, None)
        if child is not None:
            self._seconds[owner] = self._seconds.get(owner, 0.0) + child.gpu_seconds
            child.kill()
            child.wait(patience)
            self._ending.append(child)

    def _warm_up(self, count: int) -> None:
        self._look_after()
        while len(self._warm) < count and None not in self._rest.resting():
            self._warm.append(self._start())

    def _look_after(self) -> None:
        """Learns from hosts, reaps those that have ended, and ends warm ones that the machine has left behind."""
        for host in (*self._warm, *self._used.values(), *self._ending):
            self._learn(host)
        for child in (*self._ending, *self._warm):
            if child.poll() is not None:
                self._leave(child)
        self._ending = [child for child in self._ending if child.poll() is None]
        self._warm = [child for child in self._warm if child.poll() is None]
        if self._warm:
            now = self._surroundings()
            stale = [child for child in self._warm if not child.surroundings.hold(now)]
            self._warm = [child for child in self._warm if child not in stale]
            self._end(stale)

    def _learn(self, host: GpuHost) -> None:
        """From its start, once, and from its end."""
        failed = host.failed
        if failed and not host.failure_is_known:
            host.failure_is_known = True
            self._counters.gpu_hosts_failed += 1
        self._doubts = self._doubts or failed
        if host.start_is_known or not (failed or host.ready):
            return
        host.start_is_known = True
        _tell_gone(host.records.gone)
        adapter = host.records.adapter
        if host.ready:
            self._doubts = failed or (self._doubts and not host.checked)
            self._rest.answered(adapter)
        elif self._rest.died(adapter):
            notice(_EVERYTHING if adapter is None else _one_rests(adapter))

    def _start(self) -> GpuHost:
        arguments = [installation.executable("dcp-gpu-host"), "--library", installation.wgpu_library()]
        arguments += self._settings.isolation_arguments() + self._settings.priority_arguments()
        arguments += self._options.arguments()
        try:
            visible = self._options.visible(self._settings)
        except ValueError as error:
            raise InstallationError(str(error)) from None
        now = self._surroundings()
        _tell_mismatch(now.drivers)
        if visible is not None:
            arguments += ["--devices", ",".join(visible)]
        arguments += ["--resting", ",".join(sorted(adapter for adapter in now.resting if adapter))]
        # GPUs of the same kind take turns, over all pools of this process.
        arguments += ["--turn", str(next(_turns))]
        share = self._take_software_memory() if self._options.memory_limit is None else None
        arguments += [] if share is None else ["--software-memory", str(share)]
        ended = partial(self._give_back, share or 0)
        try:
            host = GpuHost(
                arguments, self._options.environment(), now, checked=self._doubts,
                shares_shaders=self._shaders is not None, ended=ended,
            )  # fmt: skip
        except BaseException:
            ended()
            raise
        self._counters.gpu_hosts_started += 1
        if self._groups is not None:
            self._groups.add(f"gpu-{host.pid}", host.pid, _TASKS_OF_A_HOST)
        return host

    def _surroundings(self) -> surroundings.Surroundings:
        """An adapter that is withheld is left alone like one that rests."""
        return surroundings.surroundings(self._rest.resting() | self._options.withheld)

    def _leave(self, host: GpuHost) -> None:
        if self._shaders is not None:
            self._shaders.take(host.shaders, failed=host.failed)
        host.leave()
        if self._groups is not None:
            self._groups.remove(f"gpu-{host.pid}")

    def _take_software_memory(self) -> int:
        """Of half of what this evaluator may take, and of half of the machine's memory."""
        own = self._software_memory.take(self._settings.max_memory // 2, self._expected)
        share = of_this_process.take(memory.of_machine() // 2, wanted=own)
        self._software_memory.give_back(own - share)
        return share

    def _give_back(self, share: int) -> None:
        self._software_memory.give_back(share)
        of_this_process.give_back(share)


_turns = itertools.count()
_told: set[str | surroundings.Fingerprint] = set()


def _tell_once(text: str) -> None:
    if text not in _told:
        _told.add(text)
        notice(text)


def _tell_gone(identities: Iterable[str]) -> None:
    for identity in identities:
        _tell_once(f"GPU {identity} is gone; sandboxes get no other in its place. --probe shows which there are")


def _tell_mismatch(drivers: surroundings.Fingerprint) -> None:
    """Looked for once, and each time that something of the drivers has changed."""
    if drivers not in _told:
        _told.add(drivers)
        if wrong := surroundings.nvidia_mismatch():
            _tell_once(wrong)


def _one_rests(adapter: str) -> str:
    return (
        f"{MOST_DEATHS} GPU hosts in a row have died at their start on GPU {adapter}: sandboxes do not get it for "
        f"{SECONDS / 60:g} minutes. --probe tries it"
    )
