"""The lines above the tables: what the worker does, what it has done, and what its CPU and GPUs may do."""

from __future__ import annotations

from rich.text import Text

from ..control.status import Resource, WorkerStatus
from ..views.words import count, dcc, duration, plain, resource_state, resource_use, state


def title(status: WorkerStatus, now: float) -> Text:
    return Text.assemble(
        (f"dcp-worker {plain(status.version, 20)}", "bold"), "  ", (state(status), "bold reverse"), "  ",
        f"for {duration(now - status.started)}",
        ", ends when there is no more work" if status.exit_when_done else "",
    )  # fmt: skip


def summary(status: WorkerStatus) -> Text:
    totals, rates = status.totals, status.rates
    failed = f", {totals.failed} failed" if totals.failed else ""
    parts = (
        f"{totals.completed} done{failed}, {count(rates.slices_per_hour)}/h",
        f"earned {dcc(totals.earned)}, {dcc(rates.earned_per_hour).removesuffix(' DCC')}/h",
        f"{status.queue.queued} queued, {status.queue.unsubmitted} unsent",
    )
    return Text("  ".join(parts))


def resources(status: WorkerStatus, now: float) -> Text:
    """A line for each."""
    lines = [_resource(one, now) for one in status.resources]
    lines += [Text(f"! {plain(message)}", style="bold") for message in status.messages]
    return Text("\n").join(lines)


def _resource(one: Resource, now: float) -> Text:
    name = "CPU" if one.kind == "cpu" else plain(one.name or one.id, 24)
    allowed = (resource_state(one, now), "" if one.allowed else "bold")
    return Text.assemble((f"{name:<4} ", "bold"), resource_use(one), "  ", allowed)


def rules(status: WorkerStatus) -> Text:
    """All rules of the configuration, those in force first."""
    if not status.rules:
        return Text("No rules are configured: the worker may always work.")
    ordered = sorted(status.rules, key=lambda rule: not rule.in_force)
    lines = [
        f"{'rests' if rule.in_force else 'works':<6} {plain(rule.name, 40)}: {plain(rule.text)}" for rule in ordered
    ]
    return Text("\n".join(lines))
