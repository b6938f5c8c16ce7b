"""``dcp-evaluator --status``: how the evaluator goes that serves a port."""

from __future__ import annotations

import json
import pwd
from collections.abc import Iterator
from typing import Any

from ..errors import DcpError
from ..lines.running import duration
from ..lines.status_socket import ask_status

_MIB = 1 << 20


def run_status(port: int, *, as_json: bool) -> int:
    """Returns the exit status. Raises NoEvaluatorError, DcpError."""
    document, user = ask_status(port)
    try:
        text = json.dumps(document, indent=2) if as_json else "\n".join(_lines(document, user))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise DcpError(f"the evaluator on port {port} is of another version: its status is not understood") from None
    # Whoever is first may answer for a port, and root asks whoever it is.
    print("".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in text))
    return 0


def _lines(document: dict[str, Any], user: int) -> Iterator[str]:
    evaluator, totals, sandboxes = document["evaluator"], document["totals"], document["sandboxes"]
    yield (
        f"dcp-evaluator {evaluator['version']}, process {evaluator['process']} of user {_user_name(user)}: "
        f"{evaluator['state']}, for {duration(evaluator['seconds'])}"
    )
    yield f"listens    {', '.join(evaluator['listens'])}"
    yield f"engine     {evaluator['engine']}, isolation {evaluator['isolation']}, priority {evaluator['priority']}"
    ended = {how.replace("_", " "): count for how, count in totals["sandboxes_ended"].items() if count}
    how = ": " + ", ".join(f"{count} {name}" for name, count in ended.items()) if ended else ""
    yield f"sandboxes  {len(sandboxes)} of {evaluator['max_sandboxes']} run, {sum(ended.values())} have ended{how}"
    if ended:
        yield (
            f"they used  CPU {duration(totals['cpu_seconds'])}, GPU {duration(totals['gpu_seconds'])}, "
            f"one at most {_mebibytes(totals['peak_memory'])}"
        )
    yield (
        f"faults     {totals['connections_refused']} connections refused, {totals['zygote_restarts']} zygotes and "
        f"{totals['gpu_hosts_failed']} of {totals['gpu_hosts_started']} GPU hosts ended by themselves"
    )
    if sandboxes:
        yield ""
        yield f"{'sandbox':>7} {'process':>8} {'life':>13} {'CPU':>13} {'memory':>10}  peer"
    for each in sandboxes:
        cpu = "-" if each["cpu_seconds"] is None else duration(each["cpu_seconds"])
        memory = "-" if each["memory"] is None else _mebibytes(each["memory"])
        life, process = duration(each["seconds"]), each["process"] or "-"
        yield f"{each['number']:>7} {process:>8} {life:>13} {cpu:>13} {memory:>10}  {each['peer']}"


def _mebibytes(size: int) -> str:
    return f"{-(-size // _MIB)} MiB"


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
