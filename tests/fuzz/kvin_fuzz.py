"""KVIN from a peer that writes anything: formulas made up, and texts of values with parts exchanged.

python tests/fuzz/kvin_fuzz.py [--seconds N] [--seed N] [--only SEED]

It fails on any exception but KvinError, on time and memory beyond the bounds, and where a value that was read is
written and read again as another one.
"""

from __future__ import annotations

import gc
import json
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
from rounds import FaultError, run_rounds

from dcp_protocol import kvin

_MEMORY = 4 << 20
_NAMES = (
    "raw", "ptv", "number", "bigint", "fnName", "mapKeys", "mapVals", "ab8", "isl8", "ab16", "isl16", "eb", "arr",
    "isl", "lst", "len", "ps", "ctr", "arg", "args", "set", "json", "undefined", "symbol", "resolve", "reject", "seen",
    "@", "0", "_serializeVerId", "what", "used", "constructor", "__proto__", "a",
)  # fmt: skip
_CLASSES = (
    "Object", "Date", "RegExp", "URL", "Error", "Map", "DataView", "Buffer", "BigInt64Array", "Float16Array",
    "dcpEth$$Address", "Float64Array", "os", "", "a.b", -1, 21, 2**64, 1.5, None,
)  # fmt: skip
_LEAVES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 8, 2**32 - 1, 2**32, 2**53, 1e300, -0.0, 0.5, "", "a", "\0" * 9, "\x00\xff", "\u0100",
    "\ud800", "v9", "v3", "1" * 5000, "-0", "NaN", "1e999", "2026-01-01T00:00:00.000Z", "[[]]", [], {},
)  # fmt: skip
_FORMS: dict[str, tuple[str, ...]] = {
    "arr": ("isl", "ps", "len"), "mapKeys": ("mapVals", "ps"), "ctr": ("arg", "args", "ps", "ab8", "isl8", "len"),
    "isl8": ("ctr", "len"), "isl16": ("ctr", "len", "eb"), "ab16": ("ctr", "eb"), "fnName": ("ctr", "arg", "ps"),
    "_serializeVerId": ("what",),
}  # fmt: skip


def _formula(source: random.Random, levels: int) -> Any:
    if levels == 0 or source.random() < 0.1:
        return source.choice(_LEAVES)
    names = {source.choice(_NAMES)}
    if source.random() < 0.8:
        names = {source.choice([*_KINDS, "raw"])}
    for name in list(names):
        names.update(other for other in _FORMS.get(name, ()) if source.random() < 0.5)
    return {name: _value(source, name, levels - 1) for name in sorted(names)}


def _value(source: random.Random, name: str, levels: int) -> Any:
    if name in _KINDS and source.random() < 0.9:
        return _KINDS[name](source, levels)
    return source.choice(_LEAVES)


def _elements(source: random.Random, levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(source.randrange(6)):
        found.append(_formula(source, levels))
        if source.random() < 0.2:
            found.append({"lst": _KINDS["lst"](source, levels)})
    return found


_KINDS: dict[str, Callable[[random.Random, int], Any]] = {
    "arr": _elements,
    "isl": lambda source, levels: [{"@": source.randrange(40), "arr": _elements(source, levels)}],
    "isl8": lambda source, _: [{"@": source.randrange(40), "0": "ab"}],
    "isl16": lambda source, _: [{"@": source.randrange(40), "0": "ab"}],
    "ab8": lambda source, _: "".join(chr(source.randrange(256)) for _ in range(source.choice([0, 7, 8, 16]))),
    "mapKeys": lambda source, levels: {"arr": _elements(source, levels)},
    "mapVals": lambda source, levels: {"arr": _elements(source, levels)},
    "set": lambda source, levels: {"arr": _elements(source, levels)},
    "ps": lambda source, levels: {source.choice(_NAMES): _formula(source, levels) for _ in range(source.randrange(4))},
    "ctr": lambda source, _: source.choice([source.randrange(21), source.choice(_CLASSES)]),
    "lst": lambda source, _: source.choice([1, 3, 10**4, 10**9, 2**62]),
    "len": lambda source, _: source.choice([0, 8, 40, 10**6, 2**31, 2**32 - 1]),
    "seen": lambda source, _: source.randrange(6),
    "_serializeVerId": lambda *_: "v9",
    "what": _formula,
    "resolve": _formula,
    "reject": _formula,
}


def _honest(source: random.Random, levels: int = 4) -> Any:
    """A value, perhaps with cycles."""
    made: list[Any] = []

    def make(levels: int) -> Any:
        if made and source.random() < 0.2:
            return source.choice(made)
        if levels == 0 or source.random() < 0.2:
            return source.choice(leaves)()
        value = source.choice([list, dict, kvin.Map, kvin.Set, kvin.JSError, kvin.Array])()
        made.append(value)
        parts = [make(levels - 1) for _ in range(source.randrange(5))]
        if isinstance(value, list):
            value.extend(parts * source.choice([1, 1, 10]))
        elif isinstance(value, kvin.Set):
            for part in parts:
                value.add(part)
        elif isinstance(value, kvin.Array):
            value.elements.update({3 * index + source.randrange(3): part for index, part in enumerate(parts)})
            value.length = 20
        else:
            members = value.properties if isinstance(value, kvin.JSError) else value
            for index, part in enumerate(parts):
                members[source.choice(["a", "b", str(index)])] = part
        return value

    leaves: list[Callable[[], Any]] = [
        lambda: source.choice([leaf for leaf in _LEAVES if not isinstance(leaf, (list, dict))]),
        lambda: kvin.UNDEFINED,
        lambda: np.arange(source.randrange(40), dtype=source.choice(["u1", "f4", "f8", "i8"])),
        lambda: datetime.fromtimestamp(source.randrange(2**31), UTC),
        lambda: kvin.Promise(1),
        lambda: kvin.Symbol("s"),
        lambda: kvin.DataView(bytes(source.randrange(20))),
    ]
    return make(levels)


def _exchanged(source: random.Random, text: bytes) -> bytes:
    """Some bytes of it."""
    changed = bytearray(text)
    for _ in range(source.choice([1, 1, 3, 20])):
        place = source.randrange(len(changed))
        size = source.choice([0, 1, 1, 8])
        part = source.choice(
            [b"", bytes([source.randrange(256)]), source.choice(_NAMES).encode(), b"[" * 50, b"9" * 20]
        )
        changed[place : place + size] = part
    return bytes(changed)


def _read(text: bytes) -> None:
    try:
        value = kvin.deserialize(text, memory=_MEMORY)
        first = kvin.serialize(value, items=5_000)
    except kvin.KvinError:
        return
    # An array that says its length without need is written like any other only when it has been read again.
    second = kvin.serialize(kvin.deserialize(first))
    third = kvin.serialize(kvin.deserialize(second))
    if third != second:
        raise FaultError(f"written as {second[:200]!r}, then as {third[:200]!r}")


def play(source: random.Random) -> None:
    for _ in range(50):
        gc.collect(1)  # cycles may hold large arrays, of which the collector knows nothing
        if source.random() < 0.6:
            _read(json.dumps({"_serializeVerId": "v9", "what": _formula(source, 5)}).encode())
            continue
        try:
            text = kvin.serialize(_honest(source), source.choice([8, 9]))
        except kvin.KvinError:
            continue
        if source.random() < 0.3:
            kvin.deserialize(text)
        _read(text if source.random() < 0.3 else _exchanged(source, text))


if __name__ == "__main__":
    sys.exit(run_rounds(__doc__, play, "rounds of 50 texts"))
