"""Limits of modules and of what they use, and that what is dropped is freed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import see

# Sections of a binary module, made in the sandbox: a million functions are too long a literal.
BINARY = Path(__file__).with_name("js").joinpath("binary.js").read_text(encoding="utf-8")


def test_limits_of_a_module_give_compile_error(tmp_path: Path) -> None:
    """The numbers of the JavaScript API's section on implementation-defined limits."""
    found = see(
        tmp_path,
        f"""
        {BINARY}
        const over = {{ functions: functions(1_000_001), locals: locals(50_001), code: code(7_654_322),
          types: types(1_000_001), parameters: parameters(1_001), elements: table(10_000_001) }};
        for (const [name, bytes] of Object.entries(over)) {{
          results[name] = [thrown(() => new WebAssembly.Module(bytes)), await rejected(WebAssembly.compile(bytes)),
            WebAssembly.validate(bytes)];
        }}
        const within = [functions(2000), locals(50_000), parameters(1_000), types(2000), exports_(2000)];
        results.within = within.map((bytes) => thrown(() => new WebAssembly.Module(bytes)));
        """,
    )
    assert found.pop("within") == ["nothing"] * 5
    over = ("functions", "locals", "code", "types", "parameters", "elements")
    assert found == {name: ["CompileError", "CompileError", False] for name in over}


@pytest.mark.engine("quickjs", "V8 says it with a RangeError")
def test_the_size_of_a_module(tmp_path: Path) -> None:
    """Told before the bytes are looked at: these are pages that nobody has touched."""
    found = see(
        tmp_path,
        """
        const bytes = new Uint8Array(2 ** 30 + 1);
        results.over = [String(caught(() => new WebAssembly.Module(bytes))), await rejected(WebAssembly.compile(bytes)),
          WebAssembly.validate(bytes)];
        """,
    )
    assert found == {
        "over": [
            "CompileError: the module has 1073741825 bytes; the limit is 1073741824",
            "CompileError",
            False,
        ]
    }


def test_limits_of_a_table(tmp_path: Path) -> None:
    assert see(
        tmp_path,
        """
        const { Table } = WebAssembly;
        const most = new Table({ element: "externref", initial: 10 });
        results.fail = [thrown(() => new Table({ element: "anyfunc", initial: 10_000_001 })),
          thrown(() => most.grow(10_000_000)), most.length];
        results.maximum = new Table({ element: "anyfunc", initial: 1, maximum: 4294967295 }).length;
        const e = exportsOf("grows");
        results.wasm = [e.grow(5), e.grow(20_000_000), e.size()];
        """,
        grows="""(module (table 3 externref)
          (func (export "grow") (param i32) (result i32) ref.null extern local.get 0 table.grow)
          (func (export "size") (result i32) table.size))""",
    ) == {"fail": ["RangeError", "RangeError", 10], "maximum": 1, "wasm": [3, -1, 8]}


def test_references_do_not_leak(tmp_path: Path) -> None:
    """Each way holds many times the memory that the sandbox has, one piece at a time."""
    assert see(
        tmp_path,
        """
        const piece = () => new Uint8Array(1 << 20).fill(1);
        const tag = new WebAssembly.Tag({ parameters: ["externref"] });
        const table = new WebAssembly.Table({ element: "externref", initial: 1 });
        const global = new WebAssembly.Global({ value: "externref", mutable: true });
        const e = exportsOf("refs", { m: { piece } });
        const ways = {
          argument: () => e.echo(piece()), keep: () => e.keep(piece()), result: () => e.make(),
          table: () => table.set(0, piece()), global: () => { global.value = piece(); },
          exception: () => new WebAssembly.Exception(tag, [piece()]).getArg(tag, 0),
        };
        for (const [name, way] of Object.entries(ways)) {
          results[name] = thrown(() => { for (let i = 0; i < 300; i++) way(); });
        }
        """,
        "--memory-limit",
        "64",
        refs="""(module (import "m" "piece" (func $piece (result externref)))
          (global $kept (mut externref) (ref.null extern))
          (func (export "echo") (param externref) (result externref) local.get 0)
          (func (export "keep") (param externref) local.get 0 global.set $kept)
          (func (export "make") (result externref) call $piece))""",
    ) == dict.fromkeys(("argument", "keep", "result", "table", "global", "exception"), "nothing")
