"""TextDecoder's legacy encodings. The hashes are of what the indexes of the Encoding Standard give."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from web_script import values

import dcp_evaluator as dcp

LOW = range(0x40, 0x7F)
SINGLE_BYTE = [
    "ibm866",
    *(f"iso-8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("koi8-r", "koi8-u", "macintosh", "windows-874"),
    *(f"windows-{page}" for page in range(1250, 1259)),
    "x-mac-cyrillic",
]
DECODE = """(label, bytes, cuts) => {
  const whole = new TextDecoder(label).decode(bytes);
  const decoder = new TextDecoder(label);
  let text = "", at = 0;
  for (const cut of cuts) text += decoder.decode(new Uint8Array(bytes, at, cut, at += cut), { stream: true });
  return [whole, text + decoder.decode() === whole];
}"""


def pairs(lead: Iterable[int], trail: Iterable[int]) -> bytes:
    return bytes(itertools.chain.from_iterable(itertools.product(lead, trail)))


def four_bytes() -> bytes:
    """What gb18030 has below U+10000 in four bytes."""
    found = itertools.product(range(0x81, 0x85), range(0x30, 0x3A), range(0x81, 0xFF), range(0x30, 0x3A))
    return bytes(itertools.chain.from_iterable(itertools.islice(found, 39420)))


def known_to(codec: str, data: bytes) -> Iterator[bytes]:
    """The pairs that a codec of Python's has."""
    for at in range(0, len(data), 2):
        with contextlib.suppress(UnicodeDecodeError):
            data[at : at + 2].decode(codec)
            yield data[at : at + 2]


def decode(evaluator: dcp.Evaluator, label: str, data: bytes) -> str:
    """The text of ``data``, which is the same in pieces of any length."""
    chosen = random.Random(18)
    cuts: list[int] = []
    while (left := len(data) - sum(cuts)) > 0 and len(cuts) < 2000:
        cuts.append(min(left, chosen.randrange(6)))
    text, same = dcp.compute_for([label], DECODE, data, [*cuts, left]).local_exec(1, evaluator=evaluator)[0]
    assert same
    return str(text)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def test_each_byte_of_the_encodings_of_one_byte(evaluator: dcp.Evaluator) -> None:
    texts = [decode(evaluator, label, bytes(range(256))) for label in SINGLE_BYTE]
    assert digest("".join(texts)) == "43f48a9a72cf05c7"
    assert decode(evaluator, "iso-8859-8-i", bytes(range(256))) == texts[SINGLE_BYTE.index("iso-8859-8")]
    user_defined = [*range(128), *range(0xF780, 0xF800)]
    assert [*map(ord, decode(evaluator, "x-user-defined", bytes(range(256))))] == user_defined


@pytest.mark.parametrize(
    ("label", "data", "expected"),
    [
        (
            "shift_jis",
            pairs([*range(0x81, 0xA0), *range(0xE0, 0xFD)], [*LOW, *range(0x80, 0xFD)]),
            "2b230f6010e33412",
        ),
        ("iso-2022-jp", b"\x1b$B" + pairs(range(0x21, 0x7F), range(0x21, 0x7F)), "8b9d7687f5830297"),
        (
            "euc-jp",
            b"".join(bytes([a, b, 0x8F, a, b]) for a in range(0xA1, 0xFF) for b in range(0xA1, 0xFF)),
            "73bcfce3d55169fd",
        ),
        ("euc-kr", pairs(range(0x81, 0xFF), range(0x41, 0xFF)), "1ed4ffd190fa3d69"),
        ("gbk", pairs(range(0x81, 0xFF), [*LOW, *range(0x80, 0xFF)]), "29604f2b3ad31bb4"),
        ("gb18030", four_bytes(), "efc8b18e905caa9e"),
    ],
    ids=lambda value: value if isinstance(value, str) and "-" in value else "",
)
def test_each_character_of_the_indexes(evaluator: dcp.Evaluator, label: str, data: bytes, expected: str) -> None:
    assert digest(decode(evaluator, label, data)) == expected


