"""A work function changes what the runtime and the engine stand on, or does so in the midst of a call."""

from __future__ import annotations

import re

import pytest
from target import Attacks, Target, check_attacks

# What stays changed: the sandbox, its next slice and what is reported of both must not notice.
LASTING: Attacks = {
    "every prototype has a toJSON": (
        "Object.prototype.toJSON = Array.prototype.toJSON = () => 'tampered'; return 1;",
        1,
    ),
    "every object has the runtime's names": (
        """
        for (const key of ["get", "set", "value", "cpu", "wall", "gpu", "name", "message", "stack", "type", "due", "id",
                           "cancelled", "reason", "retries", "public", "transfer", "stream", "fatal", "size"]) {
          Object.defineProperty(Object.prototype, key, {
            __proto__: null, configurable: true, get() { throw new Error("got"); }, set() { throw new Error("set"); },
          });
        }
        return 2;
        """,
        2,
    ),
    "every object is a thenable": (
        """
        Object.defineProperty(Object.prototype, "then", { configurable: true, get() { throw new Error("then"); } });
        return "no object";
        """,
        "no object",
    ),
    "every array has accessors for its items": (
        """
        for (let i = 0; i < 10; i++) {
          Object.defineProperty(Array.prototype, i, { get: () => "stolen", set() { throw new Error("set"); } });
        }
        return 3;
        """,
        3,
    ),
    "arrays inherit from a proxy": (
        """
        const trap = () => { throw new Error("trap"); };
        Object.setPrototypeOf(Array.prototype, new Proxy({}, new Proxy({}, { get: () => trap })));
        return 4;
        """,
        4,
    ),
    "all methods of the builtins throw": (
        """
        const boom = () => { throw new Error("boom"); };
        const classes = [Array, Map, Set, WeakMap, String, Number, Promise, Date, RegExp, Error, ArrayBuffer, DataView,
                         Uint8Array, Object.getPrototypeOf(Uint8Array)];
        for (let i = 0; i < classes.length; i++) {
          const { prototype } = classes[i];
          const keys = Reflect.ownKeys(prototype);
          for (let k = 0; k < keys.length; k++) {
            if (keys[k] === "constructor" || keys[k] === "length") continue;
            Reflect.defineProperty(prototype, keys[k], { configurable: true, get: boom, set: boom });
          }
        }
        return 5;
        """,
        5,
    ),
    "functions cannot be called by call, apply, bind": (
        """
        const boom = () => { throw new Error("boom"); };
        Function.prototype.call = Function.prototype.apply = Function.prototype.bind = boom;
        Reflect.apply = Reflect.construct = Reflect.ownKeys = Reflect.getPrototypeOf = boom;
        return 6;
        """,
        6,
    ),
    "promises are subverted": (
        """
        const boom = () => { throw new Error("boom"); };
        Promise.prototype.then = Promise.resolve = Promise.prototype.catch = Promise.prototype.finally = boom;
        Object.defineProperty(Promise, Symbol.species, { get: boom });
        await null;
        return 7;
        """,
        7,
    ),
    "iteration is subverted": (
        """
        const endless = () => ({ next: () => ({ done: false }) });
        for (const Class of [Array, Map, Set, String]) Class.prototype[Symbol.iterator] = endless;
        Object.getPrototypeOf(Uint8Array).prototype[Symbol.iterator] = endless;
        Object.getPrototypeOf([].values()).next = () => ({ done: false });
        return 8;
        """,
        8,
    ),
    "symbols that steer the language": (
        """
        const boom = () => { throw new Error("boom"); };
        for (const symbol of [Symbol.toPrimitive, Symbol.toStringTag, Symbol.isConcatSpreadable, Symbol.unscopables]) {
          Object.defineProperty(Object.prototype, symbol, { configurable: true, get: boom });
        }
        Object.defineProperty(Function.prototype, Symbol.hasInstance, { value: boom });
        return 9;
        """,
        re.compile("boom|9|$"),
    ),
    "all globals are deleted": (
        """
        const { deleteProperty, ownKeys } = Reflect, self = globalThis;
        for (const key of ownKeys(self)) deleteProperty(self, key);
        return 10;
        """,
        10,
    ),
    "all builtins are frozen": (
        """
        const seen = new Set();
        const freeze = (object) => {
          if (Object(object) !== object || seen.has(object)) return;
          seen.add(object);
          for (const key of Reflect.ownKeys(object)) {
            const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key);
            [value, get, set, Reflect.getPrototypeOf(object)].forEach(freeze);
          }
          if (object !== globalThis) Object.freeze(object);
        };
        freeze(globalThis);
        return 11;
        """,
        11,
    ),
    "the shape of errors": (
        """
        const boom = () => { throw new Error("boom"); };
        Error.prepareStackTrace = boom;
        Object.defineProperty(Error, "stackTraceLimit", { get: boom });
        for (const key of ["name", "message", "toString"]) Object.defineProperty(Error.prototype, key, { get: boom });
        return 12;
        """,
        12,
    ),
    "the job's own globals": (
        """
        const boom = () => { throw new Error("boom"); };
        Object.setPrototypeOf(work, new Proxy({}, { get: boom, has: boom }));
        work.emit = work.reject = console.log = boom;
        globalThis.progress = globalThis.console = globalThis.setTimeout = boom;
        return 13;
        """,
        13,
    ),
    "slices are answered by hand": (
        """
        work.job.public = 0;
        for (const name of ["sendFrame", "onFrame", "ops", "runtime", "native"]) globalThis[name]?.([22, 1, 7]);
        return [typeof sendFrame, typeof ops, typeof runtime];
        """,
        ["undefined"] * 3,
    ),
}


