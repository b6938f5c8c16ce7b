"""Python values to MessagePack and back, as docs/protocol.md section 1 says.

=====================================  =====================================
Python                                 JavaScript
=====================================  =====================================
None                                   null (null and undefined come back as None)
bool, float, str                       boolean, number, string
int                                    number; BigInt beyond +-2**53
bytes, bytearray, memoryview           ArrayBuffer (comes back as bytes)
list, tuple                            Array (comes back as list)
dict with str keys                     object (comes back as dict)
datetime                               Date, in milliseconds (comes back in UTC); one without a time zone is local time
numpy array                            the typed array of its type, in C order; unless it is 1-D, with a ``shape``
numpy scalar                           number
=====================================  =====================================

bool arrays become Uint8Array; big-endian arrays are converted. Buffers above 64 KiB travel in shared memory.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np

from .. import _native
from . import table
from .fields import SandboxFrame, typed, unusable

RESULT_LIMIT = table.LARGEST_PAYLOAD
_LARGEST_LIMIT = 1 << 48
_SAFE_INTEGER = 2**53
_EXT_TYPED_ARRAY, _EXT_SHARED, _EXT_BIGINT, _EXT_SHAPED = 1, 2, 3, 4
_MOST_DIMENSIONS = 32
_DATA_VIEW, _ARRAY_BUFFER = 12, 13
_SHARED_HEADER = struct.Struct("<BIQQ")

_ELEMENT_DTYPES: dict[int, np.dtype[Any]] = {
    number: np.dtype(name)
    for number, name in enumerate(["i1", "u1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"])
}
_ELEMENT_TYPES: dict[np.dtype[Any], int] = {dtype: n for n, dtype in _ELEMENT_DTYPES.items() if n != 2}
_REMEDIES = {
    "c": "send the real and the imaginary part, for example array.view() as floats",
    "O": "use a list, or an array of numbers",
    "U": "use array.tolist()",
    "T": "use array.tolist()",
    "S": "use array.tolist(), or array.view('u1')",
    "V": "send the fields one by one, or array.view('u1')",
    "M": "use array.astype('int64')",
    "m": "use array.astype('int64')",
    "f": "use array.astype('float64')",
}
_PLAIN = frozenset((bool, float, str, type(None)))
_NUMBERS = frozenset((int, float))

_encode = msgspec.msgpack.Encoder().encode


class SharedArrays:
    """The descriptors that go with one frame; ``close`` drops those that were made for it. ``size``: bytes in them."""

    __slots__ = ("_own", "fds", "size")

    def __init__(self) -> None:
        self.fds: list[int] = []
        self.size = 0
        self._own: list[int] = []

    def share(self, buffer: Any) -> int:
        """Index in the frame of a copy of ``buffer`` in shared memory."""
        fd = _native.create_from_buffer(buffer)
        self._own.append(fd)
        self.fds.append(fd)
        return len(self.fds) - 1

    def refer(self, memory: ReadableMemory) -> int:
        """Index of ``memory`` itself in the frame."""
        fd = memory.fileno()
        if fd not in self.fds:
            self.fds.append(fd)
        return self.fds.index(fd)

    @staticmethod
    def memory_of(array: np.ndarray[Any, Any]) -> _native.SharedMemory | None:
        """What ``refer`` may be given in place of a copy of ``array``."""
        return shared_memory_of(array)

    @property
    def full(self) -> bool:
        return len(self.fds) >= table.MOST_DESCRIPTORS

    def close(self) -> None:
        for fd in self._own:
            os.close(fd)
        self._own.clear()


class CarriedArrays(SharedArrays):
    """The buffers of a frame that is to be sent from another machine."""

    __slots__ = ("buffers",)

    def __init__(self) -> None:
        super().__init__()
        self.buffers: list[np.ndarray[Any, Any]] = []

    def share(self, buffer: Any) -> int:
        self.buffers.append(np.frombuffer(memoryview(buffer).cast("B"), np.uint8))
        return len(self.buffers) - 1

    @staticmethod
    def memory_of(array: np.ndarray[Any, Any]) -> None:
        """Shared memory is of this machine."""

    @property
    def full(self) -> bool:
        return len(self.buffers) >= table.MOST_DESCRIPTORS


class Encoded(NamedTuple):
    """A value that is encoded already, and is the only one of its frame with ``buffers``, which are large."""

    payload: bytes
    buffers: Sequence[np.ndarray[Any, Any]] = ()

    @classmethod
    def of(cls, value: Any) -> Encoded:
        """Raises TypeError or ValueError for what cannot be sent to a sandbox."""
        if type(value) in _NUMBERS and -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
            return cls(_encode(value))
        arrays = CarriedArrays()
        payload = encode([value], arrays)
        return cls(payload[1:], arrays.buffers)  # without the header of the list


class AsNumbers:
    """A value whose integers of 64 bits, in arrays too, travel as numbers, which must be within 2**53."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Deferred:
    """What ``make`` gives when it is sent. It raises TypeError or ValueError for what cannot be."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


class ReadableMemory(Protocol):
    """Shared memory behind a read-only descriptor."""

    def fileno(self) -> int: ...


class SharedPart:
    """Bytes of a memfd that travel as a typed array without a copy; ``shape``: where it has not one dimension."""

    __slots__ = ("element_type", "memory", "offset", "shape", "size")

    def __init__(
        self,
        memory: ReadableMemory,
        element_type: int,
        offset: int,
        size: int,
        shape: tuple[int, ...] | None = None,
    ) -> None:
        self.memory = memory
        self.element_type = element_type
        self.offset = offset
        self.size = size
        self.shape = shape


def shared_empty(shape: int | Sequence[int], dtype: Any = np.float64) -> np.ndarray[Any, Any]:
    """An array like ``numpy.zeros(shape, dtype)`` in shared memory: it, and its rows, go to sandboxes without a copy.

    Sandboxes see writes that are made to it while a job runs. Raises TypeError for a type that has no typed array.
    """
    dtype = np.dtype(dtype)
    element_type_of(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    memory = _native.SharedMemory(count * dtype.itemsize)
    array: np.ndarray[Any, Any] = np.frombuffer(memoryview(memory), dtype=dtype, count=count)
    return array.reshape(shape)


def check_array(array: np.ndarray[Any, Any]) -> int:
    """The wire's element type for ``array``. Raises TypeError where it has none."""
    if type(array) is not np.ndarray and isinstance(array, np.ma.MaskedArray):
        raise TypeError("a masked array has no typed array in JavaScript; use array.filled()")
    return element_type_of(array.dtype)


