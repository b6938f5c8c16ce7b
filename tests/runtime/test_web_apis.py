"""The web-facing JavaScript of a sandbox, through ``dcp-evaluator --shell``, as a work function's author sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli_driver import run_script


def lines(tmp_path: Path, script: str) -> list[str]:
    """What ``script`` prints; it must end well."""
    done = run_script(tmp_path, script)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


PRELUDE = """
const results = {};
const attempt = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error.name}${error.code === undefined ? "" : " " + error.code}`;
  }
};
"""


def values(tmp_path: Path, script: str) -> dict[str, Any]:
    """The object ``results`` after ``script``, through JSON."""
    printed = lines(tmp_path, PRELUDE + script + "\nprint(JSON.stringify(results));")
    found: dict[str, Any] = json.loads(printed[-1])
    return found


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


# --- events ---


def test_events_reach_listeners_in_order(tmp_path: Path) -> None:
    assert lines(
        tmp_path,
        """
        const target = new EventTarget();
        const object = { handleEvent(event) { print("object", this === object, event.target === target); } };
        target.addEventListener("x", object);
        target.addEventListener("x", function () { print("once", this === target); }, { once: true });
        target.addEventListener("x", () => print("capture"), true);
        const removed = () => print("never");
        target.addEventListener("x", removed);
        target.removeEventListener("x", removed);
        target.addEventListener("x", (event) => { event.preventDefault(); event.stopImmediatePropagation(); });
        target.addEventListener("x", () => print("never"));
        print(target.dispatchEvent(new CustomEvent("x", { cancelable: true, detail: 1 })));
        print(target.dispatchEvent(new Event("x")));
        """,
    ) == ["capture", "object true true", "once true", "false", "capture", "object true true", "true"]


def test_abort_signals(tmp_path: Path) -> None:
    assert lines(
        tmp_path,
        """
        const controller = new AbortController();
        const any = AbortSignal.any([controller.signal, new AbortController().signal]);
        controller.signal.onabort = (event) => print("handler", event.isTrusted);
        any.addEventListener("abort", () => print("any", any.reason === controller.signal.reason, any.reason.name));
        const target = new EventTarget();
        target.addEventListener("x", () => print("never"), { signal: controller.signal });
        controller.abort();
        controller.abort();
        target.dispatchEvent(new Event("x"));
        try { AbortSignal.abort("why").throwIfAborted(); } catch (reason) { print(reason); }
        try { new AbortSignal(); } catch (error) { print(error.message); }
        const timeout = AbortSignal.timeout(5);
        timeout.onabort = () => print(timeout.reason.name);
        """,
    ) == ["handler true", "any true AbortError", "why", "Illegal constructor", "TimeoutError"]


# --- console ---


def test_console_format_specifiers(tmp_path: Path) -> None:
    script = """
        console.log("%s is %d years and %i, %f%% %o %cstyled", "Ada", 36.5, 36.9, "1.5", { a: 1 }, "color", "rest", 1n);
        console.log("100%", "%s");
        console.log("%s");
        """
    assert lines(tmp_path, script) == [
        "Ada is 36.5 years and 36, 1.5% { a: 1 } styled rest 1n",
        "100% %s",
        "%s",
    ]


def test_console_shows_values(tmp_path: Path) -> None:
    script = """
        console.log([1, , "two"], new Map([["k", new Set([1])]]), new Float32Array([1.5, 2]));
        console.log(Symbol("s"), -0, null, undefined, () => {}, class A {}, /x/g, new Date(0), Object(1));
        const cycle = { name: "c" };
        cycle.self = cycle;
        console.log(cycle, Object.create(null), new (class Point { x = 1; })());
        console.log({ get a() { throw 1; } }, new Uint8Array(1000));
        console.log(new Proxy({}, { ownKeys() { throw 1; } }));
        """
    assert lines(tmp_path, script) == [
        "[ 1, <1 empty item>, 'two' ] Map(1) { 'k' => Set(1) { 1 } } Float32Array(2) [ 1.5, 2 ]",
        "Symbol(s) -0 null undefined [Function (anonymous)] [class A] /x/g 1970-01-01T00:00:00.000Z [Number: 1]",
        "{ name: 'c', self: [Circular] } [Object: null prototype] {} Point { x: 1 }",
        "{ a: [Getter] } Uint8Array(1000) [ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ... 984 more items ]",
        "[an object that cannot be read]",
    ]


def test_console_groups_counts_and_tables(tmp_path: Path) -> None:
    script = """
        console.group("outer");
        console.log("a\\nb");
        console.groupEnd();
        console.count();
        console.count();
        console.table([{ a: 1, b: "x" }, { a: 2 }]);
        """
    assert lines(tmp_path, script) == [
        "outer",
        "  a",
        "  b",
        "default: 1",
        "default: 2",
        "┌─────────┬───┬─────┐",
        "│ (index) │ a │ b   │",
        "├─────────┼───┼─────┤",
        "│ 0       │ 1 │ 'x' │",
        "│ 1       │ 2 │     │",
        "└─────────┴───┴─────┘",
    ]


def test_console_errors_go_to_stderr(tmp_path: Path) -> None:
    done = run_script(tmp_path, "console.error(new RangeError('far')); console.warn('w'); console.assert(false, 'no');")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr.startswith("RangeError: far\n    at ")
    assert done.stderr.splitlines()[-2:] == ["w", "Assertion failed: no"]


# --- timers ---


def test_timers_run_by_due_time_then_creation_with_microtasks_between(tmp_path: Path) -> None:
    assert lines(
        tmp_path,
        """
        setTimeout(() => print("late"), 300);
        setTimeout((a, b) => { print("first", a, b); Promise.resolve().then(() => print("microtask")); }, 0, 1, 2);
        setTimeout("print('source', typeof print)", 0);
        const cancelled = setTimeout(() => print("never"), 1);
        clearTimeout(cancelled);
        clearTimeout(12345);
        let count = 0;
        const id = setInterval(() => { print("interval", ++count); if (count === 3) clearInterval(id); }, 1);
        queueMicrotask(() => print("now"));
        print("script");
        """,
    ) == [
        "script",
        "now",
        "first 1 2",
        "microtask",
        "source function",
        "interval 1",
        "interval 2",
        "interval 3",
        "late",
    ]


def test_timers_are_never_early(tmp_path: Path) -> None:
    script = """
        results.early = 0;
        for (let i = 0; i < 50; i++) {
          const start = performance.now();
          setTimeout(() => { if (performance.now() - start < i) results.early++; }, i);
        }
        setTimeout(() => print(results.early), 80);
        """
    assert lines(tmp_path, PRELUDE + script) == ["0"]


# --- text ---


def test_text_encoder(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const encoder = new TextEncoder();
        results.bytes = [...encoder.encode("h€😀\\ud800")];
        results.none = encoder.encode().length;
        const into = new Uint8Array(6);
        results.into = encoder.encodeInto("a€😀", into);
        results.filled = [...into];
        results.small = encoder.encodeInto("😀", new Uint8Array(3));
        results.wrong = attempt(() => encoder.encodeInto("a", new Uint16Array(3)));
        """,
    ) == {
        "bytes": [*"h€😀�".encode()],
        "none": 0,
        "into": {"read": 2, "written": 4},
        "filled": [*"a€".encode(), 0, 0],
        "small": {"read": 0, "written": 0},
        "wrong": "TypeError",
    }


def test_text_decoder(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const bytes = (...list) => Uint8Array.from(list);
        const decode = (list, ...options) => new TextDecoder(...options).decode(bytes(...list));
        results.bom = decode([0xef, 0xbb, 0xbf, 0x61]).length;
        results.keptBom = decode([0xef, 0xbb, 0xbf, 0x61], "utf-8", { ignoreBOM: true }).length;
        results.illFormed = decode([0x61, 0xf0, 0x9f, 0x98, 0x61, 0xff, 0xed, 0xa0, 0x80, 0xc0, 0x80]);
        results.fatal = attempt(() => decode([0xff], "utf-8", { fatal: true }));
        results.utf16 = decode([0x61, 0, 0x3d, 0xd8, 0, 0xde, 0x3d, 0xd8], "utf-16le");
        results.big = decode([0, 0x61], "utf-16be");
        results.latin1 = decode([0x80, 0xe9], "latin1");
        results.labels = [new TextDecoder(" UTF8 ").encoding, new TextDecoder("ascii").encoding];
        results.unknown = attempt(() => new TextDecoder("no-such"));
        const stream = new TextDecoder();
        results.stream = "";
        for (const byte of new TextEncoder().encode("\\ufeffa€😀z")) {
          results.stream += stream.decode(bytes(byte), { stream: true });
        }
        results.stream += stream.decode();
        stream.decode(bytes(0xe2, 0x82), { stream: true });
        results.cut = stream.decode();
        const shared = new Uint8Array(new SharedArrayBuffer(3));
        shared.set(bytes(0xe2, 0x82, 0xac));
        results.shared = new TextDecoder().decode(shared);
        results.part = new TextDecoder().decode(new DataView(bytes(0x61, 0x62, 0x63).buffer, 1, 1));
        """,
    ) == {
        "bom": 1,
        "keptBom": 2,
        "illFormed": b"a\xf0\x9f\x98a\xff\xed\xa0\x80\xc0\x80".decode(errors="replace"),
        "fatal": "TypeError",
        "utf16": "a😀�",
        "big": "a",
        "latin1": "€é",
        "labels": ["utf-8", "windows-1252"],
        "unknown": "RangeError",
        "stream": "a€😀z",
        "cut": "�",
        "shared": "€",
        "part": "b",
    }


def test_base64(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        results.encoded = ["", "f", "fo", "foo", "\\xff\\x00"].map(btoa);
        results.decoded = ["", "Zg==", "Zg", " Zm 8 = ", "Zm9v"].map((text) => atob(text));
        results.high = atob("/wA=").charCodeAt(0);
        results.bad = ["Z", "Zg=", "Zg===", "Z!==", "====", "Zg==Zg=="].map((text) => attempt(() => atob(text)));
        results.wide = attempt(() => btoa("€"));
        """,
    ) == {
        "encoded": ["", "Zg==", "Zm8=", "Zm9v", "/wA="],
        "decoded": ["", "f", "f", "fo", "foo"],
        "high": 255,
        "bad": ["InvalidCharacterError 5"] * 6,
        "wide": "InvalidCharacterError 5",
    }


# --- URL ---

URLS = [
    ("http://EXAMPLE.com:80/a/../b?q=1#f", None, "http://example.com/b?q=1#f"),
    ("../x?y", "http://h/a/b/c?d#e", "http://h/a/x?y"),
    ("//foo/bar", "https://h/", "https://foo/bar"),
    ("?x", "http://h/p?q#r", "http://h/p?x"),
    ("#x", "about:blank", "about:blank#x"),
    ("http:\\\\x\\y", None, "http://x/y"),
    ("http://[2001:DB8::0:1]:8080/", None, "http://[2001:db8::1]:8080/"),
    ("http://[::ffff:1.2.3.4]/", None, "http://[::ffff:102:304]/"),
    ("http://[1:2:0:0:5:0:0:0]/", None, "http://[1:2:0:0:5::]/"),
    ("http://0x7f.1/", None, "http://127.0.0.1/"),
    ("http://%41.com", None, "http://a.com/"),
    ("http://münchen.de/ä?ö#ü", None, "http://xn--mnchen-3ya.de/%C3%A4?%C3%B6#%C3%BC"),
    ("http://日本語。jp/", None, "http://xn--wgv71a119e.jp/"),
    ("http://u:p@ss@h/", None, "http://u:p%40ss@h/"),
    (" http://h\no\tst/ ", None, "http://host/"),
    ("file:///C|/x/../y", None, "file:///C:/y"),
    ("/z", "file:///C:/a/b", "file:///C:/z"),
    ("mailto:a@b", None, "mailto:a@b"),
    ("data:text/plain, x y #z ", None, "data:text/plain, x y%20#z"),
    ("web+demo:/.//not-a-host/", None, "web+demo:/.//not-a-host/"),
    ("non-special://h:99/./p/..//", None, "non-special://h:99//"),
    ("http://256.256.256.256/", None, None),
    ("http://a b/", None, None),
    ("http://h:65536/", None, None),
    ("http://[1::2::3]/", None, None),
    ("http://xn--/", None, None),
    ("http://a.1/", None, None),
    ("relative", None, None),
    ("x", "mailto:a", None),
]


def test_url_parsing(tmp_path: Path) -> None:
    cases = json.dumps([[url, base] for url, base, _ in URLS])
    script = f"results.hrefs = {cases}.map(([url, base]) => URL.parse(url, base ?? undefined)?.href ?? null);"
    found = values(tmp_path, script)["hrefs"]
    assert found == [href for _, _, href in URLS]


def test_url_setters(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const url = new URL("https://a.b/c?x=1");
        url.searchParams.append("z", "a b&");
        url.port = "8443";
        url.hash = "h i";
        url.pathname = "/q/../w x";
        url.username = "me@";
        url.hostname = "new.host:99";
        url.protocol = "ftp";
        results.href = url.href;
        url.host = "[::1]:7";
        url.port = "x";
        url.search = "?k=v";
        results.params = [...url.searchParams];
        url.searchParams.delete("k");
        url.hash = "";
        results.after = url.toString();
        results.origin = url.origin;
        results.invalid = attempt(() => { url.href = "nothing"; });
        results.json = JSON.stringify({ url: new URL("http://q") });
        results.canParse = [URL.canParse("x", "http://h"), URL.canParse("x")];
        """,
    ) == {
        "href": "ftp://me%40@a.b:8443/w%20x?x=1&z=a+b%26#h%20i",
        "params": [["k", "v"]],
        "after": "ftp://me%40@[::1]:7/w%20x",
        "origin": "ftp://[::1]:7",
        "invalid": "TypeError",
        "json": '{"url":"http://q/"}',
        "canParse": [True, False],
    }


def test_url_search_params(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const params = new URLSearchParams("?b=1&a=%F0%9F%98%80+x&b=2&%zz&=");
        results.entries = [...params];
        params.append("a", "ü*");
        params.sort();
        results.sorted = params.toString();
        params.set("b", "3");
        params.delete("a", "ü*");
        results.changed = [params.getAll("b"), params.get("nope"), params.has("a"), params.size];
        results.record = String(new URLSearchParams({ x: 1, y: "&" }));
        results.pairs = String(new URLSearchParams(new Map([["k", "v"]])));
        results.bad = attempt(() => new URLSearchParams([["lonely"]]));
        """,
    ) == {
        "entries": [["b", "1"], ["a", "😀 x"], ["b", "2"], ["%zz", ""], ["", ""]],
        "sorted": "=&%25zz=&a=%F0%9F%98%80+x&a=%C3%BC*&b=1&b=2",
        "changed": [["3"], None, True, 4],
        "record": "x=1&y=%26",
        "pairs": "k=v",
        "bad": "TypeError",
    }


# --- structuredClone ---


def test_structured_clone_keeps_types_and_identity(tmp_path: Path) -> None:
    assert values(
        tmp_path,
        """
        const buffer = new ArrayBuffer(8);
        const original = {
          map: new Map([[{ key: 1 }, new Set([1n])]]), date: new Date(5), pattern: /a/gi, box: Object("s"),
          hole: [1, , 3], view: new Uint16Array(buffer, 2, 2), data: new DataView(buffer, 1), nan: NaN, u: undefined,
          error: new RangeError("far", { cause: { z: 1 } }), dom: new DOMException("m", "AbortError"),
        };
        original.self = original;
        original.view[0] = 7;
        const copy = structuredClone(original);
        results.fresh = copy !== original && copy.self === copy && copy.view.buffer !== buffer;
        results.map = [...copy.map].map(([key, value]) => [key.key, value instanceof Set, String([...value])]);
        results.simple = [copy.date.getTime(), String(copy.pattern), copy.box + "!", 1 in copy.hole, copy.hole.length];
        results.views = [copy.view[0], copy.view.byteOffset, copy.data.byteOffset,
          copy.view.buffer === copy.data.buffer];
        results.error = [copy.error instanceof RangeError, copy.error.message, copy.error.cause.z, copy.dom.name];
        results.undefined = "u" in copy;
        let deep = {};
        for (let i = 0; i < 50000; i++) deep = { deep };
        results.deep = typeof structuredClone(deep);
        """,
    ) == {
        "fresh": True,
        "map": [[1, True, "1"]],
        "simple": [5, "/a/gi", "s!", False, 3],
        "views": [7, 2, 1, True],
        "error": [True, "far", 1, "AbortError"],
        "undefined": True,
        "deep": "object",
    }


def test_structured_clone_transfers_or_refuses(tmp_path: Path) -> None:
    refused = "DataCloneError 25"
    assert values(
        tmp_path,
        """
        const buffer = new Uint8Array([1, 2, 3]).buffer;
        const view = new Uint8Array(buffer, 1);
        results.failed = attempt(() => structuredClone({ view, f() {} }, { transfer: [buffer] }));
        results.untouched = buffer.byteLength;
        const moved = structuredClone({ view }, { transfer: [buffer] });
        results.moved = [buffer.byteLength, view.length, [...moved.view], moved.view.byteOffset];
        results.detached = attempt(() => structuredClone(buffer));
        results.twice = attempt(() => structuredClone(0, { transfer: [moved.view.buffer, moved.view.buffer] }));
        const values = [() => {}, Symbol(), new WeakMap(), Promise.resolve(), new Event("x"), new EventTarget()];
        results.refused = values.map((value) => attempt(() => structuredClone(value)));
        """,
    ) == {
        "failed": refused,
        "untouched": 3,
        "moved": [0, 0, [2, 3], 1],
        "detached": refused,
        "twice": refused,
        "refused": [refused] * 6,
    }


# --- crypto and performance ---


def test_crypto(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        const fill = (array) => attempt(() => crypto.getRandomValues(array) === array);
        results.filled = fill(new Uint8Array(65536));
        results.different = [...crypto.getRandomValues(new Uint32Array(64))].filter(Boolean).length > 32;
        results.quota = fill(new Uint8Array(65537));
        results.floats = fill(new Float64Array(1));
        results.noView = fill([]);
        results.uuids = [crypto.randomUUID(), crypto.randomUUID()];
        """,
    )
    first, second = found.pop("uuids")
    assert first != second and first[14] == "4" and first[19] in "89ab" and len(first) == 36
    assert found == {
        "filled": True,
        "different": True,
        "quota": "QuotaExceededError 22",
        "floats": "TypeMismatchError 17",
        "noView": "TypeError",
    }


def test_random_values_fill_only_their_view(tmp_path: Path) -> None:
    script = """
        const buffer = new ArrayBuffer(96);
        crypto.getRandomValues(new Uint8Array(buffer, 32, 32));
        const nonZero = (from) => new Uint8Array(buffer, from, 32).some((byte) => byte !== 0);
        results.zones = [nonZero(0), nonZero(32), nonZero(64)];
        """
    assert values(tmp_path, script) == {"zones": [False, True, False]}


def test_performance_clock(tmp_path: Path) -> None:
    found = values(
        tmp_path,
        """
        let last = performance.now();
        results.steps = 0;
        results.backwards = 0;
        for (let i = 0; i < 20000; i++) {
          const now = performance.now();
          if (now < last) results.backwards++;
          if (now > last) results.steps++;
          last = now;
        }
        // The least of some: any two readings may lie far apart on a busy machine.
        const offsets = Array.from({ length: 20 }, () => performance.timeOrigin + performance.now() - Date.now());
        results.offset = Math.min(...offsets.map(Math.abs));
        results.start = performance.now();
        results.json = Object.keys(JSON.parse(JSON.stringify(performance)));
        """,
    )
    assert found["backwards"] == 0 and found["steps"] > 10
    assert found["offset"] < 5
    assert 0 < found["start"] < 60_000
    assert found["json"] == ["timeOrigin"]
