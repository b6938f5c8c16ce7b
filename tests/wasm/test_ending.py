"""Endless loops in wasm, and in calls between wasm and JavaScript, end like those in JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dcp_evaluator as dcp
from line_peer import TcpEvaluator, write_prelude
from scripts import wasm

# Loops in wasm only, in wasm that calls JavaScript, and in JavaScript that calls wasm; one that does it at the start.
SPINNING = wasm("""(module (import "m" "f" (func $f))
  (func (export "loop") (loop $again (br $again)))
  (func (export "pair") (loop $again call $f (br $again)))
  (func (export "nothing"))
  (func $tail (export "tail") return_call $tail))""")
STARTING = wasm("(module (func $f (loop $again (br $again))) (start $f))")

SPIN = """
const spinning = (kind, spinning, starting) => {
  if (kind === "start") new WebAssembly.Instance(new WebAssembly.Module(starting));
  const e = new WebAssembly.Instance(new WebAssembly.Module(spinning), { m: { f() {} } }).exports;
  if (kind === "calls") for (;;) e.nothing();
  try {
    e[kind]();
  } finally {
    // Nothing of the user's runs once the end has come.
    globalThis.reached = true;
  }
};
"""
KINDS = ("loop", "pair", "tail", "calls", "start")


@pytest.mark.parametrize("kind", KINDS)
def test_the_watchdog_ends_it(evaluator: dcp.Evaluator, kind: str) -> None:
    work = f"""(() => {{
      {SPIN}
      return (kind, one, other) => {{ if (kind !== "none") spinning(kind, one, other); return 1; }};
    }})()"""
    job = dcp.compute_for([kind, "none"], work, SPINNING, STARTING)
    results = job.local_exec(1, evaluator=evaluator, progress_timeout=3).wait(60)
    assert results.errors[0].code == "ENOPROGRESS"
    assert results[1] == 1


@pytest.fixture(scope="module")
def tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpEvaluator]:
    files = f"""{SPIN}
      const [one, other] = [{list(SPINNING)}, {list(STARTING)}].map((bytes) => new Uint8Array(bytes));
      handlers.wasm = (kind) => spinning(kind, one, other);
    """
    file = write_prelude(tmp_path_factory.mktemp("spin"), files)
    with TcpEvaluator(file, options=("-d", "7")) as evaluator:
        yield evaluator


@pytest.mark.parametrize("kind", KINDS)
def test_a_peer_that_leaves_ends_it(tcp: TcpEvaluator, kind: str) -> None:
    with tcp.connect() as peer:
        assert peer.ask("echo ready") == "ready"
        peer.send(f"wasm {kind}")
        tcp.said.clear()
    tcp.wait_for(" ended (")
