"""``dcp-evaluator cluster probe``: what each node of a Ray cluster offers to sandboxes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ..clusters.connection import connected
from ..clusters.nodes import Node, nodes
from ..clusters.survey import Answer, ask
from ..clusters.versions import Versions, tell_versions
from .cluster_text import show

SCHEMA_VERSION = 1
"""As that of the probe's report; the schema is ``schemas/cluster-probe-1.json`` of the package."""


def run_cluster_probe(address: str, seconds: float, *, as_json: bool) -> int:
    """Prints the report. Returns 0 where all nodes can run jobs, else 2.

    ``seconds``: that each node may take. Raises InstallationError, ClusterError, AddressError.
    """
    terminal = Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=terminal, transient=True, disable=not terminal.is_terminal,
    )  # fmt: skip
    with progress, connected(address):
        asked = nodes()
        step = progress.add_task("nodes", total=len(asked))
        report = collect(asked, seconds, lambda: progress.advance(step))
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        show(report)
    return 0 if report["ready"] else 2


def collect(asked: list[Node], seconds: float, done: Callable[[], object] = lambda: None) -> dict[str, Any]:
    """The report of the cluster that the program is connected to, as ``--json`` prints it.

    ``done``: called for each node that has answered, or will not. Each fault of a node is told in its place.
    """
    own = Versions.of(tell_versions())
    entries = {}
    for answer in ask(asked, tell_node, seconds, tell_versions, own.package):
        entries[answer.node] = _entry(answer, own)
        done()
    return {
        "schema": {"name": "dcp-evaluator-cluster-probe", "version": SCHEMA_VERSION},
        "ready": bool(asked) and all(entry["ready"] for entry in entries.values()),
        "nodes": [entries[node] for node in asked],
    }


def _entry(answer: Answer, own: Versions) -> dict[str, Any]:
    versions, problem = None, answer.error
    told: dict[str, Any] = {"report": None, "gpu_problem": None}
    if problem is None:
        versions = Versions.of(answer.value["versions"])
        problem = versions.refusal(own)
    if problem is None:
        told = json.loads(answer.value["told"])
        outcome = told["report"]["slice"]
        problem = None if outcome["ok"] else f"no slice can run: {outcome['error']}"
    return {
        "node": answer.node._asdict(),
        "ready": problem is None,
        "problem": problem,
        "versions": None if versions is None else versions._asdict(),
        **told,
    }


def tell_node(tell_versions: Callable[[], dict[str, Any]], wanted: str) -> dict[str, Any]:
    """``{"versions", "told": JSON of {"report", "gpu_problem"}}``; None where this package is not the ``wanted`` one.

    For ``call_on``: it uses nothing around it.
    """
    import json

    versions = tell_versions()
    if versions["package"] != wanted:
        return {"versions": versions, "told": None}
    from dcp_evaluator.clusters.gpus import foreseen_refusal
    from dcp_evaluator.probe.gpu import examine
    from dcp_evaluator.probe.report import collect
    from dcp_evaluator.settings.settings import Settings

    settings = Settings()
    report = collect(examine(settings), settings, time_python=False)
    return {
        "versions": versions,
        "told": json.dumps({"report": report, "gpu_problem": foreseen_refusal(settings)}),
    }
