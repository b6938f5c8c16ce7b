"""Arguments that run code: a getter or valueOf detaches, resizes, frees or calls again in the midst of a call."""

from __future__ import annotations

import re

import pytest
from target import Attacks, Target, check_attacks

THROWN = "const thrown = (run) => { try { return run(); } catch (error) { return error.name; } };"

ENGINE: Attacks = {
    "fill, with a value that detaches": (
        """
        const view = new Uint8Array(1 << 16);
        return [thrown(() => view.fill({ valueOf() { view.buffer.transfer(); return 1; } }) === view), view.length];
        """,
        ["TypeError", 0],
    ),
    "set, from a list that shrinks the target": (
        """
        const buffer = new ArrayBuffer(1024, { maxByteLength: 1024 });
        const view = new Uint8Array(buffer);
        view.set({ length: 1000, get 0() { buffer.resize(4); return 9; }, 999: 8 });
        return [view.length, view[0], view[999] === undefined];
        """,
        [4, 9, True],
    ),
    "slice, into a species over the same memory": (
        """
        class Own extends Uint8Array { static get [Symbol.species]() { return function () { return view; }; } }
        const view = new Own(64);
        view[0] = 1;
        return [...view.slice(1)].length;
        """,
        64,
    ),
    "slice of a buffer, into a species that is too small": (
        """
        const buffer = new ArrayBuffer(64);
        buffer.constructor = { [Symbol.species]: function () { return new ArrayBuffer(1); } };
        return thrown(() => buffer.slice(0));
        """,
        "TypeError",
    ),
    "sort, with a comparator that detaches": (
        """
        const view = new Float64Array(1000).map((_, i) => -i);
        let calls = 0;
        view.sort((a, b) => { if (calls++ === 10) view.buffer.transfer(); return a - b; });
        return view.length;
        """,
        0,
    ),
    "sort, with a comparator that empties the array": (
        """
        const list = Array.from({ length: 1000 }, (_, i) => ({ i: -i }));
        list.sort((a, b) => { list.length = 0; return a.i - b.i; });
        return [list.length, list[0].i];
        """,
        [1000, -999],
    ),
    "DataView, with an offset that detaches": (
        """
        const view = new DataView(new ArrayBuffer(64));
        return thrown(() => view.setFloat64({ valueOf() { view.buffer.transfer(); return 8; } }, 1));
        """,
        "TypeError",
    ),
    "Atomics, with a value that detaches": (
        """
        const view = new Int32Array(64);
        const name = thrown(() => Atomics.store(view, 63, { valueOf() { view.buffer.transfer(); return 1; } }));
        return ["RangeError", "TypeError"].includes(name);
        """,
        True,
    ),
    "replace, with a lastIndex that changes the expression": (
        """
        const expression = /a/g;
        let at = 0;
        expression.exec = function () {
          this.compile(at++ % 2 ? "b" : "(a)", "g");
          return at < 50 ? { 0: "a", index: at, length: 1e3 } : null;
        };
        return "a".repeat(100).replace(expression, "$9").length;
        """,
        51,
    ),
    "JSON.parse, with a reviver that changes the rest": (
        """
        return JSON.parse("[1, 2, [3, 4]]", function (key, value) {
          if (key === "0" && Array.isArray(this)) { this[2] = this; this.length = 3; }
          return key === "2" ? 5 : value;
        });
        """,
        re.compile("call stack"),
    ),
    "concat, of a proxy that empties what comes before": (
        """
        const list = [1, 2, 3];
        return list.concat(new Proxy([4], { get(target, key) { list.length = 0; return target[key]; } }));
        """,
        [1, 2, 3, 4],
    ),
    "a generator that goes on within itself": (
        "const run = (function* () { yield thrown(() => run.next()); })(); return run.next().value;",
        "TypeError",
    ),
    "splice, with a species that is the array": (
        """
        const list = [1, 2, 3, 4];
        list.constructor = { [Symbol.species]: function () { return list; } };
        list.splice(0, 2);
        return list.length <= 4;
        """,
        True,
    ),
    "a finalizer that wakes what is dead": (
        """
        const kept = [];
        const registry = new FinalizationRegistry((held) => {
          kept.push(held);
          if (kept.length < 5000) registry.register({}, held);
        });
        for (let i = 0; i < 1000; i++) { const item = { i }; item.self = item; registry.register(item, item.i); }
        // V8 collects when it has made much, and tells of it in a later turn.
        for (let i = 0; i < 400 && kept.length <= 100; i++) {
          const much = [];
          for (let k = 0; k < 8; k++) much.push(new Array(1 << 15).fill(i));
          await new Promise((done) => setTimeout(done, 0));
        }
        registry.unregister({});
        return kept.length > 100;
        """,
        True,
    ),
}

