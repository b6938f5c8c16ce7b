"""The global object of a sandbox, and errors in it, as a work function's author sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
from web_script import lines, values

import dcp_evaluator as dcp
from cli_driver import run_script

# --- the global object ---


def test_globals_are_hidden_from_enumeration_and_can_be_replaced(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const names = ["Event", "EventTarget", "AbortController", "AbortSignal", "DOMException", "console",
          "setTimeout", "setInterval", "clearTimeout", "clearInterval", "queueMicrotask", "TextEncoder",
          "TextDecoder", "atob", "btoa", "URL", "URLSearchParams", "structuredClone", "crypto",
          "performance", "reportError"];
        results.missing = names.filter((name) => !(name in globalThis));
        results.enumerable = Object.keys(globalThis);
        results.fixed = names.filter((name) => {
          const { writable, configurable } = Object.getOwnPropertyDescriptor(globalThis, name);
          return !writable || !configurable;
        });
        """,
    ) == {"missing": [], "enumerable": [], "fixed": []}


def test_self_is_the_global_object(tmp_path: Path, evaluator: dcp.Evaluator) -> None:
    """As in workers. Programs name it without asking, and have variables of that name."""
    source = "() => { self.left = 3; return [self === globalThis, typeof self.setTimeout, left]; }"
    assert list(dcp.compute_for([0], source).local_exec(1, evaluator=evaluator)) == [[True, "function", 3]]
    assert values(
        tmp_path,
        """
        results.same = self === globalThis && self.self === self;
        results.flags = { ...Object.getOwnPropertyDescriptor(globalThis, "self"), value: 0 };
        (function (root, factory) { root.library = factory(); })(self, () => 5);
        results.library = library;
        (0, eval)("var self = 7");
        results.replaced = self;
        """,
    ) == {
        "same": True,
        "flags": {"value": 0, "writable": True, "enumerable": False, "configurable": True},
        "library": 5,
        "replaced": 7,
    }


def test_runtime_survives_overwritten_builtins(tmp_path: Path) -> None:
    printed = lines(
        tmp_path,
        """
        const broken = () => { throw new Error("a builtin that user code broke"); };
        const { defineProperty, getOwnPropertyDescriptor } = Object;
        const { ownKeys } = Reflect;
        const classes = [Map, Set, String, RegExp, Promise, WeakMap, Uint8Array.__proto__, Function, Array];
        for (let c = 0; c < classes.length; c++) {
          const { prototype } = classes[c];
          const keys = ownKeys(prototype);
          for (let i = 0; i < keys.length; i++) {
            const old = getOwnPropertyDescriptor(prototype, keys[i]);
            // QuickJS makes template literals with String.prototype.concat: an engine's fault, out of reach here.
            if (keys[i] === "constructor" || keys[i] === "concat" || !old.configurable) continue;
            defineProperty(prototype, keys[i], { value: broken, configurable: true });
          }
        }
        Reflect.apply = Reflect.construct = Reflect.ownKeys = broken;
        Object.keys = Object.defineProperty = Object.getOwnPropertyDescriptor = broken;
        JSON.stringify = Math.floor = broken;
        console.log("%s", "one", { a: [1], b: new Map() });
        print(new URL("https://example.com/a/../b?x=1").href);
        print(new URLSearchParams("a=1&b=2").get("b"));
        print(structuredClone({ deep: { er: 3 } }).deep.er);
        print(atob(btoa("round")));
        print(new TextDecoder("utf-16le").decode(new TextEncoder().encode("a")).length);
        const target = new EventTarget();
        target.addEventListener("x", (event) => print(event.type));
        target.dispatchEvent(new Event("x"));
        setTimeout(() => print("timer"), 1);
        queueMicrotask(() => print("microtask"));
        """,
    )
    assert printed == [
        "one { a: [ 1 ], b: Map(0) {} }",
        "https://example.com/b?x=1",
        "2",
        "3",
        "round",
        "1",
        "x",
        "microtask",
        "timer",
    ]


# --- errors ---


def test_uncaught_error_exits_1_with_its_stack(tmp_path: Path) -> None:
    done = run_script(tmp_path, "function inner() { null.x; }\nsetTimeout(() => inner(), 0);")
    assert done.returncode == 1
    assert "TypeError" in done.stderr
    assert "inner" in done.stderr and "script.js" in done.stderr


@pytest.mark.parametrize(
    "script",
    [
        "queueMicrotask(() => { throw new RangeError('lost'); });",
        "reportError(new RangeError('lost'));",
        "addListener(() => { throw new RangeError('lost'); });",
    ],
    ids=["microtask", "reportError", "listener"],
)
def test_errors_that_nobody_catches_are_reported(tmp_path: Path, script: str) -> None:
    helper = "const addListener = (f) => { const t = new EventTarget(); t.addEventListener('x', f);"
    done = run_script(tmp_path, f"{helper} t.dispatchEvent(new Event('x')); }};\n{script}")
    assert done.returncode == 1
    assert "RangeError: lost" in done.stderr


def test_a_rejection_that_nobody_handles_is_told_and_the_script_goes_on(tmp_path: Path) -> None:
    done = run_script(tmp_path, "Promise.reject(new RangeError('lost'));\nsetTimeout(() => print('on'), 1);")
    assert (done.returncode, done.stdout) == (0, "on\n")
    assert "RangeError: lost" in done.stderr
    assert "script.js:1" in done.stderr


def test_dom_exception(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const error = new DOMException("gone", "AbortError");
        results.text = String(error);
        results.code = error.code;
        results.constants = [DOMException.ABORT_ERR, error.DATA_CLONE_ERR, new DOMException().name];
        results.isError = error instanceof Error && Object.prototype.toString.call(error);
        results.stack = error.stack.includes("script.js");
        results.own = Object.keys(error);
        results.brand = attempt(() => DOMException.prototype.name);
        results.unknown = new DOMException("m", "Whatever").code;
        """,
    ) == {
        "text": "AbortError: gone",
        "code": 20,
        "constants": [20, 25, "Error"],
        "isError": "[object DOMException]",
        "stack": True,
        "own": [],
        "brand": "TypeError",
        "unknown": 0,
    }
