"""What a notebook shows of a job's results."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..errors import SliceError
from .outcomes import Outcomes

_MOST_ERRORS = 10
_LONGEST = 300


def page_of(outcomes: Outcomes, state: str) -> str:
    """HTML: a bar, sums, and the first errors. Nothing that came from a sandbox is markup."""
    done, total = outcomes.arrived, outcomes.total
    errors = [outcomes.errors[index] for index in sorted(outcomes.errors)]
    cpu, gpu = outcomes.sums()
    facts = {
        "slices": f"{done}" if total is None else f"{done} of {total}",
        "failed": f"{outcomes.failed}",
        "CPU": f"{cpu:.1f} ms",
        "GPU": f"{gpu:.1f} ms",
    }
    bar = f'<progress value="{done}" max="{max(total or done, 1)}"></progress>'
    tables = _table([facts.keys(), facts.values()]) + _errors(errors, outcomes.failed)
    return f"<div><b>Results</b> {state} {bar}{tables}</div>"


def _errors(errors: list[SliceError], failed: int) -> str:
    if not errors:
        return ""
    rows: list[Iterable[str]] = [("slice", "code", "error")]
    rows += [(f"{error.index}", error.code, f"{error.name}: {error.message}") for error in errors[:_MOST_ERRORS]]
    more = f"<div>and {failed - len(rows) + 1} more</div>" if failed >= len(rows) else ""
    return _table(rows) + more


def _table(rows: Iterable[Iterable[str]]) -> str:
    """The first row is the head."""
    head, *others = ("".join(f"<td>{escape(text[:_LONGEST])}</td>" for text in row) for row in rows)
    lines = [head.replace("td>", "th>"), *others]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
