"""Values of Python from a sandbox that writes anything: headers made up, and those of values with parts exchanged.

python tests/fuzz/python_values_fuzz.py [--seconds N] [--seed N] [--only SEED]

It fails on any exception but ObjectError, on time and memory beyond the bounds, and where a value that was read is
written and read again as another one.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rounds import FaultError, run_rounds

from dcp_evaluator.guest.objects import ObjectError, dumps, loads

sys.path.append(str(Path(__file__).parents[1]))
from python_values import EXAMPLES

_LIMIT = 4 << 20
_BUFFERS = (bytes(range(64)), bytes(64))
_SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 3, 2**62, 2**70, 1.5, float("nan"), 1e300, "", "a", "ff", "-1", "2020-01-01", "0" * 32,
    "2020-01-01T00:00:00", "1e999999999", "C", "F", "\ud800",
)  # fmt: skip
_DTYPES: tuple[Any, ...] = (
    "<f8", "<f4", "|b1", "<M8[ns]", "<m8[25s]", "<M8[0s]", "<U3", "|S2", "|V4", "|V0", "<c16", ">i4", "<f2", "|O",
    "<f16", "f8,f8", ["<f8", [2]], ["|O", [1]], ["<f8", [2**20, 2**20]],
    {"names": ["a"], "formats": ["<f4"], "offsets": [0], "itemsize": 8},
    {"names": ["a", "b"], "formats": ["<f4", ["<i2", [2, 2]]], "offsets": [0, 4], "itemsize": 12,
     "titles": ["x", None]},
    {"names": ["a", "b"], "formats": ["<f4", "|O"], "offsets": [0, 0], "itemsize": 12},
    {"names": ["a"], "formats": ["<f4"], "offsets": [-4], "itemsize": 8},
)  # fmt: skip
_Field = Callable[[random.Random, int], Any]


def _child(source: random.Random, count: int) -> Any:
    return [source.randrange(-1, count + 1)] if source.random() < 0.5 else source.choice(_SCALARS)


def _children(source: random.Random, count: int) -> Any:
    if source.random() < 0.1:
        return {source.choice("dqx"): _place(source, count)}
    return [_child(source, count) for _ in range(source.randrange(5))]


def _place(source: random.Random, _: int) -> list[int]:
    return [
        source.choice([0, 0, 1, 2, -1]),
        source.choice([0, 0, 8, 16, 64]),
        source.choice([0, 1, 2, 4, 8, 16, 48, 64]),
    ]


def _shape(source: random.Random, _: int) -> list[int]:
    return [source.choice([0, 1, 2, 4, 8, -1, 2**40, 2**62]) for _ in range(source.randrange(4))]


def _zone(source: random.Random, _: int) -> Any:
    name = source.choice([None, "a", "UTC", "Europe/Berlin", "../../etc/passwd"])
    return source.choice([None, [source.choice([0, 3_600_000_000, 10**12, None]), name, source.random() < 0.5]])


def _one_of(*choices: Any) -> _Field:
    return lambda source, _: source.choice(choices)


_scalar, _order = _one_of(*_SCALARS), _one_of("C", "F", "K")
_FORMS: dict[str, tuple[_Field, ...]] = {
    **dict.fromkeys(["list", "tuple", "set", "frozenset", "dict", "range", "slice"], (_children,)),
    **dict.fromkeys(["bytes", "bytearray", "str"], (_place,)),
    **dict.fromkeys(["int", "decimal", "uuid", "date"], (_scalar,)),
    **dict.fromkeys(["datetime", "time"], (_scalar, _one_of(0, 1, 2), _zone)),
    "array": (_place, _one_of(*_DTYPES), _shape, _order),
    "scalar": (_place, _one_of(*_DTYPES)),
    "objects": (_shape, _order, _children),
    "memoryview": (_place, _one_of(*"bBhHiIqQfdc?PlZ"), _shape),
    "complex": (_scalar, _scalar),
    "timedelta": (_one_of(0, 10**9, 10**12), _scalar, _scalar),
    "zone": (_zone,),
    "ellipsis": (),
    "object": (_one_of("a", 5), _one_of(["a"], ["a", "b"], "a", [5]), _children),
    "unknown": (_children,),
}


def _entry(source: random.Random, count: int) -> list[Any]:
    tag = source.choice(list(_FORMS))
    if source.random() < 0.1:
        return [tag, *(_children(source, count) for _ in range(source.randrange(5)))]
    return [tag, *(field(source, count) for field in _FORMS[tag])]


def _exchanged(source: random.Random, header: bytes) -> bytes:
    changed = bytearray(header)
    for _ in range(source.choice([1, 1, 3, 20])):
        place, size = source.randrange(len(changed) + 1), source.choice([0, 1, 1, 8])
        parts = [
            b"",
            bytes([source.randrange(256)]),
            source.choice(list(_FORMS)).encode(),
            b"[" * 50,
            b"9" * 20,
            b"[0]",
        ]
        changed[place : place + size] = source.choice(parts)
    return bytes(changed)


def _read(header: bytes, buffers: Any) -> None:
    try:
        value = loads(header, buffers, _LIMIT)
        first, parts = dumps(value)
    except (ObjectError, TypeError) as error:
        if isinstance(error, TypeError) and "cannot travel" not in str(error) and "deep" not in str(error):
            raise
        return
    second, others = dumps(loads(first, parts))
    same = second == first and list(map(bytes, others)) == list(map(bytes, parts))
    if not same and b"set" not in first:  # which has no order
        raise FaultError(f"written as {first[:200]!r}, then as another one")


def play(source: random.Random) -> None:
    for _ in range(100):
        if source.random() < 0.7:
            count = source.randrange(1, 6)
            header = [_child(source, count), [_entry(source, count) for _ in range(count)]]
            _read(json.dumps(header).encode(), _BUFFERS)
        else:
            header, buffers = dumps([source.choice(EXAMPLES) for _ in range(source.randrange(1, 4))])
            _read(_exchanged(source, header), [bytes(buffer) for buffer in buffers])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(run_rounds(__doc__, play, "rounds of 100 headers"))
