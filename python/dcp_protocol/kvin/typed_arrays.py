"""Typed arrays of JavaScript as numpy arrays, whose bytes stand in a text as a character each.

The bytes go from the array to the text and back in one piece; kvin.js: ``prepare$ArrayBuffer8`` and its neighbours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._native import kvin_copy, kvin_islands
from .values import DataView, Uint8ClampedArray

# The places that have a number are those of kvin.js's list of constructors; the others are written by name.
NUMBERED = {
    "Int8Array": 1,
    "Uint8Array": 2,
    "Uint8ClampedArray": 3,
    "Int16Array": 4,
    "Uint16Array": 5,
    "Int32Array": 6,
    "Uint32Array": 7,
    "Float32Array": 8,
    "Float64Array": 9,
}
_TYPES = {
    "Int8Array": "i1",
    "Uint8Array": "u1",
    "Uint8ClampedArray": "u1",
    "Int16Array": "<i2",
    "Uint16Array": "<u2",
    "Int32Array": "<i4",
    "Uint32Array": "<u4",
    "Float32Array": "<f4",
    "Float64Array": "<f8",
    "Float16Array": "<f2",
    "BigInt64Array": "<i8",
    "BigUint64Array": "<u8",
    "Buffer": "u1",
    "DataView": "u1",
}
NAMES = frozenset(_TYPES)
_CONSTRUCTORS = {
    np.dtype(code): name for name, code in reversed(_TYPES.items()) if name in NUMBERED or "64" in name or "16" in name
}
_CONSTRUCTORS[np.dtype("u1")] = "Uint8Array"
_UNIT = 2  # bytes of a character of ab16


def write_array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    """``array`` has one dimension; numbers of another byte order or with gaps between them are copied."""
    if array.ndim != 1:
        raise ValueError(f"a typed array has one dimension, not {array.ndim}: give numpy's array.ravel()")
    little = array.dtype.newbyteorder("<")
    name = "Uint8ClampedArray" if isinstance(array, Uint8ClampedArray) else _CONSTRUCTORS.get(little)
    if name is None:
        raise TypeError(f"JavaScript has no typed arrays of {array.dtype}")
    return write_bytes(name, np.ascontiguousarray(array, dtype=little).view("u1"))


def write_bytes(name: str, data: Any) -> dict[str, Any]:
    constructor = NUMBERED.get(name, name)
    written = kvin_islands(data)
    if isinstance(written, str):
        return {"ctr": constructor, "ab8": written}
    islands = [{"0": characters, "@": start} for start, characters in written]
    return {"ctr": constructor, "isl8": islands, "len": len(data)}


def read_array(name: str, formula: dict[str, Any], most: int) -> np.ndarray[Any, Any] | DataView:
    """Of at most ``most`` bytes. Raises ValueError."""
    code = np.dtype(_TYPES[name])
    data = _read16(formula, most) if "ab16" in formula or "isl16" in formula else _read8(formula, most)
    if data.size % code.itemsize:
        raise ValueError(f"{data.size} bytes are no {name}, whose elements have {code.itemsize} each")
    if name == "DataView":
        return DataView(data.tobytes())
    array = data.view(code)
    return array.view(Uint8ClampedArray) if name == "Uint8ClampedArray" else array


def array_of(name: str, numbers: list[Any]) -> np.ndarray[Any, Any] | None:
    """None where the elements are not all numbers of the type."""
    code = np.dtype(_TYPES[name])
    kinds = {float, int} if code.kind == "f" else {int}
    if not all(type(number) in kinds for number in numbers):
        return None
    try:
        array = np.array(numbers, code)
    except OverflowError:
        return None
    return array.view(Uint8ClampedArray) if name == "Uint8ClampedArray" else array


def _room(size: int, most: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if size > most:
        raise ValueError(f"an array of {size} bytes would take more memory than the value may")
    return np.zeros(size, np.uint8)


def _read8(formula: dict[str, Any], most: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if "ab8" in formula:
        text = _text(formula["ab8"])
        data = _room(len(text), most)
        kvin_copy(text, data.data, 0)
        return data
    data = _room(_number(formula.get("len")), most)
    for start, characters in _islands(formula["isl8"]):
        kvin_copy(characters, data.data, start)
    return data


def _read16(formula: dict[str, Any], most: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Two bytes in each unit of UTF-16. ``eb`` is the last byte of an odd number."""
    odd = formula.get("eb")
    if "ab16" in formula:
        pieces = [(0, _units(_text(formula["ab16"])))]
        size = len(pieces[0][1]) + (odd is not None)
    else:
        pieces = [(start, _units(characters)) for start, characters in _islands(formula["isl16"])]
        size = _number(formula.get("len"))
    data = _room(size + size % _UNIT, most)
    for start, piece in pieces:
        begin = start * _UNIT
        if begin + len(piece) > data.size:
            raise ValueError("characters lie beyond the end of their array")
        data[begin : begin + len(piece)] = np.frombuffer(piece, np.uint8)
    if odd is not None:
        last = ord(odd) if isinstance(odd, str) and len(odd) == 1 else _number(odd)
        if last > 255 or not size:
            raise ValueError("eb is no byte")
        data[size - 1] = last
    return data[:size].copy() if size % _UNIT else data


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _islands(islands: Any) -> list[tuple[int, str]]:
    if not isinstance(islands, list) or not all(isinstance(island, dict) for island in islands):
        raise ValueError("the islands of a typed array are no array of objects")
    return [(_number(island.get("@")), _text(island.get("0"))) for island in islands]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("the bytes of a typed array are no text")
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("the length or a place in a typed array is no whole number")
    return value
