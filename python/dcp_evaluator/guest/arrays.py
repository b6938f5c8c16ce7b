"""numpy's types as text and back, and what stands for an array where there is no numpy."""

from __future__ import annotations

import math
import re
import struct
from typing import Any

from .object_error import ObjectError

_TEXT = re.compile(
    r"[<>|](?:b1|[iu][1248]|f[248]|c(?:8|16)|[SUV]\d{1,9}|[mM]8(?:\[(?:[1-9]\d{0,8})?(?:[munpfa]s|[YMWDhms])\])?)",
    re.ASCII,
)
_DEEPEST = 32
_REMEDIES = {
    "f": "its bytes differ from machine to machine: use array.astype('float64')",
    "c": "its bytes differ from machine to machine: use array.astype('complex128')",
    "T": "use array.astype(object) or array.tolist()",
    "O": "Python objects within a structured type cannot travel: send the fields one by one",
}
_FORMATS = {
    **dict(zip(["<i2", "<i4", "<i8", "<u2", "<u4", "<u8", "<f4", "<f8"], "hiqHIQfd", strict=True)),
    **dict(zip(["|i1", "|u1", "|b1"], "bB?", strict=True)),
}
"""The format that a memoryview has for a type of numpy."""


def describe(dtype: Any) -> Any:
    """``dtype`` as JSON: its text; for a structured one a dict, for one with a shape a list. Raises TypeError."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return [describe(base), list(shape)]
    if dtype.names is None:
        if _TEXT.fullmatch(dtype.str):
            return dtype.str
        raise TypeError(f"a numpy array of {dtype} cannot travel; {_REMEDIES.get(dtype.kind, 'convert it first')}")
    fields = [dtype.fields[name] for name in dtype.names]
    described = {
        "names": list(dtype.names),
        "formats": [describe(field[0]) for field in fields],
        "offsets": [field[1] for field in fields],
        "itemsize": dtype.itemsize,
    }
    if any(len(field) > 2 for field in fields):
        described["titles"] = [field[2] if len(field) > 2 else None for field in fields]
    return described


def dtype_of(described: Any, numpy: Any) -> Any:
    """The dtype that ``describe`` told of, never one with objects. Raises ObjectError, ValueError or TypeError."""
    return numpy.dtype(_specification(described, 0))


def _specification(described: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ObjectError("a numpy type is nested too deeply")
    if isinstance(described, str):
        if _TEXT.fullmatch(described):
            return described
    elif isinstance(described, list):
        base, shape = described
        return _specification(base, depth + 1), tuple(shape_of(shape))
    elif isinstance(described, dict) and described.keys() <= {"names", "formats", "offsets", "itemsize", "titles"}:
        return {**described, "formats": [_specification(part, depth + 1) for part in described["formats"]]}
    raise ObjectError("a numpy type is none that may travel")


def shape_of(shape: Any) -> list[int]:
    """``shape`` where it is one. Raises ObjectError."""
    if not isinstance(shape, list) or len(shape) > 64 or not all(type(n) is int and 0 <= n < 2**62 for n in shape):
        raise ObjectError("the shape of an array is none")
    return shape


def memoryview_of(data: Any, described: Any, shape: list[int], order: str) -> Any:
    """What stands for an array where there is no numpy.

    A memoryview of its shape, in C order, with items that are numbers or bools. Types that memoryviews do not have
    (complex, float16, dates, texts, structured, big-endian) come as their bytes, in a last dimension of their own.
    An array without items is a memoryview of one dimension, of length 0.
    """
    form = _FORMATS.get(described, "B") if isinstance(described, str) else "B"
    count = math.prod(shape)
    size = data.nbytes // count if count else 0
    if count * max(size, struct.calcsize(form)) != data.nbytes:
        raise ObjectError("an array has another size than its shape says")
    if count == 0:
        return data.cast(form)
    if order == "F" and len(shape) > 1:
        data = _in_c_order(data, shape, size)
    whole = shape if size == struct.calcsize(form) else [*shape, size]
    return data.cast("B").cast(form, whole)


def _in_c_order(data: Any, shape: list[int], size: int) -> Any:
    offsets, step = [0], 1
    for length in shape[:-1]:
        offsets = [offset + i * step for offset in offsets for i in range(length)]
        step *= length
    items = [data[i * size : (i + 1) * size] for i in range(math.prod(shape))]
    return memoryview(bytearray().join(item for offset in offsets for item in items[offset::step]))


def number_of(data: bytes, described: Any) -> Any:
    """What stands for a scalar of numpy where there is no numpy: a number, a bool, a text, or its bytes."""
    form = described if isinstance(described, str) else ""
    order, kind = form[:1].replace("|", "<"), form[1:2]
    if kind in "biuf" and form[1:] in _CHARACTERS:
        return struct.unpack(order + _CHARACTERS[form[1:]], data)[0]
    if kind == "c":
        return complex(*struct.unpack(order + ("ff" if len(data) == 8 else "dd"), data))
    if kind == "U":
        return data.decode("utf-32-le" if order == "<" else "utf-32-be", "surrogatepass").rstrip("\0")
    return data


_CHARACTERS = dict(
    zip(["b1", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"], "?bBhHiIqQefd", strict=True)
)
_VIEWS = {"c": "c", "b": "b", "B": "B", "?": "?", "h": "h", "H": "H", "f": "f", "d": "d"}
_BY_SIZE = {("i", 4): "i", ("i", 8): "q", ("u", 4): "I", ("u", 8): "Q"}


def view_format(view: memoryview) -> str:
    """The format of ``view`` with the same sizes on every machine ("l" has 8 bytes here, 4 in a sandbox).

    Raises TypeError.
    """
    form = view.format.removeprefix("@")
    if form in _VIEWS:
        return form
    kind = "i" if form in "ilqn" else "u" if form in "ILQN" else ""
    if len(form) == 1 and (kind, view.itemsize) in _BY_SIZE:
        return _BY_SIZE[kind, view.itemsize]
    raise TypeError(f"a memoryview of format {view.format!r} cannot travel; send a numpy array, or its bytes")


def view_of(data: Any, form: Any, shape: list[int]) -> Any:
    """A view as ``view_format`` and its shape described it. Raises ObjectError or ValueError."""
    if form not in _VIEWS.values() and form not in _BY_SIZE.values():
        raise ObjectError("the format of a memoryview is none that may travel")
    if math.prod(shape) * struct.calcsize(form) != data.nbytes:
        raise ObjectError("a memoryview has another size than its shape says")
    return data.cast(form, shape) if data.nbytes else data.cast(form)
