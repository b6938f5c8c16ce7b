"""docs/protocol-dcp.md: what it shows is what the package reads, writes and does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dcp_protocol import canonical_json, kvin
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import Ack, Dialogue, read_message
from dcp_protocol.messages.sealed import seal
from dcp_protocol.ranges import rehydrate
from dcp_protocol.transport import extended
from dcp_protocol.uris import decode_data_uri

pytestmark = pytest.mark.any_engine

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol-dcp.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
MESSAGES = [line for language, block in BLOCKS if language == "json" for line in block.splitlines()]


def test_the_program_prints_what_it_says() -> None:
    (program,) = (block for language, block in BLOCKS if language == "python")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert done.stderr == ""
    assert f"It prints `{done.stdout.strip()}`" in DOCUMENT


def test_the_sealed_message_is_signed_by_its_owner() -> None:
    (sealed,) = (line for line in MESSAGES if line.startswith('{"owner"'))
    received = read_message(sealed.encode())
    assert received.owner == json.loads(sealed)["owner"]
    assert isinstance(received.body, Dialogue)
    assert received.body.nonce is received.body.session is None


@pytest.mark.parametrize("text", [line for line in MESSAGES if '"type":' in line and '"owner"' not in line])
def test_messages_are_read(text: str) -> None:
    told = json.loads(text)
    body = text.encode()
    assert canonical_json.is_canonical(body)
    if "ackToken" not in told and told["type"] != "ack":  # as it stands in a batch
        outer = {**told, "type": "batch", "payload": [told], "ackToken": "x", "nonce": None}
        body = canonical_json.encode(outer)
    key = PrivateKey.generate()
    received = read_message(seal(key, [body]))
    assert received.owner == key.address
    if told["type"] == "ack":
        assert received.body == Ack(told["token"], told["nonce"], told["dcpsid"])
        return
    assert isinstance(received.body, Dialogue)
    kinds = [type(message).__name__.lower() for message in received.body.messages]
    shown = told["payload"] if told["type"] == "batch" else [told]
    assert kinds == [message["type"] for message in shown]


def test_extended_messages_are_read() -> None:
    announcement, fragment = (block.strip().encode() for _, block in BLOCKS if block.startswith("E0"))
    kind, _, payload = extended.split(announcement)
    assert kind == extended.ANNOUNCEMENT
    assert extended.Announcement().changed_by(payload).rx_max_fragment_size == 300_000
    kind, header, _ = extended.split(fragment)
    assert kind == extended.FRAGMENT
    assert extended.fragment_header(header) == extended.FragmentHeader(7, 1, 3)


def test_kvin_is_read() -> None:
    (text,) = (line for line in MESSAGES if line.startswith('{"_serializeVerId"'))
    value = kvin.deserialize(text)
    assert value["a"] != value["a"]
    assert value["b"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_what_stays_encoded_in_a_uri() -> None:
    paragraph = DOCUMENT[DOCUMENT.index("`decodeURI`") :].split("\n\n")[0]
    sequences = re.findall(r"`(%[0-9A-F]{2})`", paragraph)
    assert len(sequences) == 11
    for code in range(0x80):
        text = f"%{code:02X}"
        assert (decode_data_uri(f"data:,{text}").value == text) == (text in sequences)


RANGES = re.findall(r"^\| `(\{.*\})` \| (.*) \|$", DOCUMENT, re.MULTILINE)


@pytest.mark.parametrize(("text", "elements"), [row for row in RANGES if "pattern" not in row[0]])
def test_ranges_have_their_elements(text: str, elements: str) -> None:
    assert list(rehydrate(json.loads(text))) == json.loads(f"[{elements}]")
    assert len(RANGES) == 6