RUNTIME: Attacks = {
    "structuredClone, with a getter that takes the transferred buffer": (
        """
        const buffer = new ArrayBuffer(64);
        const value = { get a() { buffer.transfer(); return 1; }, buffer };
        return thrown(() => structuredClone(value, { transfer: [buffer] }));
        """,
        "DataCloneError",
    ),
    "structuredClone, with a getter that resizes the transferred buffer": (
        """
        const buffer = new ArrayBuffer(64, { maxByteLength: 128 });
        return thrown(() => structuredClone({ get a() { buffer.resize(128); return 1; } }, { transfer: [buffer] }));
        """,
        "DataCloneError",
    ),
    "structuredClone, with a getter that clones again": (
        """
        let depth = 0;
        const value = { get a() { return depth++ < 500 ? structuredClone(value) : 1; } };
        structuredClone(value);
        return depth;
        """,
        501,
    ),
    "structuredClone, with a view whose buffer is gone": (
        "const view = new Uint8Array(8); view.buffer.transfer(); return thrown(() => structuredClone({ view }));",
        "DataCloneError",
    ),
    "encodeInto, with a source that detaches the destination": (
        """
        const view = new Uint8Array(64);
        const source = { toString() { view.buffer.transfer(); return "abc"; } };
        return new TextEncoder().encodeInto(source, view).written;
        """,
        0,
    ),
    "encodeInto, with a source that shrinks the destination": (
        """
        const buffer = new ArrayBuffer(64, { maxByteLength: 64 });
        const view = new Uint8Array(buffer);
        return new TextEncoder().encodeInto({ toString() { buffer.resize(2); return "abc"; } }, view).written;
        """,
        2,
    ),
    "decode, with an option that detaches the input": (
        """
        const view = new Uint8Array(1 << 16).fill(65);
        const stream = { get stream() { view.buffer.transfer(); return false; } };
        return thrown(() => new TextDecoder().decode(view, stream).length);
        """,
        "TypeError",
    ),
    "decode, within a decode": (
        """
        const decoder = new TextDecoder();
        const bytes = new Uint8Array([0xe2, 0x82]);
        decoder.decode(bytes, { get stream() { decoder.decode(bytes, { stream: true }); return true; } });
        return decoder.decode().length <= 3;
        """,
        True,
    ),
    "timers, with a delay that cancels and sets timers": (
        """
        const order = [];
        const first = setTimeout(() => order.push("never"), 1);
        setTimeout(() => order.push("last"), { valueOf() {
          clearTimeout(first);
          for (let i = 0; i < 300; i++) clearTimeout(setTimeout(() => order.push("never"), i));
          setTimeout(() => order.push("first"), 0);
          return 20;
        } });
        await new Promise((done) => setTimeout(done, 40));
        return order;
        """,
        ["first", "last"],
    ),
    "timers that cancel themselves and all others": (
        """
        let fired = 0;
        const ids = Array.from({ length: 200 }, () => setInterval(() => { fired++; ids.forEach(clearInterval); }, 0));
        await new Promise((done) => setTimeout(done, 20));
        return fired;
        """,
        1,
    ),
    "a typed array whose buffer has given memory back": (
        """
        const buffer = new ArrayBuffer(1 << 22, { maxByteLength: 1 << 22 });
        const view = new Uint8Array(buffer), words = new Uint32Array(buffer, 4);
        buffer.resize(8);
        const sizes = [new TextEncoder().encodeInto("x".repeat(100), view).written,
          new TextDecoder().decode(view).length];
        thrown(() => new WebAssembly.Module(view));
        return [...sizes, structuredClone(view).length, view, words];
        """,
        [8, 8, 8, b"x" * 8, b"xxxx"],
    ),
    "a typed array whose buffer has taken memory": (
        """
        const buffer = new ArrayBuffer(0, { maxByteLength: 1 << 22 }), view = new Uint8Array(buffer);
        buffer.resize(1 << 22);
        return [new TextEncoder().encodeInto("x".repeat(100), view).written, view.length];
        """,
        [100, 1 << 22],
    ),
    "events, dispatched within their dispatch": (
        """
        const event = new Event("x"), target = new EventTarget();
        let calls = 0;
        target.addEventListener("x", function again() {
          calls++;
          target.removeEventListener("x", again);
          target.addEventListener("x", again);
          calls += thrown(() => target.dispatchEvent(event)) === "InvalidStateError" ? 10 : 0;
        });
        target.dispatchEvent(event);
        return calls;
        """,
        11,
    ),
    "parameters of a URL, changed while they are read": (
        """
        const url = new URL("http://h/?" + "a=1&".repeat(100));
        let seen = 0;
        url.searchParams.forEach(() => { seen++; url.search = "?a=1"; });
        return seen;
        """,
        1,
    ),
    "random values for a view that is gone": (
        """
        const view = new Uint8Array(64);
        view.buffer.transfer();
        return [thrown(() => crypto.getRandomValues(view).length)];
        """,
        [0],
    ),
    "console, with values that run code": (
        """
        const boom = () => { throw new Error("boom"); };
        console.log({ get a() { boom(); }, [Symbol.toStringTag]: { toString: boom } });
        console.log(new Proxy({}, { get: boom, ownKeys: boom }));
        const get = (target, key) => key === "length" ? 3 : target[key];
        console.table(new Proxy([], { get, ownKeys: () => ["length"] }));
        return 1;
        """,
        1,
    ),
}

ALL = {**ENGINE, **RUNTIME}


@pytest.mark.parametrize("name", ALL)
def test_code_in_the_midst_of_a_call(target: Target, name: str) -> None:
    body, expected = ALL[name]
    check_attacks(target.attack(f"{THROWN}{body}"), expected)
