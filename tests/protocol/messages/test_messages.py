"""What a peer may send, what it may not, and what is sent to it."""

from __future__ import annotations

import json
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcp_protocol import canonical_json
from dcp_protocol.errors import MessageError, ProtocolError
from dcp_protocol.keys.private_key import PrivateKey
from dcp_protocol.messages.bodies import Dialogue, Notification, Request, Response, read_body, read_message
from dcp_protocol.messages.drafts import (
    BatchLimits,
    Draft,
    Stage,
    message_body,
    notification_draft,
    request_draft,
    response_draft,
    take_batch,
)
from dcp_protocol.messages.error_payload import error_payload, remote_error
from dcp_protocol.messages.sealed import open_sealed, seal
from dcp_protocol.messages.validity import Stamps, Validity

pytestmark = pytest.mark.any_engine

KEY, PEER, BANK = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
STAGE = Stage("session", 1.8e9, KEY.address, PEER.address)
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def sent(*drafts: Draft, nonce: str | None = "nonce") -> Dialogue:
    text = seal(KEY, message_body(drafts, STAGE, "token", nonce))
    received = read_message(text)
    assert received.owner == KEY.address and isinstance(received.body, Dialogue)
    return received.body


@given(VALUES, VALUES)
def test_what_is_sent_is_canonical_and_is_read_again(data: object, answer: object) -> None:
    drafts = [
        request_draft("1", "work", canonical_json.encode(data)),
        response_draft("2", canonical_json.encode(answer)),
        notification_draft("3", canonical_json.encode(data)),
    ]
    for body in (message_body(drafts, STAGE, "token", None), message_body(drafts[:1], STAGE, "token", None)):
        assert canonical_json.is_canonical(open_sealed(seal(KEY, body)).body.tobytes())
    request, response, notification = sent(*drafts).messages
    assert isinstance(request, Request) and isinstance(response, Response) and isinstance(notification, Notification)
    assert request.data.value == notification.data.value == data
    assert (isinstance(answer, dict) and "jsonData" in answer) or response.payload.value == answer


def test_data_that_came_as_its_json_is_data_again() -> None:
    """npm's programs write ``data`` so in batches, whatever the kind of message."""
    for kind in ("request", "response"):
        payload = {"operation": "work", "jsonData": '{"a":"\\u00e9"}', "more": 1}
        body = {"id": "1", "type": kind, "success": True, "payload": payload, "ackToken": "t"}
        dialogue = read_body(json.dumps(body).encode())
        assert isinstance(dialogue, Dialogue)
        message = dialogue.messages[0]
        got = message.data.value if isinstance(message, Request) else message.payload.value["data"]
        assert got == {"a": "é"}


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "7",
        "{}",
        '{"type":"request"}',
        '{"type":"request","id":"1","ackToken":"t"}',
        '{"type":"request","id":"1","ackToken":"t","payload":[]}',
        '{"type":"request","id":"1","ackToken":"t","payload":{}}',
        '{"type":"request","id":1,"ackToken":"t","payload":{"operation":"x"}}',
        '{"type":"request","id":"","ackToken":"t","payload":{"operation":"x"}}',
        '{"type":"request","id":"1","ackToken":"t","payload":{"operation":"' + "x" * 300 + '"}}',
        '{"type":"request","id":"1","ackToken":"t","payload":{"operation":"x","jsonData":"{"}}',
        '{"type":"request","id":"1","ackToken":"t","payload":{"operation":"x","jsonData":"1,\\"z\\":2"}}',
        '{"type":"request","id":"1","id":"2","ackToken":"t","payload":{"operation":"x"}}',
        '{"type":"request","id":"1","ackToken":"t","dcpsid":7,"payload":{"operation":"x"}}',
        '{"type":"response","id":"1","ackToken":"t","payload":1}',
        '{"type":"response","id":"1","ackToken":"t","success":1,"payload":1}',
        '{"type":"batch","id":"1","ackToken":"t","payload":{}}',
        '{"type":"batch","id":"1","ackToken":"t","payload":[{"type":"batch","id":"2","payload":[]}]}',
        '{"type":"batch","id":"1","ackToken":"t","payload":[' + "1," * 1000 + "1]}",
        '{"type":"ack","nonce":"n"}',
        '{"type":"ack","token":"t","nonce":7}',
        '{"type":"letter","id":"1","ackToken":"t"}',
        '{"a":' * 2000 + "1" + "}" * 2000,
        '{"type":"ack","token":"t","nonce":"n"',
    ],
)
def test_what_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(MessageError) as refused:
        read_body(body.encode())
    assert refused.value.code == "EINVAL"


