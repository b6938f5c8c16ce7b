"""How long a sandbox may take, and how much it may say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; the defaults are those of npm's supervisor where it has any."""

    describe: float = 60.0
    """Until a new sandbox has said what it can do; the start of a GPU host is in it."""
    answer: float = 20.0
    """Until it has applied requirements, or reset its state."""
    assign: float = 20.0
    """Until it has a work function of the worktime map-basic; begins anew with each group of modules that it gets."""
    assign_others: float = 600.0
    """The same of other worktimes: that of Python compiles for minutes where nothing of it is in the cache."""
    progress: float = 300.0
    """Without a call of ``progress()``."""
    slice: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Of what a sandbox sends, who may be anybody. Sizes are bytes unless said otherwise."""

    line: int = 512 << 20
    """A result of 64 MiB takes 384 MiB in the worst case, as six characters for each byte."""
    output: int = 256 << 20
    """Of what a slice writes to its console and as events, in UTF-16 units."""
    services: int = 64
    """Modules and fetches that it may ask for and has not got yet."""
    unread: int = 512 << 20
    """Of what it has been sent and has not read, when it is to be sent more."""
    burst: int = 4096
    """Lines beside those that begin and end slices; then reading pauses, and so does the sandbox when it writes on."""
    lines_per_second: float = 1000.0
    """That many are allowed again."""
