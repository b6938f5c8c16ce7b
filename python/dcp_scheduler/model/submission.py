"""A job as its client has submitted it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .requirements import Requirements

ALWAYS = -1
"""Of ``Submission.estimation``: every slice is one for estimation."""


@dataclass(frozen=True, slots=True)
class Worktime:
    """``versions``: a range as npm writes them."""

    name: str
    versions: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """What the client pays for a slice: ``absolute`` attoDCC, or else ``factor`` times what its work is worth."""

    factor: float = 0.0
    absolute: int = 0


@dataclass(frozen=True, slots=True)
class Storage:
    """Where results go: ``values``, to this scheduler; ``pattern``, to ``url`` with ``parameters``."""

    kind: str = "values"
    url: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a client asks for that DCP has no words for. ``priority``: of the job among its owner's: each step doubles
    its share. ``copies``: how many workers of different owners do each slice; ``tolerance``: by how much numbers may
    differ, relative or absolute, None for not at all.
    """

    priority: int = 0
    copies: int = 1
    tolerance: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """``id``: made by the client. ``dialect``: 4 or 5. ``arguments``: URIs, in their order.

    ``inputs``: the range that the data are, as the client wrote it, for ``ranges.rehydrate``; None where they come by
    value. ``pattern``: the URI of a datum with ``{slice}`` in it. ``slices``: how many there are, unless they come by
    value. ``local_data``, ``local_range``: of a job that its client does itself, URIs of the data, or of the range that
    they are. ``estimation``: how many slices are handed out before their cost is known; None: as the scheduler likes.
    """

    id: str
    dialect: int
    owner: str
    payer: str
    code: str
    arguments: list[str]
    worktime: Worktime
    offer: Offer
    needs: Requirements = Requirements.NONE
    discrete: bool = False
    use_strict: bool = False
    local: bool = False
    greedy: bool = False
    is_open: bool = False
    sends_console: bool = True
    estimation: int | None = None
    name: str = ""
    description: str = ""
    link: str = ""
    require_path: list[str] = field(default_factory=list)
    dependencies: list[str] = field(default_factory=list)
    storage: Storage = Storage()
    wishes: Wishes = Wishes()
    inputs: Any = None
    pattern: str = ""
    slices: int | None = None
    local_data: list[str] = field(default_factory=list)
    local_range: str = ""

    @property
    def by_value(self) -> bool:
        """Whether data are uploaded after the submission."""
        return self.inputs is None and not (self.pattern or self.local_data or self.local_range)
