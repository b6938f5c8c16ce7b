"""The status document and its schema."""

from __future__ import annotations

import dataclasses
import json

import jsonschema
import msgspec
import pytest

from dcp_worker.control import status
from dcp_worker.control.status import WorkerStatus
from dcp_worker.rules.verdict import Reason

pytestmark = pytest.mark.any_engine

FULL = WorkerStatus(
    time=1.5,
    version="1",
    pid=7,
    worker="w",
    started=1.0,
    state="working",
    resources=(
        status.Resource(id="cpu", name="CPU", kind="cpu", limit=2.0),
        status.Resource(
            id="0000:65:00.0", name="GPU", kind="gpu", allowed=False, reasons=(Reason("manual", "paused", 9.0),)
        ),
    ),
    sandboxes=(
        status.Sandbox(number=1, state="working", job="j", slice=3, progress=0.5, began=1.0),
        status.Sandbox(number=2),
    ),
    jobs=(status.Job(id="j", earned=0.5),),
    rules=(status.Rule(name="battery", text="on battery"),),
    messages=("a message",),
)


def test_the_schema_in_its_file_is_that_of_the_document() -> None:
    assert status.SCHEMA_FILE.read_text(encoding="utf-8") == status.schema_text()


def test_the_document_has_what_its_schema_says() -> None:
    jsonschema.validate(json.loads(msgspec.json.encode(FULL)), json.loads(status.schema_text()))


def test_a_client_reads_it_and_what_a_later_worker_adds_to_it() -> None:
    document = json.loads(msgspec.json.encode(FULL)) | {"later": 1}
    assert msgspec.json.decode(json.dumps(document), type=WorkerStatus) == FULL


def test_it_differs_by_more_than_its_time() -> None:
    assert not FULL.differs(dataclasses.replace(FULL, time=2.0))
    assert FULL.differs(dataclasses.replace(FULL, state="idle"))
