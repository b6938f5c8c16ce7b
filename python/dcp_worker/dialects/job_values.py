"""Results of work functions as DCP keeps them (``dcp-client/job-values.js``)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dcp_protocol import canonical_json, kvin

from ..tasks.slices import SliceError
from .javascript_json import stringify
from .texts import quoted_json, utf16_size


@dataclass(frozen=True, slots=True)
class JobValue:
    """A value, marshalled. ``pieces`` are those of its JSON text; ``size`` is what DCP counts as its size."""

    pieces: tuple[bytes, ...]
    size: int


def serialize_job_value(value: Any, inner: kvin.Version, outer: kvin.Version) -> JobValue:
    """``{string, method, MIMEType}``, itself marshalled; a URL stays one.

    Texts, truths, dates and -0 are JSON in it, anything else is KVIN of the version ``inner``. null is KVIN too: npm's
    worker throws there. Takes some 10 ms per MB. Raises kvin.KvinError and TypeError for what cannot be written.
    """
    if isinstance(value, kvin.URL):
        text = canonical_json.encode(kvin.marshal(value, outer))
        return JobValue((text,), utf16_size(text))
    if _is_json(value):
        string = stringify(value) or b"null"
        size = utf16_size(string) + len(_raw_head(inner)) + len(b"}}")
        return _marshalled(string, b"json", b"application/json", size, outer)
    string = kvin.serialize(value, inner)
    return _marshalled(string, b"kvin", b"application/x-kvin", utf16_size(string), outer)


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return value == 0 and str(value) == "-0.0"
    return isinstance(value, str | bool | datetime)


def _marshalled(string: bytes, method: bytes, mime_type: bytes, size: int, version: kvin.Version) -> JobValue:
    tail = b',"method":"%b","MIMEType":"%b"}}}' % (method, mime_type)
    return JobValue((_raw_head(version), b'{"string":', quoted_json(string), tail), size)


def _raw_head(version: kvin.Version) -> bytes:
    return b'{"_serializeVerId":"v%d","what":{"raw":' % version


def thrown_value(error: SliceError) -> kvin.JSError:
    """The result of a slice whose work function has thrown (``SandboxError`` in ``supervisor2/sandbox2.js``)."""
    properties: dict[str, Any] = {"stack": error.stack} if error.stack else {}
    return kvin.JSError(error.message, {**properties, "errorCode": error.code, "name": error.name})
