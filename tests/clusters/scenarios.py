"""For programs that run the same jobs here and on a cluster: scenarios_of_*.py."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import dcp_evaluator as dcp
from python_values import same

Execute = Callable[..., dcp.Results]
"""Of a job and options: its local_exec or its cluster_exec."""
Scenario = Callable[[Execute], Any]
"""Gives all that it has seen."""

_scenarios: list[tuple[Scenario, int]] = []


def scenario(function: Scenario) -> Scenario:
    """On one node, with two sandboxes."""
    _scenarios.append((function, 1))
    return function


def of_two_nodes(function: Scenario) -> Scenario:
    """With a sandbox on each, where there are two."""
    _scenarios.append((function, 2))
    return function


def run() -> None:
    """Arguments: the address, and names of scenarios unless all are meant. Prints which of them differ from what they
    give here, and how.
    """
    _, address, *names = sys.argv
    for each, nodes in _scenarios:
        if names and each.__name__ not in names:
            continue
        options = {"nodes": nodes, "sandboxes_per_node": 2 // nodes}
        here = outcome(each, lambda job, **limits: job.local_exec(2, **limits))
        there = outcome(each, lambda job, options=options, **limits: job.cluster_exec(address, **options, **limits))
        if not same(here, there):
            print(f"{each.__name__}:\n  here  {here!r}\n  there {there!r}")


def outcome(call: Callable[..., Any], *arguments: Any) -> Any:
    """What it gives, or raises."""
    try:
        return call(*arguments)
    except (Exception, asyncio.CancelledError) as error:
        return type(error).__name__, str(error), getattr(error, "__notes__", [])


def errors(results: dcp.Results) -> dict[int, tuple[str, ...]]:
    return {
        index: (error.name, error.message, error.code, error.stack) for index, error in sorted(results.errors.items())
    }


def outcomes(results: dcp.Results) -> Any:
    """Values and errors of all slices."""
    return results.wait().values(default="failed"), errors(results)
