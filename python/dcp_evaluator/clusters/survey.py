"""All nodes of a cluster, asked at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from .connection import load_ray
from .node_calls import call_on
from .nodes import Node

_LOOK_SECONDS = 0.5
"""So often Ctrl-C is heard."""


class Answer(NamedTuple):
    """Of a node: ``value`` of the function, or ``error``: why there is none."""

    node: Node
    value: Any = None
    error: str | None = None


def ask(asked: Iterable[Node], function: Callable[..., Any], seconds: float, *arguments: Any) -> Iterator[Answer]:
    """Calls the function on each node, as ``call_on`` does; answers as they come, the last after ``seconds``."""
    ray = load_ray()
    from .reasons import reason_of

    calls = {call_on(node.id, function, *arguments): node for node in asked}
    until = time.monotonic() + seconds
    while calls and (left := until - time.monotonic()) > 0:
        ended, _ = ray.wait(list(calls), timeout=min(left, _LOOK_SECONDS))
        for call in ended:
            node = calls.pop(call)
            try:
                yield Answer(node, ray.get(call))
            except Exception as error:  # Ray raises what the function raised, and kinds of its own
                yield Answer(node, error=reason_of(error).text)
    for call, node in calls.items():
        ray.cancel(call, force=True)
        yield Answer(node, error=f"it has not answered within {seconds:g} s")
