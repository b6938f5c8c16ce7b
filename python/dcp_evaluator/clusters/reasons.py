"""Ray's exceptions in plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, ActorUnschedulableError, RayTaskError

from ..errors import ClusterError, DcpError
from ..settings.installation import VERSION

_LONGEST = 300
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_ENDS = {
    "its node has died": "the node died",
    "its worker process has died": "its process died",
    "was killed by `ray.kill`": "it was killed by ray.kill",
    "its owner has died": "what had started it has ended",
}


class Reason(NamedTuple):
    """Why an evaluator on a node is of no use any more, in a line. ``lasting``: another one would not be either."""

    text: str
    lasting: bool = False


@contextmanager
def ray_calls() -> Iterator[None]:
    """Raises ClusterError for whatever Ray raises: it has many kinds, bare Exception too."""
    if not ray.is_initialized():  # it would look for a cluster, or start one
        raise ClusterError("the connection to the cluster was ended, as by ray.shutdown()")
    try:
        yield
    except DcpError:
        raise
    except Exception as error:
        raise ClusterError(f"the cluster cannot be used any more: {reason_of(error).text}") from error


def reason_of(error: BaseException) -> Reason:
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, DcpError):
        return Reason(str(cause), lasting=True)
    text = _ESCAPES.sub("", str(error))
    if missing := _MISSING.search(text):
        return Reason(_of_missing(missing[1]), lasting=True)
    return Reason(_of_ray(error, text))


def _of_ray(error: BaseException, text: str) -> str:
    if isinstance(error, ActorUnschedulableError):
        return "Ray has no room for an evaluator there"
    if isinstance(error, ActorUnavailableError):
        return "it does not answer"
    if isinstance(error, ActorDiedError):
        for words, plain in _ENDS.items():
            if words in text:
                return plain
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:_LONGEST]


def _of_missing(module: str) -> str:
    package = module.partition(".")[0]
    if package == "dcp_evaluator":
        return f"dcp-evaluator is not installed there; run there: pip install 'dcp-evaluator[ray]=={VERSION}'"
    return f"the Python package {package} is not installed there"
