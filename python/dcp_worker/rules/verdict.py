"""What the rules come to: whether the CPU and each GPU may work, and if not, why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """``rule``: its name, such as ``battery``, or ``manual``. ``text``: for people.

    ``until``: when it ends, as seconds since the epoch; None where nobody knows.
    """

    rule: str
    text: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """On the CPU, or on one GPU. ``name``: for people."""

    name: str
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Verdict:
    """``gpus``: by identity, which is a PCI address, such as ``0000:65:00.0``, where the GPU has one.

    ``unwatched``: rules that are configured and have no effect, as what they need to know cannot be found out.
    """

    cpu: Decision = Decision("CPU")
    gpus: Mapping[str, Decision] = field(default_factory=dict)
    unwatched: tuple[Reason, ...] = ()
