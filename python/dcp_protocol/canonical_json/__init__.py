"""JSON as JavaScript writes it: texts that its ``JSON.stringify(JSON.parse(text))`` gives back unchanged.

What is signed in DCP is such a text. A peer in JavaScript parses what it gets, writes it again and verifies the
signature of that (``protocol/dcp-message.js``). So what we send is written as JavaScript writes it, and what we get is
verified as it came: ``members`` gives the parts of a message as they stand in it.

Texts are bytes in UTF-8. All take linear time, without recursion; other threads run while long strings are read and
written, and now and then while many values are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._native import json_decode, json_elements, json_encode, json_members, json_quote, json_unquote

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["DEPTH", "MEMORY", "decode", "elements", "encode", "is_canonical", "members", "quote", "unquote"]

DEPTH = 1000
"""How deep values may be nested. JavaScript on Node cannot write what is nested some thousand deep."""

MEMORY = 1 << 30
"""How many bytes the Python objects of one text may take, which may be 40 times those of the text."""


def encode(value: object, *, depth: int = DEPTH) -> bytes:
    """What JavaScript would write for ``None``, bool, int, float, str, list, tuple or dict with keys of str.

    bytes are taken for text in UTF-8, and stand in the JSON as a string. Keys that are array indices (``"0"`` to
    ``"4294967294"``) come first, ascending, as in each object of JavaScript. Raises ValueError for NaN, infinities,
    whole numbers that are no double, and what is nested too deep or holds itself; TypeError for other types.
    """
    return json_encode(value, depth)


def decode(text: Buffer, *, depth: int = DEPTH, memory: int = MEMORY) -> Any:
    """The value of a JSON text; of members with one name the last counts, as in JavaScript.

    Numbers are int where they are written without fraction and exponent and are at most 2**53, else float; ``-0`` is
    -0.0. Lone surrogates are in the str. Raises ValueError, with the place in the text, for what is no JSON (RFC 8259),
    numbers beyond a double, what is nested deeper than ``depth``, and values that take more than ``memory`` bytes.
    """
    return json_decode(text, depth, memory)


def members(text: Buffer, *, depth: int = DEPTH) -> dict[str, memoryview]:
    """The members of an object, each as its text stands in ``text``, of which these are views.

    The whole text is checked. Raises ValueError for what is no object, and where a name occurs twice.
    """
    view = memoryview(text).cast("B")
    return {name: view[begin:end] for name, (begin, end) in json_members(text, depth).items()}


def elements(text: Buffer, *, depth: int = DEPTH) -> list[memoryview]:
    """The same of the elements of an array, at most 1000."""
    view = memoryview(text).cast("B")
    return [view[begin:end] for begin, end in json_elements(text, depth)]


def quote(text: str | bytes) -> bytes:
    """A text, as str or as UTF-8, in quotes."""
    return json_quote(text)


def unquote(text: Buffer) -> bytes:
    """The UTF-8 of the text for which a string of JSON stands; ValueError if there is none."""
    return json_unquote(text)


def is_canonical(text: bytes, *, depth: int = DEPTH, memory: int = MEMORY) -> bool:
    """Whether JavaScript gives the text back unchanged. Raises ValueError for what is no JSON."""
    value = decode(text, depth=depth, memory=memory)
    try:
        return encode(value, depth=depth) == text
    except ValueError:
        return False
