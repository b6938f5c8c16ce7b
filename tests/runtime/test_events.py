"""Events, console and timers in a sandbox."""

from __future__ import annotations

from pathlib import Path

from web_script import PRELUDE, lines

from cli_driver import run_script

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
