"""What never ends by itself is ended: by the limit without progress, or when its peer leaves."""

from __future__ import annotations

import re

import pytest
from target import DEADLINE, Target, wasm

import dcp_evaluator as dcp
from line_peer import TcpEvaluator
from process_tree import children, running
from zygote_control import wait_until

LOOP = wasm('(module (func (export "run") (loop $again (br $again))))')
RUN = f"new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array([{', '.join(map(str, LOOP))}]))).exports.run()"

ENDLESS = {
    "a loop": "for (;;);",
    "a loop that catches": "for (;;) { try { for (;;) throw 1; } catch {} }",
    "a loop that is caught at its end": "try { for (;;); } finally { for (;;); }",
    "a generator": "for (const x of (function* () { for (;;) yield 1; })());",
    "an iterator that is spread": "new Set({ [Symbol.iterator]: () => ({ next: () => ({ value: 1 }) }) });",
    "a comparator": "[3, 2, 1].sort(() => { for (;;); });",
    "a sort of much": "const a = new Uint32Array(1 << 22); for (;;) a.sort((x, y) => y - x);",
    "a sort without a comparator": "const a = Array.from({ length: 1e5 }, (_, i) => `${-i}`); for (;;) a.toSorted();",
    "a regular expression": "/^(a+)+$/.test(`${'a'.repeat(60)}b`);",
    "a regular expression in parts": "/(x+x+)+y/.test('x'.repeat(60));",
    "a replacement": "'a'.repeat(60).replace(/(a|aa)+$(?!)/, '');",
    "a getter": "({ get a() { for (;;); } }).a;",
    "a proxy": "'x' in new Proxy({}, { has() { for (;;); } });",
    "a reviver": "JSON.parse('[1]', () => { for (;;); });",
    "a search in a long string": "const s = 'a'.repeat(1 << 20); for (;;) s.indexOf(`${s.slice(1 << 19)}b`);",
    "a big integer": "for (let b = 3n;; b = b * b % (1n << 200000n));",
    "a mapping without an end": "Array.from({ length: 2 ** 32 - 1 }, () => 0).length;",
    "an array-like without an end": "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);",
    "a wait": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);",
    "wasm": RUN,
    "wasm, from a getter": f"({{ get a() {{ return {RUN}; }} }}).a;",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_ended_without_progress(target: Target, name: str) -> None:
    found = target.attack(ENDLESS[name], progress_timeout=0.6)
    # Some end for want of memory before; and QuickJS lets its one thread not wait.
    ended = found.outcome.code == "EWORK" and re.search("memory|TypeError: cannot block", found.outcome.message)
    assert found.outcome.code == "ENOPROGRESS" or ended, found.outcome
    assert found.after.value == 42


@pytest.mark.parametrize("name", ["a loop", "a comparator", "a regular expression", "a proxy", "wasm"])
def test_ended_when_the_peer_leaves(line_target: TcpEvaluator, name: str) -> None:
    (zygote,) = running("dcp-zygote", children(line_target.process.pid))
    with line_target.connect() as peer:
        assert peer.ask("1") == "1"
        peer.send(ENDLESS[name])
    wait_until(lambda: len(children(zygote)) <= 2, "only the spares are left")


def test_many_endless_sandboxes_at_once(target: Target) -> None:
    """They share the CPUs with those that work, and each is ended."""
    results = dcp.compute_for(range(8), "(i) => { if (i % 2) for (;;); return i; }").local_exec(
        8, evaluator=target.evaluator, progress_timeout=4
    )
    results.wait(DEADLINE)
    assert {index: error.code for index, error in results.errors.items()} == dict.fromkeys((1, 3, 5, 7), "ENOPROGRESS")
    assert [results[i] for i in (0, 2, 4, 6)] == [0, 2, 4, 6]
