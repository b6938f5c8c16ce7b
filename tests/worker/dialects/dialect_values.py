"""Values that tests of the dialects share."""

from __future__ import annotations

from typing import Any

from dcp_protocol import canonical_json
from dcp_protocol.keys.private_key import PrivateKey
from dcp_worker.dialects.choice import V4, V5
from dcp_worker.dialects.dialect import Dialect
from dcp_worker.dialects.work_request import Cores, WorkRequest
from dcp_worker.tasks.load import Load

KEY = PrivateKey.parse("01" * 32)
DIALECTS = {"4": V4, "5": V5}


def value_of(text: Any) -> Any:
    """What a message's text stands for, of which JavaScript gives back the same text."""
    assert canonical_json.is_canonical(bytes(text.text))
    return text.value


def work_request(**others: Any) -> WorkRequest:
    return WorkRequest(**{"load": Load(1, 0), "cores": Cores("w", 2, 2, 10), "payment_address": "0x1"} | others)


def job_message(dialect: Dialect, identity: str, **others: Any) -> dict[str, Any]:
    known = {"codeLocation": "data:,x=>x", "worktime": {"name": "map-basic", "version": "1.0.0"}}
    own = {"address": identity} if dialect is V4 else {"jobId": identity, "jobCgId": f"{identity}-group"}
    return own | known | others


def slice_message(dialect: Dialect, job: str, number: int, **others: Any) -> dict[str, Any]:
    return {dialect.names.slice_job: job, "sliceNumber": number, "datumUri": "data:,1"} | others


def reply(jobs: dict[str, Any], slices: dict[str, Any], **body: Any) -> dict[str, Any]:
    return {"owner": "o", "signature": "s", "auth": {"a": 1}, "body": {"newJobs": jobs, "task": slices, **body}}
