"""What clients and workers download before all else: where the services are (``/etc/dcp-config.kvin`` and ``.js``)."""

from __future__ import annotations

import json
from typing import Any

from dcp_protocol.kvin import Constructed, serialize

_SERVICES = (
    "jobSubmit", "resultSubmitter", "taskDistributor", "eventRouter", "computeGroups", "pheme", "phonebook",
)  # fmt: skip
_DEPLOY_SECONDS = 300
_UPLOAD = {
    "uploadInitialNumberOfSlices": 10, "uploadIncreaseFactor": 4, "uploadSlicesTarget": 1_000_000,
    "uploadSlicesCeiling": 5_000_000, "sliceUploadErrorTolerance": 3,
}  # fmt: skip


def configuration(pages: str, services: str, tables: str) -> bytes:
    """As KVIN v8, which clients of both versions read. ``pages``: the location of the pages, ``services``: of all
    services, ``tables``: of what ``jnu`` reads; all end in a slash.
    """
    return serialize(_whole(pages, services, tables, lambda url: Constructed("dcpUrl$$DcpURL", (url,))), 8)


def configuration_script(pages: str, services: str, tables: str) -> bytes:
    """The same for browsers, as JavaScript."""
    mark = "\0url:"
    text = json.dumps(_whole(pages, services, tables, lambda url: f"{mark}{url}"))
    start, end = json.dumps(mark)[:-1], '"'
    parts = text.split(start)
    script = parts[0]
    for part in parts[1:]:
        url, _, rest = part.partition(end)
        script += f'new URL("{url}"){rest}'
    return f"dcpConfig = {script};\n".encode()


def _whole(pages: str, services: str, tables: str, url: Any) -> dict[str, Any]:
    service = {"location": url(services)}
    return {
        "scheduler": {
            "location": url(pages),
            "services": {**dict.fromkeys(_SERVICES, service), "jnu": {"location": url(tables)}},
            "compatibility": {"minimum": {"dcp": "^5.0.0"}, "operations": {"compute": "1.0.0", "work": "1.0.0"}},
            "worker": {"types": ["v4", "v5"], "operations": "1.0.0"},
            "preventSliceStarvation": False,
        },
        "bank": {"location": url(pages), "services": {"bankTeller": service}},
        "packageManager": service,
        "portal": {"location": url(pages)},
        "pxAuth": {"location": url(pages)},
        "job": {
            "maxDeployTime": _DEPLOY_SECONDS, "deployAttempts": 10, "deployCloseTimeout": 10_000, "modules": {},
            **_UPLOAD,
        },
        "eventSubscriber": {"seenListSize": 100},
    }  # fmt: skip