def test_big5_has_all_but_158_characters(evaluator: dcp.Evaluator) -> None:
    """Those that HKSCS-2008 added or has twice, and Python's codec has not; 1,188 pairs have none in the standard."""
    data = pairs(range(0x81, 0xFF), [*LOW, *range(0xA1, 0xFF)])
    text = decode(evaluator, "big5", data)
    assert text.count("\ufffd") == 1188 + 158
    for codec, lead in (("cp950", [0xA1, 0xA2]), ("big5hkscs", [*range(0x81, 0xA1), *range(0xA3, 0xFF)])):
        known = b"".join(known_to(codec, pairs(lead, [*LOW, *range(0xA1, 0xFF)])))
        assert len(known) > 600
        assert decode(evaluator, "big5", known) == known.decode(codec)
    assert decode(evaluator, "big5", b"\xa3\xc0\xa3\xe0\xa3\xe1") == "\u2400\u2421\u20ac"


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("shift_jis", b"\x81\x00\x81\xff\x82", "\ufffd\0\ufffd\ufffd"),
        ("euc-jp", b"\x8f\xa1\x41\x8e\x41\x8f\xa1", "\ufffdA\ufffdA\ufffd"),
        ("euc-kr", b"\x81\x30\xff\x80\x81", "\ufffd0\ufffd\ufffd\ufffd"),
        ("big5", b"\x87\x40A\x80\xff\x88\x62", "\u43f0A\ufffd\ufffd\u00ca\u0304"),
        ("gb18030", b"\x81\x30\x81\x30\x90\x30\x81\x30\x81\x30\x41", "\x80\U00010000\ufffd0A"),
        ("gb18030", b"\x81\x30\x81\x80\xff\x80", "\ufffd0\u4e90\ufffd\u20ac"),
        ("gb18030", b"\xe3\x32\x9a\x36\xfe\x39\xfe\x39\x81\x30\x81", "\ufffd\ufffd\ufffd"),
        ("iso-2022-jp", b"a\x1b(Ja\\~\x1b(I\x31\x1b(B\x1b(Bb\x1b$Bx\x1b", "aa\u00a5\u203e\uff71\ufffdb\ufffd\ufffd"),
        ("iso-2022-jp", b"\x0e\x1b$!\xff", "\ufffd\ufffd$!\ufffd"),
        ("windows-1253", b"\xaa\x81", "\ufffd\x81"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_replaced(evaluator: dcp.Evaluator, label: str, data: bytes, text: str) -> None:
    """An ASCII byte that ends a wrong pair is read for itself."""
    assert decode(evaluator, label, data) == text


def test_labels_and_errors(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        results.names = ["x-sjis", " KS_C_5601-1987\\n", "logical", "chinese", "big5-hkscs", "l5", "latin9", "tis-620",
          "x-mac-ukrainian", "csisolatin9"].map((label) => attempt(() => new TextDecoder(label).encoding));
        results.refused = ["replacement", "hz-gb-2312", "utf-7", "", "x-sjis\\0", "\u017fhift_jis"].map(
          (label) => attempt(() => new TextDecoder(label)));
        const fatal = new TextDecoder("euc-kr", { fatal: true });
        results.fatal = [attempt(() => fatal.decode(Uint8Array.of(0x81))),
          attempt(() => fatal.decode(Uint8Array.of(0xb0, 0xa1)))];
        const bom = new TextDecoder("gb18030").decode(Uint8Array.of(0x84, 0x31, 0x95, 0x33, 0x41));
        results.bom = [...bom].map((c) => c.codePointAt());
        const stream = new TextDecoder("iso-2022-jp");
        results.stream = stream.decode(Uint8Array.of(0x1b, 0x24, 0x42), { stream: true }) +
          stream.decode(Uint8Array.of(0x30, 0x21)) + stream.decode(Uint8Array.of(0x30, 0x21));
        """,
    ) == {
        "names": [
            *("shift_jis", "euc-kr", "iso-8859-8-i", "gbk", "big5", "windows-1254", "RangeError", "windows-874"),
            *("x-mac-cyrillic", "iso-8859-15"),
        ],
        "refused": ["RangeError"] * 6,
        "fatal": ["TypeError", "\uac00"],
        "bom": [0xFEFF, 0x41],
        "stream": "\u4e9c0!",
    }