@pytest.mark.parametrize("name", LASTING)
def test_lasting_changes(target: Target, name: str) -> None:
    check_attacks(target.attack(LASTING[name][0]), LASTING[name][1])


def test_an_error_is_told_whatever_errors_look_like(target: Target) -> None:
    found = target.attack(
        """
        Object.prototype.toJSON = () => "tampered";
        throw Object.defineProperties(new Error(), { name: { get() { throw 1; } }, message: { get: () => "x" } });
        """
    )
    check_attacks(found, re.compile("an error that cannot be described"))


# Results that run code while they leave the sandbox.
RESULTS: Attacks = {
    "settles many times": (
        """
        return { then(resolve, reject) { resolve(1); resolve(2); reject(new Error("3")); throw new Error("4"); } };
        """,
        1,
    ),
    "resolves itself with a thenable for ever, then stops": (
        """
        let left = 1000;
        return { then(resolve) { if (left-- > 0) resolve(this); else resolve("done"); } };
        """,
        "done",
    ),
    "a getter that says things": (
        """
        return { get a() { progress(1); console.log("within"); work.emit("x", 1); return 1; }, b: 2 };
        """,
        {"a": 1, "b": 2},
    ),
    "a getter that rejects the slice": (
        "return { a: 1, get b() { work.reject('no', 5); } };",
        re.compile(r"object Object|Error"),
    ),
    "a getter that detaches what follows": (
        """
        const later = new Uint8Array(1 << 20).fill(7);
        return { get a() { later.buffer.transfer(); return 1; }, later };
        """,
        re.compile("detached buffer cannot leave"),
    ),
    "a getter that shrinks what follows": (
        """
        const buffer = new ArrayBuffer(1 << 20, { maxByteLength: 1 << 20 });
        return { get a() { buffer.resize(2); return 1; }, bytes: [new DataView(buffer, 1), buffer] };
        """,
        {"a": 1, "bytes": [b"\0", b"\0\0"]},
    ),
    "a getter that removes what follows": (
        "const value = { get a() { delete value.b; return 1; }, b: 2, c: 3 }; return value;",
        {"a": 1, "b": None, "c": 3},
    ),
    "an array of which almost all is missing": (
        """
        const list = ["x".repeat(30 << 20)];
        list[1] = list[2] = list[0];
        list.length = 2 ** 32 - 1;
        return list;
        """,
        re.compile("more than 1 GiB"),
    ),
    "an array that grows while it is read": (
        """
        const list = [1, 2];
        Object.defineProperty(list, 0, { get() { for (let i = 0; i < 1e5; i++) list.push(i); return 1; } });
        return list;
        """,
        [1, 2],
    ),
    "a proxy that lies about its keys": (
        """
        return new Proxy({}, { ownKeys: () => ["a", "a2"], get: () => 1,
          getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: 2 }) });
        """,
        {"a": 1, "a2": 1},
    ),
    "a proxy that was revoked": (
        "const { proxy, revoke } = Proxy.revocable([], {}); return { get a() { revoke(); return 1; }, proxy };",
        re.compile("revoked"),
    ),
    "a value without an end": (
        "const endless = () => ({ get next() { return endless(); } }); return endless();",
        re.compile("nested more than 512 deep"),
    ),
    "toJSON that gives itself": (
        "const value = { toJSON() { return value; } }; return value;",
        re.compile("nested more than 512 deep|stack"),
    ),
    "symbols and functions": ("return [() => 1];", re.compile("a function cannot leave")),
    "a key that is no UTF-8": ("return { '\\ud800': '\\udfff' };", {"\ufffd": "\ufffd"}),
    "the key __proto__": (
        'return JSON.parse(\'{"__proto__": {"a": 1}, "constructor": 2}\');',
        {"__proto__": {"a": 1}, "constructor": 2},
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_that_run_code(target: Target, name: str) -> None:
    check_attacks(target.attack(RESULTS[name][0]), RESULTS[name][1])
