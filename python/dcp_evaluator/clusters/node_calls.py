"""Functions that run once on a node, also where this package is not installed or is another version."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..errors import ClusterError
from .connection import load_ray


def call_on(node: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls it on the node with Ray's id ``node``, beside all else that runs there; gives Ray's reference.

    Its own code travels, and nothing around it: it imports what it uses. Its arguments and its value are of Python's
    own types, or other such functions.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    pinned = NodeAffinitySchedulingStrategy(node_id=node, soft=False)
    options = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": pinned}
    sent = [_alone(each) if isinstance(each, FunctionType) else each for each in arguments]
    return load_ray().remote(_alone(function)).options(**options).remote(*sent)


def _alone(function: Callable[..., Any]) -> Callable[..., Any]:
    """One that Ray sends as code, not by its name in this package."""
    assert isinstance(function, FunctionType)
    if function.__closure__ or function.__defaults__:
        raise ClusterError(f"{function.__name__} uses what is around it")
    alone = FunctionType(function.__code__, {"__builtins__": builtins}, function.__name__)
    alone.__module__ = "__main__"
    return alone
