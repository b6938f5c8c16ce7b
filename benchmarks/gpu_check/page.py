"""One page of text from the results of all steps."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from .runner import DONE, Result

_WIDTH = 100
_MARKS = {"ok": "ok", "does not apply": "-", "failed": "FAILED", "timed out": "TOO LATE", "not run": "not run"}


def page(results: list[Result], *, commit: str, when: str, quick: bool) -> str:
    lines = [
        f"GPU check of dcp-evaluator, commit {commit}, {when}"
        + (", quick mode: measures mean nothing" if quick else ""),
        "",
        *_ran_on(results),
        "",
        *_verdict(results),
        "",
    ]
    for number, result in enumerate(results, 1):
        lines += [*_step(number, result), ""]
    return "\n".join(lines)


def ran_on(results: list[Result]) -> list[dict[str, Any]]:
    """The adapters that sandboxes get, the measured one first."""
    found = _data(results, "sealed").get("adapters", [])
    return [{name: adapter.get(name) for name in ("device", "type", "driver", "description")} for adapter in found]


def _ran_on(results: list[Result]) -> Iterator[str]:
    adapters = ran_on(results)
    if not adapters:
        yield "RAN ON NO ADAPTER: sandboxes get none here. The steps below say why, as far as they can."
        return
    for adapter in adapters:
        yield f"Ran on: {adapter['device']}, {adapter['description']} (type {adapter['type']})"
    if all(adapter["type"] == "cpu" for adapter in adapters):
        yield "THIS IS AN ADAPTER IN SOFTWARE. No GPU was used: this page says nothing about GPUs and their drivers,"
        yield "and its measures are those of the CPU."


def _verdict(results: list[Result]) -> Iterator[str]:
    """The decision table: what to look at first."""
    left = [result["name"] for result in results if result["verdict"] == "not run"]
    bad = [result for result in results if result["verdict"] not in (*DONE, "not run")]
    if left:
        yield from textwrap.wrap(f"Not run yet: {', '.join(left)}.", _WIDTH)
    if unused := _unused(results):
        yield from textwrap.wrap(f"NOT USED: {', '.join(unused)}. Read the diagnoses of 'probe'.", _WIDTH)
    if not bad:
        yield "All steps that ran and apply are well."
        return
    names = ", ".join(f"{result['name']} ({result['verdict']})" for result in bad)
    yield from textwrap.wrap(f"Not well: {names}.", _WIDTH)
    yield from textwrap.wrap(_first_cause({result["name"] for result in bad}, results), _WIDTH)


def _unused(results: list[Result]) -> list[str]:
    """GPUs of the kernel, where all adapters are software."""
    if any(adapter["type"] != "cpu" for adapter in ran_on(results)):
        return []
    devices = _data(results, "facts").get("devices", [])
    return [f"{device['vendor']} GPU {device['id']} (kernel driver {device['driver']})" for device in devices]


def _first_cause(bad: set[str], results: list[Result]) -> str:
    if "unsealed" in bad:
        return (
            "The driver fails without the seal too: it is missing or broken, and the seal is not at fault. Read the "
            "loader's lines of 'unsealed' and the diagnoses of 'probe'."
        )
    data = _data(results, "sealed")
    if "SIGSYS" in str(data.get("error")) + str(data.get("probe_error")):
        return (
            "The filter of the GPU host ends the driver for a system call: 'which-call' names it. Please report this."
        )
    if bad & {"sealed", "which-layer"}:
        return (
            "The driver works, but not inside the seal: 'which-layer' and 'which-call' name what is refused. Please "
            "report this."
        )
    if bad & {"f32", "f16", "transfers", "round-trip", "probe"}:
        return (
            "The adapter is there and does not work as it should: memory, a timeout, or the GPU itself (Xid in dmesg)."
        )
    return "The adapter works; what failed is told below."


def _step(number: int, result: Result) -> Iterator[str]:
    took = f"{result['seconds']:.1f} s" + (", before" if result["kept"] and result["verdict"] != "not run" else "")
    yield f"{number:2} {result['title']} [{result['name']}]: {_MARKS[result['verdict']]}, {took}"
    if result["error"]:
        yield from _indented(result["error"])
    for line in result["lines"]:
        yield from _indented(line)


def _indented(text: str) -> list[str]:
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return textwrap.wrap(
        clean, _WIDTH, initial_indent="   ", subsequent_indent="     ", break_on_hyphens=False, break_long_words=False
    )


def _data(results: list[Result], name: str) -> dict[str, Any]:
    return next((result["data"] for result in results if result["name"] == name), {})
