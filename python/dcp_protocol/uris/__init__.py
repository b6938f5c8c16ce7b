"""Where a job's code, arguments and data are: URIs, decoded by their media type or fetched where that is allowed.

``data_uri`` decodes and encodes ``data:`` URIs, ``origins`` says from where may be fetched, ``fetch`` fetches. The
rules are those of dcp-client's ``utils/fetch-uri.js``, ``utils/encodeDataURI.js``, ``worker/origin-access-manager.js``.
"""

from __future__ import annotations

from .data_uri import decode_data_uri, encode_data_uri
from .failures import FetchError, ForbiddenOriginError, UndecodableError
from .fetch import Fetcher, Limits
from .origins import PURPOSES, SCHEDULER, AllowedOrigins
from .resource import Resource

__all__ = [
    "PURPOSES",
    "SCHEDULER",
    "AllowedOrigins",
    "FetchError",
    "Fetcher",
    "ForbiddenOriginError",
    "Limits",
    "Resource",
    "UndecodableError",
    "decode_data_uri",
    "encode_data_uri",
]
