"""A sandbox that has no memory left: its slice fails and says so, the next one gets a new sandbox, a peer is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from line_peer import TcpEvaluator

MIB = 1 << 20
# Numbers with a fraction take at least 8 bytes each on every engine.
BLOCK = "Array(5e5).fill(0.5)"
GREEDY = f"const all = []; for (;;) all.push({BLOCK});"

# What wasmtime, and not the engine, holds.
OF_WASMTIME = {
    "globals": "new WebAssembly.Global({ value: 'externref', mutable: true }, kept)",
    "exceptions": "new WebAssembly.Exception(tag, [kept])",
    "small tables": "new WebAssembly.Table({ element: 'anyfunc', initial: 100 })",
    "large tables": "new WebAssembly.Table({ element: 'externref', initial: 1e6 }, kept)",
}
FILL_WASMTIME = """
const tag = new WebAssembly.Tag({ parameters: ["externref"] }), kept = [];
for (;;) kept.push(%s);
"""

# What is half changed when there is no more memory.
IN_THE_MIDDLE = {
    "an array that becomes a table": "const array = new Array(2e7); for (let at = 2e7; at--;) array[at] = 0;",
    "an object with more properties": "const object = {}; for (let n = 0;; n++) object[`key ${n}`] = n;",
    "compiled code": "const all = []; for (;;) all.push((0, eval)(`() => { ${'all(1);'.repeat(all.length)} }`));",
}

EVALUATE = """
onreadln((line) => {
  let answer;
  try { answer = String((0, eval)(line)); } catch (error) { answer = `thrown: ${error}`; }
  writeln(answer);
});
"""


@pytest.fixture(scope="module")
def small() -> Iterator[dcp.Evaluator]:
    """Sandboxes with little memory, which is soon used up."""
    with dcp.Evaluator(48 * MIB) as evaluator:
        yield evaluator


def run(evaluator: dcp.Evaluator, count: int, source: str, sandboxes: int = 1) -> tuple[dcp.Results, dcp.Job]:
    job = dcp.compute_for(range(count), source)
    return job.local_exec(sandboxes, evaluator=evaluator, retries=0, progress_timeout=30).wait(60), job


# --- Slices ---


def test_what_slices_leave_behind_fails_none_of_them(small):
    """Each keeps a block for ever: a sandbox has room for a few."""
    source = f"(i) => {{ (globalThis.kept ??= []).push({BLOCK}); return [i, kept.length]; }}"
    for sandboxes in (1, 2):
        results, job = run(small, 40, source, sandboxes)
        assert [index for index, _ in results] == list(range(40))
        assert 1 < max(kept for _, kept in results) < 40
        assert job.metrics.sandbox_deaths == 0


def test_slices_around_one_that_takes_all_memory_are_run_once(small):
    """Hundreds wait in the sandbox when it has no more memory."""
    source = f"(i) => {{ console.log(i); if (i === 300) {{ {GREEDY} }} return i; }}"
    job = dcp.compute_for(range(600), source)
    begun: list[int] = []
    job.on("console", lambda event: begun.append(int(event.message)))
    results = job.local_exec(1, evaluator=small, retries=0).wait(60)
    assert results.errors.keys() == {300}
    assert (results.errors[300].code, results.errors[300].name) == ("EWORK", "InternalError")
    assert results.errors[300].message.startswith("out of memory")
    assert all(results[i] == i for i in range(600) if i != 300)
    # Once more than the others: in a sandbox that has run some, and in a new one.
    assert sorted(begun) == sorted([*range(600), 300])
    assert job.metrics.sandbox_deaths == 0


def test_the_last_slice_gets_a_new_sandbox_though_an_old_one_is_idle(small):
    results, _ = run(small, 6, f"(i) => {{ if (i === 5) {{ {GREEDY} }} return i; }}", sandboxes=2)
    assert results.errors.keys() == {5}


def test_a_slice_that_catches_the_error_keeps_its_sandbox(small, engine):
    caught = "try { new ArrayBuffer(2 ** 40); } catch (error) { return `${i} ${globalThis.seen ??= i}`; }"
    results, _ = run(small, 20, f"(i) => {{ {caught} }}")
    assert list(results) == [f"{i} 0" for i in range(20)]


def test_an_error_of_another_kind_keeps_its_sandbox(small):
    source = "(i) => { globalThis.seen ??= i; if (i === 1) throw new RangeError('mine'); return seen; }"
    results, _ = run(small, 3, source)
    assert results.errors[1].message == "mine"
    assert results[0] == results[2] == 0


@pytest.mark.engine("quickjs", "V8 has a WebAssembly of its own")
@pytest.mark.parametrize("name", OF_WASMTIME)
def test_memory_of_wasmtime(small, name):
    results, job = run(small, 2, f"(i) => {{ if (i === 1) return 42; {FILL_WASMTIME % OF_WASMTIME[name]} }}")
    assert results.errors[0].code == "EWORK"
    assert results.errors[0].message.startswith("out of memory")
    assert results[1] == 42
    assert job.metrics.sandbox_deaths == 0


@pytest.mark.parametrize("name", IN_THE_MIDDLE)
def test_memory_that_ends_in_the_middle_of_a_change(small, name):
    results, job = run(small, 2, f"(i) => {{ if (i === 1) return 42; {IN_THE_MIDDLE[name]} }}")
    assert results.errors[0].code == "EWORK"
    assert results.errors[0].message.startswith("out of memory")
    assert results[1] == 42
    assert job.metrics.sandbox_deaths == 0


# --- Lines ---


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TcpEvaluator]:
    file: Path = tmp_path_factory.mktemp("lines") / "evaluate.js"
    file.write_text(EVALUATE, encoding="utf-8")
    with TcpEvaluator(str(file), options=("--memory-limit", "48")) as evaluator:
        yield evaluator


@pytest.mark.engine("quickjs", "V8 ends a sandbox whose heap is full at once: tests/engine/test_v8.py")
def test_a_program_that_gives_its_memory_back_goes_on(lines):
    with lines.connect() as peer:
        assert peer.ask(f"{{ {GREEDY} }}") == "thrown: InternalError: out of memory"
        assert peer.ask("6 * 7") == "42"


@pytest.mark.engine("quickjs", "V8 ends a sandbox whose heap is full at once: tests/engine/test_v8.py")
def test_a_program_that_keeps_its_memory_is_ended_and_the_peer_is_told(lines):
    with lines.connect() as peer:
        assert peer.ask("var kept = []; for (;;) kept.push({});") == "thrown: InternalError: out of memory"
        assert peer.read() == "DIE: out of memory"
        assert peer.read() == ""
    with lines.connect() as peer:
        assert peer.ask("6 * 7") == "42"


@pytest.mark.engine("quickjs", "V8 has a WebAssembly of its own")
def test_memory_of_wasmtime_that_is_used_up_is_told_to_the_peer(lines):
    """Whether the engine or wasmtime is the first to find no memory, and where, is a matter of pages."""
    for _ in range(3):
        with lines.connect() as peer:
            told = peer.ask(" ".join((FILL_WASMTIME % OF_WASMTIME["globals"]).split()))
            assert "out of memory" in told
            after = peer.read() if told.startswith("DIE:") else peer.ask("6 * 7")
            assert after == "" if told.startswith("DIE:") else after == "42", (told, after)