def test_a_signature_is_of_the_text_as_it_came() -> None:
    text = seal(KEY, [b'{"type":"ack","token":"t","nonce":"n"}'])
    assert open_sealed(text).owner == KEY.address
    other = PEER.address.encode()
    for wrong in (
        text.replace(b'"nonce":"n"', b'"nonce": "n"'),
        text.replace(KEY.address.encode(), other),
        text.replace(KEY.address.encode(), b"0x12"),
        text.replace(b'"v":27', b'"v":29').replace(b'"v":28', b'"v":29'),
        text.replace(b'"owner"', b'"ownar"'),
        text.replace(b'"body"', b'"bady"'),
        text[:-1] + b',"body":{}}',
        b"{}",
        b"",
        b"\xff",
    ):
        with pytest.raises(MessageError):
            open_sealed(wrong)


def test_rights_of_other_keys() -> None:
    draft = request_draft("1", "pay", b'{"amount":1}', resources=[BANK])
    for drafts in ([draft], [draft, draft]):
        request = sent(*drafts).messages[0]
        assert isinstance(request, Request)
        assert request.authorizes(BANK.address, PEER.address, KEY.address)
        assert not request.authorizes(BANK.address, KEY.address, KEY.address)
        assert not request.authorizes(PEER.address, PEER.address, KEY.address)
    plain = sent(request_draft("1", "pay", b"1")).messages[0]
    assert isinstance(plain, Request) and not plain.authorizes(BANK.address, PEER.address, KEY.address)


def test_validity() -> None:
    stamps = Stamps(capacity=3)

    def refused(stamp: str, time: float, ttl: float | None = None, now: float = 0.0) -> str | None:
        refusal = stamps.refusal(Validity(stamp, time, ttl), now)
        return refusal.code if isinstance(refusal, ProtocolError) else None

    assert refused("a", 0.0) is None
    assert refused("a", 0.0) == "EDUP"
    assert refused("a", 0.0, now=700.0) == "EDUP"
    assert refused("b", 601.0) == "ETIMETRAVEL"
    assert refused("b", 600.0) is None
    assert refused("c", -721.0) == "EEXPIRED"
    assert refused("c", -719.0) is None
    assert refused("d", -1201.0, ttl=9999.0) == "EEXPIRED"
    assert refused("d", -616.0, ttl=1.0) == "EEXPIRED"
    for number in range(100):
        assert refused(str(number), 0.0) is None
        assert len(stamps) <= 3


def test_batches_keep_their_limits() -> None:
    limits = BatchLimits(messages=3, target=100, size=150)

    def sizes(*lengths: int) -> list[int]:
        queue = deque(response_draft("1", b"x" * length) for length in lengths)
        found = []
        while queue:
            found.append(len(take_batch(queue, limits)))
        return found

    assert sizes(1, 1, 1, 1) == [3, 1]
    assert sizes(100, 1) == [1, 1]
    assert sizes(99, 51, 1) == [2, 1]
    assert sizes(99, 52) == [1, 1]
    assert sizes(500, 500) == [1, 1]


def test_errors_travel_with_their_codes() -> None:
    payload = json.loads(error_payload(ProtocolError("ENOENT", "no such job"), KEY.address))
    assert payload["code"] == "ENOENT" and payload["message"] == "no such job" and payload["origin"] == KEY.address
    failure = remote_error(payload)
    assert failure.code == "ENOENT" and str(failure) == "no such job" and failure.details["name"] == "ProtocolError"
    for odd in (None, 7, "text", [], {"message": 7, "code": {}}):
        assert remote_error(odd).code == ""
