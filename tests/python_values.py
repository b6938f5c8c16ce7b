"""Values that travel between Python and Python: strategies for Hypothesis, examples, and a strict equality.

Tests of the codec and of sandboxes use the same.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

EXAMPLES: list[Any] = [
    *(None, True, 0, -(2**53), 2**63, -(2**63), 10**100, -0.0, math.inf, "", "\0", "\ud83d\ude00 \ud800", "x" * 5000),
    *(
        b"",
        b"\0" * 9,
        b"x" * 70_000,
        bytearray(b"ab"),
        1 - 2j,
        (),
        (1,),
        [[]],
        {()},
        frozenset({frozenset()}),
        range(3, -9, -2),
    ),
    *(
        slice(None, 3),
        ...,
        date.min,
        time(1, 2, 3, 4),
        time(5, tzinfo=UTC),
        timedelta.min,
        UTC,
        Decimal("-0E-9"),
        UUID(int=1),
    ),
    *(timezone(timedelta(hours=-3, microseconds=1), "here"), datetime.max, datetime(2000, 1, 1, tzinfo=UTC)),
    *({(1, 2): {"a": [b"c"]}, None: 1, 1.5: 2, b"": {3}}, [float(i) for i in range(99)], tuple(range(99)), [True] * 99),
    *(dict.fromkeys(range(99), 2), {str(i): i / 7 for i in range(99)}, frozenset(range(99)), slice((1, 2), "a")),
    *(np.arange(6).reshape(2, 3), np.asfortranarray(np.eye(3, 4)), np.arange(9.0)[::-2], np.zeros((0, 4)), np.array(5)),
    *(np.ones((200, 200)), np.arange(4, dtype=">i4"), np.array(["2020-02-02", "NaT"], "M8[D]"), np.zeros(2, "m8[25s]")),
    *(
        np.zeros(3, np.dtype("i1,f8", align=True)),
        np.zeros(2, [("a", "i4", (2, 2)), ("b", [("c", ">f2"), ("d", "U3")])]),
    ),
    *(
        np.array([b"a", b"bc"]),
        np.array(["x", "yz"]),
        np.array([1j]),
        np.array([True]),
        np.zeros(3, "V5"),
        np.zeros(2, "S0"),
    ),
    *(np.array([1, "a", None, [2]], object), np.array([[1, (2,)], [{}, 4]], object, order="F"), np.zeros(4, "f2")),
    *(
        np.float64(1.5),
        np.float32(-0.0),
        np.int8(1),
        np.bool_(True),
        np.complex64(1j),
        np.datetime64("2020"),
        np.str_("a"),
    ),
    *(np.zeros(1, "i4,f8")[0], np.timedelta64(3, "ns"), np.bytes_(b"x"), np.uint64(2**64 - 1)),
]

_BERLIN = ZoneInfo("Europe/Berlin")
ZONED: list[Any] = [_BERLIN, datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=_BERLIN), time(1, tzinfo=_BERLIN)]
"""What keeps its zone only where that is known: in a sandbox, with the package tzdata."""

_DTYPES = (
    hnp.scalar_dtypes()
    | hnp.byte_string_dtypes()
    | hnp.unicode_string_dtypes()
    | hnp.array_dtypes(hnp.scalar_dtypes(), max_size=3)
).filter(lambda dtype: not _is_long(dtype))
_ARRAYS = _DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4), fill=st.nothing())
)
_OFFSETS = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-1439, 1439))
_KEYS = st.deferred(lambda: _ATOMS | st.tuples(_ATOMS, _ATOMS) | st.frozensets(_ATOMS, max_size=3))
_ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=20)
    | st.binary(max_size=20)
    | st.complex_numbers(allow_nan=False)
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.datetimes(timezones=st.none() | _OFFSETS)
)
_LEAVES = _ATOMS | _ARRAYS | _ARRAYS.map(np.asfortranarray) | st.binary().map(bytearray) | st.slices(9)


def values() -> st.SearchStrategy[Any]:
    """Nested values of all kinds."""
    return st.recursive(
        _LEAVES,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.lists(inner, max_size=4).map(tuple)
            | st.dictionaries(_KEYS, inner, max_size=4)
            | st.sets(_KEYS, max_size=4)
            | st.lists(inner, min_size=1, max_size=3).map(lambda items: [items, items])
        ),
        max_leaves=12,
    )


def same(left: Any, right: Any) -> bool:
    """Equality that looks at the types of all parts, tells -0.0 from 0.0 and takes NaN as itself."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray):
        return _same_arrays(left, right)
    if isinstance(left, np.generic):
        return bool(left.dtype == right.dtype and left.tobytes() == right.tobytes())
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return same(list(left), list(right)) and same(list(left.values()), list(right.values()))
    if isinstance(left, slice):
        return same((left.start, left.stop, left.step), (right.start, right.stop, right.step))
    if isinstance(left, datetime | time):
        return bool(left == right and left.tzinfo == right.tzinfo and left.fold == right.fold)
    return repr(left) == repr(right) if isinstance(left, Decimal | complex) else bool(left == right)


def _same_arrays(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.flags.forc and right.flags.forc and left.flags.c_contiguous != right.flags.c_contiguous:
        return False
    if left.dtype.hasobject:
        return same(left.ravel().tolist(), right.ravel().tolist())
    return left.tobytes() == right.tobytes()


def _is_long(dtype: np.dtype[Any]) -> bool:
    """Whether ``dtype`` has a long double in it, whose bytes differ from machine to machine."""
    if dtype.subdtype is not None:
        return _is_long(dtype.subdtype[0])
    if dtype.names is not None:
        return any(_is_long(dtype.fields[name][0]) for name in dtype.names)
    return dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16)
