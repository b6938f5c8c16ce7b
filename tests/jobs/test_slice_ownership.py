"""What a finished slice has left behind - timers, promises, listeners - never speaks in the name of the next one."""

from __future__ import annotations

from typing import Any

import pytest

import dcp_evaluator as dcp

_WORK = """async (index) => {
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const say = (what) => {
    console.log(what);
    work.emit("said", what);
    progress(what);
  };
  if (index === 0) {
    globalThis.target = new EventTarget();
    globalThis.gate = new Promise((open) => { globalThis.open = open; });
    LEAVE
    say("mine");
    return;
  }
  say("mine");
  await pause(30);
  say("mine");
  open("gate");
  target.dispatchEvent(new Event("knock"));
  await pause(30);
  say("mine");
}"""

_LEFT = {
    "a timer": 'setTimeout(() => say("left"), 15);',
    "an interval": 'let n = 0; const id = setInterval(() => { say("left"); if (++n === 2) clearInterval(id); }, 15);',
    "an async function that sleeps": '(async () => { await pause(15); say("left"); await pause(1); say("left"); })();',
    "an async function that the next slice wakes": '(async () => { await gate; say("left"); })();',
    "a reaction that the next slice runs": 'gate.then(() => say("left"));',
    "a microtask behind it": 'gate.then(() => queueMicrotask(() => say("left")));',
    "a thenable": 'gate.then(() => ({ then(done) { say("left"); done(); } }));',
    "a listener": 'target.addEventListener("knock", () => say("left"));',
    "a handler behind an abort": 'AbortSignal.timeout(15).onabort = () => say("left");',
}


def _run(engine: str, work: str) -> tuple[list[Any], list[tuple[int, str]], dcp.Results]:
    events: list[Any] = []
    console: list[tuple[int, str]] = []
    with dcp.Evaluator(engine=engine) as evaluator:
        job = dcp.compute_for([0, 1], work)
        job.on("console", lambda event: console.append((event.index, event.message)))
        job.on("progress", lambda event: events.append(("progress", event.index, event.value)))
        job.work.on("said", lambda event: events.append(("said", event.index, event.value)))
        results = job.local_exec(1, evaluator=evaluator)
        results.wait()
    return events, console, results


@pytest.mark.parametrize("left", _LEFT)
def test_what_a_slice_left_speaks_for_no_slice(engine, left):
    events, console, results = _run(engine, _WORK.replace("LEAVE", _LEFT[left]))

    assert not results.errors
    assert {index for index, message in console if message == "left"} == {-1}
    assert [index for index, message in console if message == "mine"] == [0, 1, 1, 1]
    assert {index for kind, index, value in events if kind == "said" and value == "left"} == {-1}
    assert [index for kind, index, value in events if kind == "said" and value == "mine"] == [0, 1, 1, 1]
    # progress() of no slice is dropped: it is not a sign of life of the slice that runs.
    assert [(index, value) for kind, index, value in events if kind == "progress"] == [
        (0, "mine"), (1, "mine"), (1, "mine"), (1, "mine"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "left",
    [
        'setTimeout(() => { throw new Error("left"); }, 15);',
        'queueMicrotask(async () => { await pause(15); throw new Error("left"); });',
        'target.addEventListener("knock", () => { throw new Error("left"); });',
        'gate.then(() => { throw new Error("left"); });',
    ],
)
def test_an_error_of_what_a_slice_left_is_told_and_fails_no_slice(engine, left):
    _, console, results = _run(engine, _WORK.replace("LEAVE", left))

    assert not results.errors
    assert [index for index, message in console if "Error: left" in message] == [-1]


def test_the_callbacks_of_a_running_slice_are_its_own(engine):
    work = """async (index) => {
      setTimeout(() => console.log("timer"), 0);
      await new Promise((done) => setTimeout(done, 5));
      Promise.reject(new Error("not handled"));
      await new Promise((done) => setTimeout(done, 5));
      console.log("end");
    }"""
    _, console, results = _run(engine, work)

    assert not results.errors
    assert [(index, message.split("\n")[0]) for index, message in console] == [
        (index, message) for index in (0, 1) for message in ("timer", "Uncaught (in promise) Error: not handled", "end")
    ]


def test_an_error_in_a_callback_of_a_running_slice_is_its_error(engine):
    work = """async (index) => {
      if (index === 0) setTimeout(() => { throw new Error("mine"); }, 1);
      await new Promise((done) => setTimeout(done, 30));
      return index;
    }"""
    _, _, results = _run(engine, work)

    assert results.errors[0].message == "mine"
    assert results[1] == 1


def test_what_the_file_of_the_work_function_starts_belongs_to_no_slice(engine):
    work = """
      setInterval(() => console.log("file"), 2);
      async (index) => { await new Promise((done) => setTimeout(done, 15)); console.log("slice"); };
    """
    _, console, results = _run(engine, work)

    assert not results.errors
    assert {index for index, message in console if message == "file"} == {-1}
    assert [index for index, message in console if message == "slice"] == [0, 1]


@pytest.mark.engine("quickjs", "collects at once what nothing refers to")
def test_the_end_of_what_a_slice_left_is_told_by_no_slice(engine):
    work = """(index) => {
      if (index === 0) {
        globalThis.kept = {};
        globalThis.registry = new FinalizationRegistry(() => console.log("left"));
        registry.register(kept, 0);
      }
      console.log("mine");
      kept = undefined;
      return new Promise((done) => setTimeout(done, 1));
    }"""
    _, console, results = _run(engine, work.replace("kept = undefined", "if (index === 1) kept = undefined"))

    assert not results.errors
    assert console == [(0, "mine"), (1, "mine"), (-1, "left")]
