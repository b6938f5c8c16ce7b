"""Results of slices, on their way to the scheduler or to storage elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from dcp_protocol import canonical_json, kvin
from dcp_protocol.messages.bodies import JsonText
from dcp_protocol.uris import encode_data_uri

from ..errors import SchedulerError
from ..tasks.job import JobMetrics
from ..tasks.slices import Slice, SliceMetrics
from .fields import LARGEST_NUMBER, Fields
from .javascript_json import stringify
from .job_values import JobValue
from .task_reader import read_metrics
from .texts import joined

_SAFE_IN_FORMS = re.compile(rb"[^A-Za-z0-9\-_.!~*'()]")
_ESCAPES = {bytes([byte]): b"%%%02X" % byte for byte in range(256)}
_TEXT_CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1")


@dataclass(frozen=True, slots=True)
class ResultHead:
    """All of a result but what the work function gave: the text of an object without its last brace."""

    text: bytes

    def with_value(self, value: JobValue) -> JsonText:
        return JsonText(b"".join([self.text, b',"resultV2":', *value.pieces, b"}"]))

    def with_answer(self, answer: Any) -> JsonText:
        """``answer``: what the storage answered to the upload."""
        uri = canonical_json.quote(encode_data_uri(answer))
        return JsonText(b"".join([self.text, b',"result":', uri, b"}"]))


def result_head(of: Slice, worker: str, payment_address: str, metrics: SliceMetrics) -> ResultHead:
    measured = {
        "CPUTime": metrics.cpu_time,
        "GPUTime": metrics.gpu_time,
        "CPUDensity": metrics.cpu_density,
        "GPUDensity": metrics.gpu_density,
        "InDataSize": metrics.input_size,
        "OutDataSize": metrics.output_size,
    }
    text = joined(
        [
            ("slice", b"%d" % of.key.number),
            ("job", canonical_json.quote(of.key.job)),
            ("worker", canonical_json.quote(worker)),
            ("paymentAddress", canonical_json.quote(payment_address)),
            ("metrics", canonical_json.encode(measured)),
            ("authorizationMessage", of.authorization.text.text),
        ]
    )
    return ResultHead(text[:-1])


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a scheduler answers to a result: the payment in DCC, and what it now knows of the job, if it says so."""

    payment: float = 0.0
    metrics: JobMetrics | None = None


def read_acknowledgement(reply: object) -> Acknowledgement:
    """Never raises: the result has arrived, whatever else the scheduler says."""
    if not isinstance(reply, dict):
        return Acknowledgement()
    fields = Fields(reply, "the answer to a result")
    metrics = read_metrics(reply["metrics"]) if isinstance(reply.get("metrics"), dict) else None
    return Acknowledgement(_amount(reply.get("slicePaymentAmount"), fields), metrics)


def _amount(value: Any, fields: Fields) -> float:
    """In DCC; 0 for what nobody pays: sums of such amounts would be no numbers any more."""
    if isinstance(value, str):
        try:
            fields = Fields({"slicePaymentAmount": float(value)}, "")
        except ValueError:
            return 0.0
    amount = fields.number("slicePaymentAmount") or 0.0
    return amount if amount <= LARGEST_NUMBER else 0.0


def upload_form(of: Slice, value: Any, version: kvin.Version) -> bytes:
    """The body of the POST that brings a result to ``of.storage.url`` (``sendResultToRemote`` in ``supervisor2``).

    Unlike npm's worker, 0, "", false, null and undefined are results too, and no errors. Takes long for large values.
    Raises SchedulerError for a content type that is no text, ValueError and TypeError for values that are not of it.
    """
    members = dict(of.storage.parameters)
    content_type = members.get("contentType") or "application/json"
    if not isinstance(content_type, str):
        raise SchedulerError("resultStorageParams: contentType must be a text")
    members["contentType"] = content_type
    members["element"] = members.get("element") or of.key.number
    pairs = [(name, _as_text(member)) for name, member in members.items() if name != "content"]
    pairs.append(("content", _content(value, content_type, version)))
    return b"&".join(b"%b=%b" % (_escaped(name.encode()), _escaped(text)) for name, text in pairs)


def _content(value: Any, content_type: str, version: kvin.Version) -> bytes:
    kind, _, parameter = "".join(content_type.split()).partition(";")
    if kind == "application/json":
        return stringify(value) or b"null"
    if kind == "application/x-kvin":
        return kvin.serialize(value, version)
    charset = parameter.lower().removeprefix("charset=").strip("'\"`") if parameter else "us-ascii"
    if isinstance(value, np.ndarray) and not (kind.startswith("text/") and charset in _TEXT_CHARSETS):
        return b",".join(b"%d" % byte for byte in value.tobytes())
    return _as_text(value)


def _as_text(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return stringify(value) or b"undefined"


def _escaped(text: bytes) -> bytes:
    """JavaScript's ``encodeURIComponent``."""
    return _SAFE_IN_FORMS.sub(lambda found: _ESCAPES[found[0]], text)
