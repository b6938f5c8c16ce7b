"""V8 after fork(): a thousand children of one warm zygote, sealed, in which V8 has reason to do all that it does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from line_peer import TcpEvaluator

pytestmark = pytest.mark.any_engine

CHILDREN = 1000
AT_ONCE = 4

# What is warm in the zygote goes on in the children: optimised code is entered, left again, and made anew.
SOURCE = """
const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1,
  7, 5, 1, 1, 102, 0, 0, 10, 42, 1, 40, 1, 1, 127, 3, 64, 32, 1, 32, 0, 106, 33, 1, 32, 0, 65, 1, 107, 34, 0, 13, 0,
  11, 65, 0, 32, 1, 54, 2, 0, 65, 1, 64, 0, 26, 65, 0, 40, 2, 0, 11]);
const add = (a, b) => a + b;
const sum = (n, step) => { let total = step; for (let i = 0; i < n; i++) total = add(total, step); return total; };
for (let i = 0; i < 50; i++) sum(10000, 1);
const warm = [];
for (let i = 0; i < 4000; i++) warm.push({ i, text: `item ${i}` });

function garbage() {
  let kept = [];
  for (let round = 0; round < 12; round++) {
    kept = kept.slice(-3);
    kept.push(Array.from({ length: 4000 }, (_, i) => ({ round, i, next: kept[0] })));
  }
  return kept.length;
}

async function work(seed) {
  const numbers = sum(50000, 1);                      // optimised before the fork
  const text = sum(10, "x");                          // deoptimises it
  const again = sum(50000, 0.5);
  const module = await WebAssembly.compile(wasm);     // code is made in the child
  const instance = new WebAssembly.Instance(module);
  const calculated = instance.exports.f(10000 + seed);
  for (const item of warm) item.seed = seed;          // every page of the zygote's heap is written to
  const kept = garbage();
  const big = new Float64Array(1 << 18).fill(seed).reduce((a, b) => a + b, 0);
  const matched = "a1b22c333".replace(/\\d+/g, (digits) => digits.length);
  const answer = [numbers, text, again, calculated, kept, big === seed * (1 << 18), matched].join();
  writeln(`${Math.random()} ${answer}`);
}
onreadln((line) => { work(Number(line)).catch((error) => writeln(String(error.stack))); });
"""


def expected(seed: int) -> str:
    count = 10000 + seed
    calculated = (count * (count + 1) // 2 + 2**31) % 2**32 - 2**31
    return f"50001,{'x' * 11},25000.5,{calculated},4,true,a1b2c3"


@pytest.mark.timeout(300)
def test_a_thousand_children_compute_collect_compile_and_deoptimise(tmp_path: Path) -> None:
    script = tmp_path / "start.js"
    script.write_text(SOURCE)
    draws = set()

    def one(seed: int) -> None:
        with evaluator.connect() as peer:
            draw, _, answer = peer.ask(str(seed)).partition(" ")
        assert answer == expected(seed)
        draws.add(draw)

    with TcpEvaluator(str(script), options=("--engine", "v8")) as evaluator, ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(one, range(CHILDREN)))
    assert len(draws) == CHILDREN, "children draw the same random numbers"
