"""JavaScript for the worktime ``map-basic``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dcp_protocol import kvin

from .program import Program, thrown
from .values import from_kvin, to_kvin

WORKTIME, VERSIONS = "map-basic", "^1.0.0"


def javascript_program(
    source: str, arguments: Sequence[Any], public: Mapping[str, Any], *, wants_gpu: bool = False
) -> Program:
    """``public``: what the work function finds in ``work.job.public`` besides what every job has there.

    Raises TypeError, ValueError for arguments that cannot be sent.
    """
    return Program(
        _wrapped(source, public), WORKTIME, VERSIONS, [to_kvin(each) for each in arguments], _outcome, from_kvin,
        wants_gpu,
    )  # fmt: skip


def _wrapped(source: str, public: Mapping[str, Any]) -> str:
    """Networks give up slices that never call ``progress()``; sandboxes of this machine do not ask for it.

    The source begins on the first line, so that stacks have its own numbers.
    """
    try:
        known = f"Object.assign(work.job.public, {json.dumps(public)}); " if public else ""
    except (TypeError, ValueError) as error:
        raise TypeError(f"job.public cannot go to a network: {error}") from None
    call = f"((call) => {{ {known}return (...given) => {{ progress(); return call(...given); }}; }})"
    return f"{call}({source.rstrip().rstrip(';')}\n)"


def _outcome(value: Any) -> Any:
    return thrown(value) if isinstance(value, kvin.JSError) else from_kvin(value)
