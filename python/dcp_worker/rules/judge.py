"""Rules and pauses, held against what is seen of the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..configuration.rules import Rules, RuleSettings
from .conditions import CONDITIONS, Question
from .observation import Gpu, Observation
from .pauses import CPU, Pauses
from .verdict import Decision, Reason, Verdict

_HOURS = "hours"


class Judge:
    """Remembers which rules hold: one holds for some time after its reason has gone."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._texts: dict[tuple[str, str], str] = {}
        self._until: dict[tuple[str, str], float] = {}

    def change(self, rules: Rules) -> None:
        """Other rules, from now on: nothing holds because of the old ones."""
        self._rules = rules
        self._texts.clear()
        self._until.clear()

    def judge(self, seen: Observation, pauses: Pauses) -> Verdict:
        now = seen.time.timestamp()
        pauses.expire(now)
        cpu = pauses.reasons(CPU) + tuple(self._reasons(CPU, self._rules.cpu, seen, seen.temperature))
        gpus = {gpu.identity: self._of_gpu(gpu, seen, pauses) for gpu in seen.gpus}
        return Verdict(Decision("CPU", cpu), gpus, tuple(self._unwatched(seen)))

    def _of_gpu(self, gpu: Gpu, seen: Observation, pauses: Pauses) -> Decision:
        rules = self._rules.of_gpu(gpu.identity)
        reasons = self._reasons(gpu.identity, rules, seen, gpu.temperature)
        return Decision(gpu.name, pauses.reasons(gpu.identity) + tuple(reasons))

    def _reasons(
        self, target: str, rules: RuleSettings, seen: Observation, temperature: float | None
    ) -> Iterator[Reason]:
        now = seen.time.timestamp()
        for rule, condition in CONDITIONS.items():
            place = (target, rule)
            if text := condition(Question(rules, seen, temperature, place in self._texts)):
                self._texts[place] = text
                self._until.pop(place, None)
                yield Reason(rule, text, _begin(rules, seen) if rule == _HOURS else None)
            elif place in self._texts:
                # Measured by the clock on the wall: one that jumps back does not have it hold longer than that.
                until = min(self._until.get(place, math.inf), now + self._rules.calm)
                self._until[place] = until
                if rule != _HOURS and now < until:
                    yield Reason(rule, self._texts[place], until)
                else:
                    del self._texts[place], self._until[place]

    def _unwatched(self, seen: Observation) -> Iterator[Reason]:
        yield from seen.unwatched
        if self._rules.cpu.temperature is not None and seen.temperature is None:
            yield Reason("temperature", "the temperature of the CPU cannot be read")
        missing = set(self._rules.gpus or ()) - {gpu.identity for gpu in seen.gpus} if seen.gpus else ()
        for identity in sorted(missing):
            yield Reason("gpus", f"this machine has no GPU {identity}, which node.rules.gpus names")
        for gpu in seen.gpus:
            if self._rules.of_gpu(gpu.identity).temperature is not None and gpu.temperature is None:
                yield Reason("temperature", f"the temperature of {gpu.name} cannot be read")


def _begin(rules: RuleSettings, seen: Observation) -> float | None:
    """When the hours come at which it works."""
    begin = rules.hours.next_begin(seen.time) if rules.hours else None
    return begin.timestamp() if begin else None
