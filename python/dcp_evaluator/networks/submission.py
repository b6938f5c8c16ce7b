"""The data of ``submit@5`` (dcp-client 5, ``job/index.js``)."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from dcp_protocol import kvin
from dcp_protocol.kvin import Version
from dcp_protocol.uris.percent import encode_uri

from .program import Program
from .terms import Terms

KVIN: Version = 8
"""Which all workers read: a job whose values are of version 9 would be for those of dcp-client 5 alone."""
_WEBGPU = 32
_ALPHABET = string.ascii_letters + string.digits
_LARGEST = 2**53 - 1


def new_job_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(22))


def submission(job: str, program: Program, terms: Terms, payer: str, numbers: range | None) -> dict[str, Any]:
    """``numbers``: the data, where they are not added later. Raises ValueError, TypeError for what cannot be sent."""
    try:
        code = f"data:,{encode_uri(program.source)}"
    except ValueError:
        raise ValueError("the work function contains half of a surrogate pair, which UTF-8 cannot carry") from None
    data: dict[str, Any] = {
        "paymentAccount": payer,
        "workFunctionURI": code,
        "job": job,
        "mvMultSlicePayment": 0,
        "absoluteSlicePayment": terms.price,
        "requirePath": [],
        "dependencies": [],
        "requirements": _WEBGPU if program.wants_gpu else 0,
        "greedyEstimation": False,
        "workerConsole": False,
        "isOpen": False,
        "description": terms.description or "A job from Python",
        "name": terms.name or f"Ad-Hoc Job {job[-6:]}",
        "link": terms.link,
        "worktime": {"name": program.worktime, "version": program.versions, "custom": False},
        "marshaledArguments": kvin.marshal([_argument(each) for each in program.arguments], KVIN),
    }
    if numbers is not None:
        data["dataRange"] = {"start": numbers[0], "end": numbers[-1], "step": numbers.step}
    return data


def _argument(value: Any) -> Mapping[str, Any]:
    return {"string": kvin.serialize(value, KVIN).decode(), "method": "kvin", "MIMEType": "application/x-kvin"}


def is_of_numbers(inputs: Any) -> bool:
    """Whether data need not be added: a range, of which schedulers make the numbers."""
    if not isinstance(inputs, range) or not inputs:
        return False
    return max(abs(inputs[0]), abs(inputs[-1]), len(inputs)) <= _LARGEST
