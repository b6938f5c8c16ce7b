"""The WebAssembly namespace: its classes, their members, and who may call them."""

from __future__ import annotations

from pathlib import Path

from scripts import EMPTY, see


def test_namespace(tmp_path: Path, script: str) -> None:
    assert see(
        tmp_path,
        script,
        empty=EMPTY,
    ) == {
        "tags": ["WebAssembly"]
        + [f"WebAssembly.{name}" for name in ("Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception")],
        "global": "w c",
        "classes": [
            ["w c", True, length, "", "w c", "c", "TypeError", "TypeError"] for length in (1, 1, 1, 1, 1, 1, 2)
        ],
        "members": {
            "WebAssembly.validate": ["w e c", "validate", 1, True],
            "WebAssembly.compile": ["w e c", "compile", 1, True],
            "WebAssembly.instantiate": ["w e c", "instantiate", 1, True],
            "WebAssembly.compileStreaming": ["w e c", "compileStreaming", 1, True],
            "Module.exports": ["w e c", "exports", 1, True],
            "Module.imports": ["w e c", "imports", 1, True],
            "Module.customSections": ["w e c", "customSections", 2, True],
            "Instance.exports": ["e c get", "get exports", 0, True],
            "Memory.buffer": ["e c get", "get buffer", 0, True],
            "Memory.grow": ["w e c", "grow", 1, True],
            "Table.length": ["e c get", "get length", 0, True],
            "Table.get": ["w e c", "get", 1, True],
            "Table.set": ["w e c", "set", 1, True],
            "Table.grow": ["w e c", "grow", 1, True],
            "Global.value": ["e c get set", "get value", 0, True],
            "Global.valueOf": ["w e c", "valueOf", 0, True],
            "Exception.is": ["w e c", "is", 1, True],
            "Exception.getArg": ["w e c", "getArg", 2, True],
        },
        "setter": "set value",
        "errors": [[True, 1, True, True, True, "why", 7, True, "[object Error]", "w c", 0]] * 3,
    }


def test_methods_check_their_receiver_first(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const never = { valueOf() { throw new RangeError("converted"); } };
        const { Memory, Table, Global, Instance, Exception } = WebAssembly;
        const get = (Class, name) => Object.getOwnPropertyDescriptor(Class.prototype, name).get;
        const methods = [Memory.prototype.grow, get(Memory, "buffer"), Table.prototype.get, Table.prototype.set,
          Table.prototype.grow, get(Table, "length"), Global.prototype.valueOf, get(Global, "value"),
          Object.getOwnPropertyDescriptor(Global.prototype, "value").set, get(Instance, "exports"),
          Exception.prototype.is, Exception.prototype.getArg];
        const receivers = [undefined, null, 1, "", {}, Memory, Memory.prototype, WebAssembly];
        results.names = [...new Set(methods.flatMap((method) =>
          receivers.map((receiver) => thrown(() => method.call(receiver, never, never)))))];
        """,
    ) == {"names": ["TypeError"]}
