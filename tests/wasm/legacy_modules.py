"""Modules with the legacy exception handling instructions, which wat2wasm of wasmtime does not write.

The encoding is that of WebAssembly/exception-handling, proposals/exception-handling/legacy.
"""

from __future__ import annotations

from collections.abc import Iterable

I32, VOID = b"\x7f", b"\x40"
EXTERNREF = b"\x6f"
CATCH_ALL, END, RETURN = b"\x19", b"\x0b", b"\x0f"
DROP, EQZ, EQ, LT, ADD, SUB, DIV = b"\x1a", b"\x45", b"\x46", b"\x48", b"\x6a", b"\x6b", b"\x6d"
ARGUMENT, COUNTER, SET_COUNTER = b"\x20\x00", b"\x20\x01", b"\x21\x01"
CALL = ARGUMENT + b"\x10\x00"
"""Calls the import ``m.call`` with the function's argument."""

E, P, V, JS = range(4)
"""Tags, imported from ``m``: of an i32, of two, of nothing, and of an externref."""

_TYPES = (
    (b"", b""),
    (I32, b""),
    (I32 * 2, b""),
    (I32, I32),
    (b"", I32 * 2),
    (EXTERNREF, b""),
    (I32, EXTERNREF),
)
I32_TO_I32, TWO_I32, I32_TO_EXTERNREF = b"\x03", b"\x04", 6
"""Block types of the type section, and the type of a function that gives a reference."""


def number(value: int) -> bytes:
    """Unsigned LEB128."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def const(value: int) -> bytes:
    """``i32.const``; of at most two bytes, -8192 to 8191."""
    return b"\x41" + bytes([value & 0x7F | 0x80, value >> 7 & 0x7F])


def begin_try(block_type: bytes = I32) -> bytes:
    return b"\x06" + block_type


def block(block_type: bytes = I32) -> bytes:
    return b"\x02" + block_type


def loop(block_type: bytes = I32) -> bytes:
    return b"\x03" + block_type


def begin_if(block_type: bytes = VOID) -> bytes:
    return b"\x04" + block_type


def catch(tag: int) -> bytes:
    return b"\x07" + number(tag)


def throw(tag: int) -> bytes:
    return b"\x08" + number(tag)


def rethrow(label: int) -> bytes:
    return b"\x09" + number(label)


def delegate(label: int) -> bytes:
    return b"\x18" + number(label)


def br(label: int) -> bytes:
    return b"\x0c" + number(label)


def br_if(label: int) -> bytes:
    return b"\x0d" + number(label)


def br_table(*labels: int) -> bytes:
    return b"\x0e" + number(len(labels) - 1) + b"".join(map(number, labels))


def module(body: bytes, function_type: int = 3, custom: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """Exports ``run`` with ``body``, of type i32 to i32 unless told, and with a local of type i32."""
    types = [
        b"\x60" + _vector(list(map(_byte, params))) + _vector(list(map(_byte, results))) for params, results in _TYPES
    ]
    imports = [_name("m") + _name("call") + b"\x00\x01"]
    imports += [
        _name("m") + _name(name) + b"\x04\x00" + number(kind) for name, kind in zip("epvj", (1, 2, 0, 5), strict=True)
    ]
    code = b"\x01\x01" + I32 + body + END
    sections = [
        (1, _vector(types)),
        (2, _vector(imports)),
        (3, _vector([number(function_type)])),
        (7, _vector([_name("run") + b"\x00\x01", _name("tag") + b"\x04\x00"])),
        (10, _vector([number(len(code)) + code])),
        *((0, _name(name) + content) for name, content in custom),
    ]
    return b"\0asm\x01\0\0\0" + b"".join(bytes([key]) + number(len(data)) + data for key, data in sections)


def _byte(value: int) -> bytes:
    return bytes([value])


def _name(text: str) -> bytes:
    return number(len(text)) + text.encode()


def _vector(items: list[bytes]) -> bytes:
    return number(len(items)) + b"".join(items)
