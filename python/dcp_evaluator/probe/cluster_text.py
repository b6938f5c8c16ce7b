"""The report of a cluster as a table for people."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .verdict import WHOLE, count

_WIDTH = 110
"""Columns, where it goes to no terminal."""


def show(report: dict[str, Any]) -> None:
    """``report``: of ``cluster.collect``."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("node", "versions", "what sandboxes get", "what does not run there, and why"):
        table.add_column(name, overflow="fold")
    for entry in report["nodes"]:
        cells = _node(entry["node"]), _versions(entry), _offer(entry["report"]), _faults(entry)
        table.add_row(*(Text("\n".join([*lines, ""])) for lines in cells))
    console.print(table)
    there = count(len(report["nodes"]), "node")
    unfit = sum(not entry["ready"] for entry in report["nodes"])
    console.print(f"{unfit} of {there} cannot run jobs" if unfit else f"{there} can run jobs", highlight=False)


def _node(node: dict[str, Any]) -> list[str]:
    counted = f"{node['cpus']:g} CPU, {node['gpus']:g} GPU of Ray"
    return [node["host"], node["address"], f"node {node['id'][:8]}", counted]


def _versions(entry: dict[str, Any]) -> list[str]:
    versions, report = entry["versions"], entry["report"]
    if versions is None:
        return ["unknown"]
    return [
        f"dcp-evaluator {versions['package'] or 'none'}",
        *([] if report is None else [str(report["versions"]["engine"])]),
        f"Python {versions['python']}",
        f"Ray {versions['ray']}",
        f"Pyodide {', '.join(versions['pyodide']) or 'none'}",
    ]


def _offer(report: dict[str, Any] | None) -> list[str]:
    if report is None:
        return ["nothing"]
    missing = sum(not layer["in_force"] for layer in _layers(report))
    machine, gpu = report["machine"], report["gpu"]
    memory = "" if machine["memory_mib"] is None else f", {machine['memory_mib'] / 1024:.1f} GiB"
    adapters = [each for each in gpu["adapters"] if each["offered"] and (each.get("compute") or {}).get("ok")]
    return [
        f"isolation without {count(missing, 'layer')}" if missing else "isolation complete",
        f"{machine['cpus_usable']} of {count(machine['cpus'], 'CPU')}{memory}",
        *(f"{each['device']}{', software' * (each.get('type') == 'cpu')}" for each in adapters),
        *([] if adapters else ["no GPU"]),
    ]


def _faults(entry: dict[str, Any]) -> list[str]:
    report = entry["report"]
    if entry["problem"] is not None or report is None:
        return [f"NO JOB RUNS: {entry['problem']}"]
    faults = [f"{layer['layer']} is off: {layer['reason']}" for layer in _layers(report) if not layer["in_force"]]
    faults += [report[part]["error"] for part in ("isolation", "gpu_isolation", "gpu") if report[part]["error"]]
    faults += [each["diagnosis"]["text"] for each in report["gpu"]["devices"] if each["diagnosis"]["code"] not in WHOLE]
    if entry["gpu_problem"] is not None:
        faults.append(f"GPUs of Ray: {entry['gpu_problem']}")
    if report["python"]["error"]:
        faults.append(f"Python: {report['python']['error']}")
    return list(dict.fromkeys(faults))


def _layers(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer for part in ("isolation", "gpu_isolation") for layer in report[part]["layers"]]
