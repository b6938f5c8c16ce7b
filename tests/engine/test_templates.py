"""dcp-zygote --template: what trusted code has made is in each sandbox, and what a job makes in none but its own."""

from __future__ import annotations

import json
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from dcp_evaluator.errors import ZygoteError
from dcp_evaluator.frames import table
from dcp_evaluator.frames.fields import Assigned, AssignmentFailed, Failed, Ready, Result, SandboxFrame, Spent
from dcp_evaluator.frames.values import FrameDecoder, SharedArrays, encode
from dcp_evaluator.sandboxes.sandbox import Sandbox, SandboxFactory
from dcp_evaluator.settings.settings import Settings

SCRIPT = """(async (host, { module, text }) => {
  await new Promise((resolve) => setTimeout(resolve, 1));
  const { instance } = await WebAssembly.instantiate(host.readFile(module), {});
  instance.exports.next();
  const words = host.readText(text);
  console.log("nobody hears this");
  const worktime = {
    isBroken: false,
    assign(job) {
      if (job.workFunction === "bad") throw new RangeError("no such function");
      return (datum, index) => {
        if (datum === "read") return host.readText(text);
        if (datum === "break") {
          worktime.isBroken = true;
          throw new Error("broken");
        }
        return [words, index, instance.exports.next(), Math.random(), Object.keys(job)];
      };
    },
  };
  return worktime;
})"""


class Guest:
    """A sandbox, and what it says."""

    def __init__(self, factory: SandboxFactory) -> None:
        self._factory = factory
        self._sandbox: Sandbox = factory.create(FrameDecoder())
        self._said: list[SandboxFrame] = []
        assert isinstance(self.hear(), Ready)

    def hear(self) -> SandboxFrame:
        channel, services = self._sandbox.channel, self._sandbox.service_socket
        while not self._said:
            readable, _, _ = select.select([channel, services], [], [], 10)
            assert readable, "the sandbox says nothing"
            if services in readable:
                self._factory.services.answer(services, self._sandbox.number)
            if channel in readable:
                self._said += [frame for frame, _ in self._sandbox.receive()]
        return self._said.pop(0)

    def say(self, frame: list[Any]) -> SandboxFrame:
        self._sandbox.channel.send(encode(frame, SharedArrays()))
        assert self._sandbox.channel.flush()
        return self.hear()

    def assign(self, work_function: str) -> SandboxFrame:
        return self.say([table.ASSIGN, {"workFunction": work_function, "name": "job", "arguments": [], "public": {}}])

    def run(self, index: int, datum: Any = None) -> Any:
        answer = self.say([table.RUN, index, datum])
        return answer.value if isinstance(answer, Result) else answer

    def close(self) -> None:
        self._sandbox.close()


@contextmanager
def template(tmp_path: Path, script: str = SCRIPT) -> Iterator[SandboxFactory]:
    source, module, text = tmp_path / "script.js", tmp_path / "counter.wasm", tmp_path / "words.txt"
    source.write_text(script)
    text.write_text("grüß dich")
    module.write_bytes(
        wasmtime.wat2wasm(
            '(module (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32)'
            " (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"
        )
    )
    description = json.dumps({"script": str(source), "module": str(module), "text": str(text)})
    factory = SandboxFactory(Settings(), template=description)
    try:
        yield factory
    finally:
        factory.close()


@contextmanager
def guest(factory: SandboxFactory) -> Iterator[Guest]:
    made = Guest(factory)
    try:
        yield made
    finally:
        made.close()


def test_each_sandbox_goes_on_from_what_the_template_has_made(tmp_path):
    with template(tmp_path) as factory, guest(factory) as one, guest(factory) as other:
        assert isinstance(one.assign("any"), Assigned)
        assert isinstance(other.assign("any"), Assigned)
        first, second, third = one.run(0), one.run(1), other.run(7)
    assert [answer[:3] for answer in (first, second, third)] == [
        ["grüß dich", 0, 2], ["grüß dich", 1, 3], ["grüß dich", 7, 2],
    ]  # fmt: skip
    assert len({answer[3] for answer in (first, second, third)}) == 3, "random numbers are the same in two forks"
    assert set(first[4]) == {"workFunction", "name", "arguments", "public"}


def test_a_job_that_its_worktime_refuses(tmp_path):
    with template(tmp_path) as factory, guest(factory) as one:
        refused = one.assign("bad")
    assert isinstance(refused, AssignmentFailed)
    assert (refused.error.name, refused.error.message) == ("RangeError", "no such function")


def test_no_file_can_be_read_after_the_fork(tmp_path):
    with template(tmp_path) as factory, guest(factory) as one:
        one.assign("any")
        refused = one.run(0, "read")
    assert isinstance(refused, Failed)
    assert refused.error.message == "there are no files"


def test_a_sandbox_whose_worktime_is_broken_takes_no_more(tmp_path):
    with template(tmp_path) as factory, guest(factory) as one:
        one.assign("any")
        failed = one.run(0, "break")
        assert isinstance(failed, Spent)
        assert failed.error.message == "broken"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("(async (host) => { throw new TypeError('not today'); })", "TypeError: not today"),
        ("(async (host) => host.readFile('/nowhere/at-all'))", "/nowhere/at-all: No such file or directory"),
        ("(async (host) => new Promise(() => {}))", "the template waits for something that will not come"),
        ("(async (host", "SyntaxError"),
        ("1", "TypeError"),
    ],
    ids=["throws", "no file", "waits for ever", "syntax", "no function"],
)
def test_a_template_that_cannot_be_loaded_says_why(tmp_path, script, reason):
    with template(tmp_path, script) as factory, pytest.raises(ZygoteError, match=reason):
        factory.zygote.wait_ready()


def test_what_does_not_compile_says_so(tmp_path):
    script = "(async (host, { text }) => WebAssembly.compile(host.readFile(text)))"
    with template(tmp_path, script) as factory, pytest.raises(ZygoteError, match="CompileError"):
        factory.zygote.wait_ready()