def element_type_of(dtype: np.dtype[Any]) -> int:
    """The wire's element type for ``dtype`` (of either byte order). Raises TypeError."""
    if dtype.kind == "b":
        return 1
    found = _ELEMENT_TYPES.get(dtype.newbyteorder("<"))
    if found is None:
        remedy = _REMEDIES.get(dtype.kind, "convert it first")
        raise TypeError(f"a numpy array of {dtype} has no typed array in JavaScript; {remedy}")
    return found


def shared_memory_of(array: np.ndarray[Any, Any]) -> _native.SharedMemory | None:
    """The shared memory that ``array`` (of shared_empty, or a part of one) lives in."""
    base: Any = array
    while base is not None:
        if isinstance(base, _native.SharedMemory):
            return base
        base = base.obj if isinstance(base, memoryview) else getattr(base, "base", None)
    return None


def contiguous(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """``array`` itself where it is little-endian and in C order, else a copy that is."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))


def encode(frame: list[Any], shared: SharedArrays) -> bytes:
    """The payload of a frame. Raises TypeError or ValueError for what cannot be sent."""
    for index, item in enumerate(frame):
        kind = type(item)
        if kind not in _PLAIN and not (kind is int and -_SAFE_INTEGER <= item <= _SAFE_INTEGER):
            try:
                frame[index] = _convert(item, shared)
            except RecursionError:
                raise ValueError("a value is nested too deeply, or contains itself") from None
    try:
        return _encode(frame)
    except UnicodeEncodeError:
        raise ValueError("a string contains half of a surrogate pair, which UTF-8 cannot carry") from None


def _convert(value: Any, shared: SharedArrays) -> Any:
    kind = type(value)
    if kind in _PLAIN:
        return value
    converter = _CONVERTERS.get(kind)
    if converter is not None:
        return converter(value, shared)
    for base, converter in _CONVERTERS.items():
        if isinstance(value, base):
            return converter(value, shared)
    raise TypeError(
        f"a value of type {kind.__module__}.{kind.__qualname__} cannot be sent to a sandbox; use None, bool, int, "
        f"float, str, bytes, list, dict, datetime or numpy arrays"
    )


def _convert_int(value: int, shared: SharedArrays) -> Any:
    if -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
        return int(value)
    return msgspec.msgpack.Ext(_EXT_BIGINT, format(value, "x").encode())


def _convert_list(value: Sequence[Any], shared: SharedArrays) -> Any:
    kinds = set(map(type, value))
    if kinds <= _PLAIN:
        return value
    if kinds == {int} and min(value) >= -_SAFE_INTEGER and max(value) <= _SAFE_INTEGER:
        return value
    return list(map(_convert, value, repeat(shared)))


def _convert_dict(value: dict[Any, Any], shared: SharedArrays) -> Any:
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"a dict key of type {type(key).__name__} ({key!r:.40}) cannot be sent; use str keys")
    return dict(zip(value, map(_convert, value.values(), repeat(shared)), strict=True))


def _convert_datetime(value: datetime, shared: SharedArrays) -> Any:
    return value.astimezone() if value.tzinfo is None else value


def _convert_bytes(value: Any, shared: SharedArrays) -> Any:
    view = memoryview(value)
    if view.nbytes <= table.LARGEST_INLINE or shared.full:
        return bytes(view)
    return _share(view if view.c_contiguous else bytes(view), view.nbytes, _ARRAY_BUFFER, shared)


def _convert_array(value: np.ndarray[Any, Any], shared: SharedArrays) -> Any:
    element_type = check_array(value)
    return _shaped(shape_of(value), _convert_elements(contiguous(value), element_type, shared))


def _convert_elements(array: np.ndarray[Any, Any], element_type: int, shared: SharedArrays) -> msgspec.msgpack.Ext:
    if array.nbytes <= table.LARGEST_INLINE or shared.full:
        return msgspec.msgpack.Ext(_EXT_TYPED_ARRAY, b"".join((bytes((element_type,)), array.data)))
    memory = shared.memory_of(array)
    if memory is None:
        return _share(array, array.nbytes, element_type, shared)
    index = shared.refer(memory)
    return _shared_ext(shared, element_type, index, array.ctypes.data - memory.address, array.nbytes)


def shape_of(array: np.ndarray[Any, Any]) -> tuple[int, ...] | None:
    """None where one dimension says nothing. Raises TypeError for more dimensions than travel."""
    if array.ndim > _MOST_DIMENSIONS:
        raise TypeError(f"an array of {array.ndim} dimensions cannot be sent; reshape it to at most {_MOST_DIMENSIONS}")
    return None if array.ndim == 1 else array.shape


def _shaped(shape: tuple[int, ...] | None, elements: msgspec.msgpack.Ext) -> msgspec.msgpack.Ext:
    """The extension for an array with these elements."""
    if shape is None:
        return elements
    head = struct.pack(f"<B{len(shape)}QB", len(shape), *shape, elements.code)
    return msgspec.msgpack.Ext(_EXT_SHAPED, head + elements.data)


def _convert_as_numbers(value: AsNumbers, shared: SharedArrays) -> Any:
    return _convert(as_numbers(value.value), shared)


def as_numbers(value: Any) -> Any:
    """With float64 for integers of 64 bits. Raises ValueError where that is not exact."""
    match value:
        case np.ndarray() if value.dtype.kind in "iu" and value.dtype.itemsize == 8:
            if value.size:
                _check_exact(int(value.min()))
                _check_exact(int(value.max()))
            return value.astype(np.float64)
        case bool():
            return value
        case int() | np.integer():
            _check_exact(int(value))
        case list() | tuple():
            return list(map(as_numbers, value))
        case dict():
            return dict(zip(value, map(as_numbers, value.values()), strict=True))
    return value


def _check_exact(value: int) -> None:
    if abs(value) > _SAFE_INTEGER:
        raise ValueError(f"{value} is no exact number in JavaScript; send it as BigInt, without integers='number'")


def _convert_scalar(value: np.generic, shared: SharedArrays) -> Any:
    item = value.item()
    if isinstance(item, np.generic) or value.dtype.kind in "cmMV":
        raise TypeError(f"a numpy scalar of {value.dtype} cannot be sent; convert it to float or int")
    return _convert(item, shared)


def _convert_part(value: SharedPart, shared: SharedArrays) -> Any:
    index = shared.refer(value.memory)
    return _shaped(value.shape, _shared_ext(shared, value.element_type, index, value.offset, value.size))


def _convert_encoded(value: Encoded, shared: SharedArrays) -> msgspec.Raw:
    for buffer in value.buffers:
        shared.share(buffer)
        shared.size += buffer.nbytes
    return msgspec.Raw(value.payload)


def _share(buffer: Any, size: int, element_type: int, shared: SharedArrays) -> msgspec.msgpack.Ext:
    return _shared_ext(shared, element_type, shared.share(buffer), 0, size)


def _shared_ext(shared: SharedArrays, element_type: int, index: int, offset: int, size: int) -> msgspec.msgpack.Ext:
    shared.size += size
    return msgspec.msgpack.Ext(_EXT_SHARED, _SHARED_HEADER.pack(element_type, index, offset, size))


_CONVERTERS: dict[type, Callable[[Any, SharedArrays], Any]] = {
    np.ndarray: _convert_array,
    np.generic: _convert_scalar,
    bool: lambda value, shared: bool(value),
    int: _convert_int,
    float: lambda value, shared: float(value),
    str: lambda value, shared: str(value),
    list: _convert_list,
    tuple: _convert_list,
    dict: _convert_dict,
    bytes: _convert_bytes,
    bytearray: _convert_bytes,
    memoryview: _convert_bytes,
    datetime: _convert_datetime,
    SharedPart: _convert_part,
    AsNumbers: _convert_as_numbers,
    Encoded: _convert_encoded,
    Deferred: lambda value, shared: _convert(value.make(), shared),
}


class FrameDecoder:
    """Decodes frames from a sandbox. ``limit``: what one value may cost (docs/protocol.md), in bytes."""

    def __init__(self, limit: int = RESULT_LIMIT) -> None:
        self.limit = min(limit, _LARGEST_LIMIT)
        self._decode = _native.ValueDecoder(self.limit, _make_array, _map_array).decode

    def decode(self, payload: bytes | _native.LargeFrame, fds: Sequence[int]) -> SandboxFrame:
        """The frame as a value that is checked. Raises FrameError."""
        try:
            return typed(self._decode(payload, fds))
        except _native.UnusableValueError as error:
            return unusable(*error.args)
        except _native.FrameError:
            raise
        except Exception as error:  # whatever foreign bytes bring about is the fault of their sandbox
            raise _native.FrameError(f"a frame cannot be decoded: {type(error).__name__}: {error}") from error


def _map_array(element_type: int, fd: int, offset: int, size: int) -> Any:
    if element_type in (_ARRAY_BUFFER, _DATA_VIEW):
        return _native.read_sealed(fd, offset, size)
    return _make_array(element_type, _map(fd, offset, size))


def _map(fd: int, offset: int, size: int) -> Any:
    try:
        return _native.map_sealed(fd, offset, size)
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
    return _native.copy_sealed(fd, offset, size)  # too many mappings: a copy still works


def _make_array(element_type: int, buffer: Any) -> Any:
    if element_type in (_ARRAY_BUFFER, _DATA_VIEW):
        return bytes(buffer)
    return np.frombuffer(buffer, dtype=_ELEMENT_DTYPES[element_type])
