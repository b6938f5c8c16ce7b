"""What a peer of the transport may say: packets of Engine.IO, right and wrong, and what carries them."""

from __future__ import annotations

import json
import random
import struct

from dcp_protocol.transport.engine_io import SEPARATOR

_ODD = [
    b"",
    b"\0",
    b"\x1e",
    b"{",
    b"}",
    b'"',
    b"[" * 300,
    b"\xff",
    b"\xed\xa0\xbd",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"\\u",
]
_NUMBERS = [
    0,
    1,
    2,
    -1,
    99,
    100,
    101,
    1000,
    1 << 31,
    (1 << 53) - 1,
    1 << 53,
    1 << 64,
    0.5,
    1e300,
    None,
    "1",
    True,
    [],
    {},
]


class Speaker:
    """Makes packets at random; those of a handshake are mostly right, so that what comes after it is tried too."""

    def __init__(self, source: random.Random) -> None:
        self._random = source

    def server(self) -> list[bytes]:
        """What a server says."""
        return [*map(self._mostly, [self._handshake(), b'40{"sid":"x"}', self._announcement()]), *self._rest()]

    def client(self) -> list[bytes]:
        """What a client says."""
        return [*map(self._mostly, [b"40", self._announcement()]), *self._rest()]

    def body(self, packets: list[bytes]) -> bytes:
        """In long polling."""
        return self._mostly(SEPARATOR.join(packets))

    def frames(self, packets: list[bytes], *, masked: bool) -> bytes:
        """As websocket messages, some in several frames."""
        return self._mostly(b"".join(self._frame(packet, masked) for packet in packets))

    def head(self, first: str) -> bytes:
        """Of a request or an answer."""
        chance = self._random.random
        lines = [first, "Host: localhost", "Connection: Upgrade" if chance() < 0.7 else "Connection: keep-alive"]
        lines += ["Upgrade: websocket"] * (chance() < 0.7) + ["Sec-WebSocket-Version: 13"] * (chance() < 0.9)
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="] * (chance() < 0.9)
        lines += [self._random.choice(["X: " + "x" * 9000, "Content-Encoding: gzip", "Expect: 100-continue", ":"])] * (
            chance() < 0.1
        )
        return self._mostly("\r\n".join([*lines, "", ""]).encode())

    def damaged(self, data: bytes) -> bytes:
        """With a few bytes changed, cut, doubled or put in."""
        for _ in range(self._random.randrange(1, 4)):
            at = self._random.randrange(len(data) + 1)
            to = min(len(data), at + self._random.choice([0, 1, 1, 4, 100]))
            choice = self._random.randrange(4)
            if choice == 0:
                data = data[:at] + self._random.randbytes(to - at) + data[to:]
            elif choice == 1:
                data = data[:at] + data[to:]
            elif choice == 2:
                data = data[:to] + data[at:]
            else:
                data = data[:at] + self._random.choice(_ODD) + data[at:]
        return data

    def _mostly(self, data: bytes) -> bytes:
        return data if self._random.random() < 0.93 else self.damaged(data)

    def _rest(self) -> list[bytes]:
        return [self._packet() for _ in range(self._random.randrange(40))]

    def _packet(self) -> bytes:
        choice = self._random.random()
        if choice < 0.1:
            return self._random.choice([b"1", b"2", b"3", b"6", b"2probe", b"5", b"41", b"40", b"44{}", b'42["x",1]'])
        if choice < 0.15:
            return self._announcement()
        text = self._text()
        packet = b'42["message",' + json.dumps(text, ensure_ascii=self._random.random() < 0.5).encode(
            errors="surrogatepass"
        )
        return self._mostly(packet + b"]")

    def _text(self) -> str:
        choice = self._random.random()
        if choice < 0.2:
            return "{" + self._payload()
        if choice < 0.25:
            return self._random.choice(["A0000-ACK", "T", "", "x", "E", "E00", "EzzzzC", "E0000O{}", "E0000Q"])
        header = json.dumps({"msgId": self._number(4), "seq": self._number(5), "total": self._number(6)})
        return f"E{len(header):04x}C{header}{self._payload()}"

    def _number(self, most: int) -> object:
        return self._random.randrange(most) if self._random.random() < 0.97 else self._random.choice(_NUMBERS)

    def _payload(self) -> str:
        size = self._random.choice([0, 1, 10, 99, 100, 101, 1000])
        return "".join(self._random.choice(["x", "é", "\u2028", "\U0001f600", "\ud83d", "\ude00"]) for _ in range(size))

    def _handshake(self) -> bytes:
        said: dict[str, object] = {"sid": "s", "upgrades": [], "pingInterval": 10_000, "pingTimeout": 60_000}
        return b"0" + json.dumps(self._changed(said | {"maxPayload": 10**6})).encode()

    def _announcement(self) -> bytes:
        sizes = {"rxMaxFragmentSize": self._random.choice([100, 300_000]), "rxMaxFragmentCount": 0}
        flags = {name: self._random.random() < 0.5 for name in ("canOoo", "wantsAck", "wantsConcat", "canAck")}
        text = "E0000P" + json.dumps(self._changed(flags | sizes | {"hasAnnounced": True}))
        return b'42["message",' + json.dumps(text).encode() + b"]"

    def _changed(self, said: dict[str, object]) -> dict[str, object]:
        if self._random.random() < 0.1:
            said[self._random.choice(list(said))] = self._random.choice(_NUMBERS)
        return said

    def _frame(self, data: bytes, masked: bool) -> bytes:
        chance = self._random.random()
        if chance < 0.02:
            data, opcode = data[:125], self._random.choice([8, 9, 10])
        else:
            opcode = 1 if chance < 0.97 else self._random.randrange(16)
        cut = self._random.randrange(len(data) + 1) if chance > 0.9 else len(data)
        if cut == len(data):
            return _frame(0x80 | opcode, data, masked)
        return _frame(opcode, data[:cut], masked) + _frame(0x80, data[cut:], masked)


def _frame(first: int, data: bytes, masked: bool) -> bytes:
    """With a mask of zeros."""
    size = len(data)
    length = struct.pack("!B", size) if size < 126 else struct.pack("!BH", 126, size)
    if size > 0xFFFF:
        length = struct.pack("!BQ", 127, size)
    if masked:
        length = bytes([length[0] | 0x80]) + length[1:] + b"\0" * 4
    return bytes([first]) + length + data
