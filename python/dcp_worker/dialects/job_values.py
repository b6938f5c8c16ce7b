"""Results of work functions as DCP keeps them (``dcp-client/job-values.js``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcp_protocol import canonical_json, kvin

from .javascript_json import stringify
from .texts import quoted_json


@dataclass(frozen=True, slots=True)
class JobValue:
    """A value, marshalled, in pieces of its JSON text."""

    pieces: tuple[bytes, ...]


def serialize_job_value(value: Any, inner: kvin.Version, outer: kvin.Version) -> JobValue:
    """``{string, method, MIMEType}``, itself marshalled; a URL stays one.

    Texts, truths, dates and -0 are JSON in it, anything else is KVIN of the version ``inner``. null is KVIN too: npm's
    worker throws there. Takes some 10 ms per MB. Raises kvin.KvinError and TypeError for what cannot be written.
    """
    if isinstance(value, kvin.URL):
        return JobValue((canonical_json.encode(kvin.marshal(value, outer)),))
    if _is_json(value):
        return _marshalled(stringify(value) or b"null", b"json", b"application/json", outer)
    return _marshalled(kvin.serialize(value, inner), b"kvin", b"application/x-kvin", outer)


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return value == 0 and str(value) == "-0.0"
    return isinstance(value, str | bool | datetime)


def _marshalled(string: bytes, method: bytes, mime_type: bytes, version: kvin.Version) -> JobValue:
    head = b'{"_serializeVerId":"v%d","what":{"raw":{"string":' % version
    tail = b',"method":"%b","MIMEType":"%b"}}}' % (method, mime_type)
    return JobValue((head, quoted_json(string), tail))
