"""The dialogue with a sandbox, without one: what follows from each line, and from lines that no sandbox sends."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dcp_protocol import kvin
from dcp_worker.dialects import sandbox_messages
from dcp_worker.errors import (
    AssignError,
    NoProgressError,
    SandboxEndedError,
    SliceOutputError,
    UnrecoverableEvaluatorError,
)
from dcp_worker.sandboxes.dialogue import Dialogue
from dcp_worker.sandboxes.events import (
    Assigned,
    ConsoleWritten,
    Described,
    Ended,
    Evaluated,
    EventEmitted,
    FetchRequest,
    FetchResponse,
    FetchWanted,
    Measured,
    ModulesWanted,
    Progressed,
    SliceCompleted,
    SliceRejected,
    SliceThrew,
)
from dcp_worker.sandboxes.limits import Limits, Timeouts
from dcp_worker.sandboxes.states import State
from dcp_worker.sandboxes.wire import LineSplitter, RuleBrokenError, Wire
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job

pytestmark = pytest.mark.any_engine

MAP_BASIC = Worktime("map-basic", "1.0.0")
JOB = Job(identity="0x1", code="data:,", worktime=MAP_BASIC)
DESCRIPTION = {
    "capabilities": {"environment": {"webgpu": True}, "useStrict": True},
    "worktimes": [{"name": "map-basic", "versions": ["1.0.0"]}],
}
HANDLED = b'MSG:{"type":"result","step":"workerMessage","success":true,"origin":"workerMessage"}'


def line(ring: object, value: object, version: kvin.Version = 8) -> bytes:
    """As script-load-wrapper.js and sa-ww-simulation.js write it."""
    message = kvin.serialize({"ringSource": ring, "value": value}, version)
    return b'MSG:{"type":"workerMessage","message":%b}' % message


class Conversation:
    """A dialogue, and the clock of its supervisor."""

    def __init__(self, *, timeouts: Timeouts | None = None, limits: Limits | None = None) -> None:
        self.now = 100.0
        self.dialogue = Dialogue(sandbox_messages.V4, self.now, timeouts, limits)
        self.dialogue.describe(self.now)

    def says(self, ring: object, request: str, /, **members: object) -> list[Any]:
        """What happens when the sandbox sends that."""
        return self.sends(line(ring, {"request": request, **members}))

    def sends(self, *lines: bytes) -> list[Any]:
        for each in lines:
            self.dialogue.receive(each, self.now)
        return self.events()

    def events(self) -> list[Any]:
        return self.dialogue.take_events()

    def heard(self) -> list[dict[str, Any]]:
        """The messages that the sandbox has got."""
        lines = b"".join(self.dialogue.take_output()).splitlines()
        return [kvin.unmarshal(message["message"]) for text in lines if "message" in (message := json.loads(text))]

    def described(self) -> Conversation:
        (event,) = self.says(2, "describe", **DESCRIPTION)
        assert isinstance(event, Described)
        return self

    def assigned(self) -> Conversation:
        self.described()
        self.dialogue.assign(JOB, MAP_BASIC, "(x) => x", [], self.now)
        assert self.says(1, "applyRequirementsDone") == []
        assert self.says(2, "assigned", jobAddress="0x1") == [Assigned()]
        return self

    def working(self) -> Conversation:
        self.assigned()
        self.dialogue.work(self.dialogue.main(1), self.now)
        assert self.says(2, "resetStateDone") == []
        self.heard()
        return self

    def passes(self, seconds: float) -> list[Any]:
        self.now += seconds
        self.dialogue.time_passes(self.now)
        return self.events()


def ended(events: list[Any], kind: type[Exception], text: str) -> None:
    assert isinstance(events[-1], Ended), events
    assert type(events[-1].error) is kind
    assert text in str(events[-1].error)


# --- A slice ---


def test_the_messages_of_a_life() -> None:
    talk = Conversation()
    assert [message["request"] for message in talk.heard()] == ["describe"]
    assert talk.dialogue.deadline == 160.0
    talk.described()
    assert talk.dialogue.deadline == math.inf
    talk.dialogue.assign(JOB, MAP_BASIC, "(x) => x", [5], talk.now)
    (requirements,) = talk.heard()
    assert requirements["requirements"] == {"environment": {"webgpu": False, "offscreenCanvas": False}}
    talk.says(1, "applyRequirementsDone")
    (assignment,) = talk.heard()
    assert (assignment["job"]["workFunction"], assignment["job"]["arguments"]) == ("(x) => x", [5])
    assert talk.says(2, "assigned") == [Assigned()]
    talk.dialogue.work(talk.dialogue.main({"x": 1}), talk.now)
    reset, main = talk.heard()
    assert (reset, main) == ({"request": "resetState"}, {"request": "main", "data": {"x": 1}})
    assert talk.says(2, "resetStateDone") == []
    assert talk.says(3, "progress", progress=50, value=0.5, indeterminate=0, throttledReports=0) == [Progressed(50)]
    talk.says(3, "measurement", total=4, CPU=2.5, webGPU=1, webGL=0.5)
    (completed,) = talk.says(3, "complete", result=[1])
    assert completed == SliceCompleted([1], Measured(2.5, 1.5), completed.sizes)
    assert (talk.dialogue.state, talk.dialogue.deadline) == (State.ASSIGNED, math.inf)
    talk.dialogue.die()
    assert talk.dialogue.take_output() == [b'{"type":"die"}\n']
    ended(talk.events(), SandboxEndedError, "the sandbox was ended")


def test_measurements_add_up_and_those_that_are_no_durations_count_nothing() -> None:
    talk = Conversation().working()
    talk.says(3, "progress")
    for cpu in (1.5, 2, -7, math.nan, math.inf, "9", None, True):
        talk.says(3, "measurement", CPU=cpu, webGPU=cpu, webGL=0)
    (completed,) = talk.says(3, "complete", result=1)
    assert completed.measured == Measured(4.5, 4.5)


def test_what_comes_before_the_state_is_reset_belongs_to_no_slice() -> None:
    talk = Conversation().assigned()
    talk.dialogue.work(talk.dialogue.main(1), talk.now)
    payload = {"level": "log", "message": ["late"], "same": 1}
    assert talk.says(3, "console", payload=payload) == []
    assert talk.says(3, "emitEvent", payload={"customEvent": "late", "data": 1}) == []
    assert talk.says(3, "progress", progress=99) == []
    talk.says(3, "measurement", CPU=50, webGPU=50, webGL=0)
    assert talk.says(2, "resetStateDone") == []
    ended(talk.says(3, "complete", result=1), NoProgressError, "never emitted a progress event")


def test_a_second_result_ends_the_sandbox_and_is_no_result_of_the_next_slice() -> None:
    talk = Conversation().working()
    talk.says(3, "progress")
    talk.says(3, "complete", result=1)
    talk.dialogue.work(talk.dialogue.main(2), talk.now)
    ended(talk.says(3, "complete", result=2), SandboxEndedError, "a result of no slice, while it was resetting")


@pytest.mark.parametrize("error", [{"name": "E", "message": "m"}, "text", None, 5])
def test_what_is_thrown_is_an_error_whatever_it_is(error: object) -> None:
    talk = Conversation().working()
    (threw,) = talk.says(3, "workError", error=error)
    assert isinstance(threw, SliceThrew)
    assert threw.error.properties["errorCode"] == "EUNCAUGHT"


def test_a_rejection_is_an_answer_and_the_end() -> None:
    talk = Conversation().working()
    talk.says(3, "measurement", CPU=1, webGPU=0, webGL=0)
    rejected, end = talk.says(3, "workReject", workRejectData={"reason": False, "retries": 1})
    assert isinstance(rejected, SliceRejected) and isinstance(end, Ended)
    assert (rejected.reason, rejected.retries, rejected.measured.cpu) == ("false", 1, 1)


def test_a_value_that_cannot_be_read_is_what_the_slice_threw_and_ends_the_sandbox() -> None:
    talk = Conversation().working()
    bad = b'MSG:{"type":"workerMessage","message":{"_serializeVerId":"v99","what":{"raw":1}}}'
    threw, end = talk.sends(bad)
    assert threw.error.message == "Unserializable message from work function"
    ended([end], SandboxEndedError, "a value that cannot be read")


def test_a_message_that_could_be_sent_as_text_only() -> None:
    talk = Conversation().working()
    text = kvin.serialize({"ringSource": 3, "value": {"request": "progress", "progress": 25}}, 8).decode()
    wrapped = {"type": "workerMessage", "message": {"message": text, "serialized": True}}
    assert talk.sends(b"MSG:" + json.dumps(wrapped, separators=(",", ":")).encode()) == [Progressed(25)]


def test_a_sandbox_of_which_it_is_known_need_not_describe_itself() -> None:
    talk = Conversation()
    talk.dialogue = Dialogue(sandbox_messages.V4, talk.now)
    assert (talk.heard(), talk.dialogue.deadline) == ([], math.inf)
    talk.dialogue.assign(JOB, MAP_BASIC, "(x) => x", [], talk.now)
    talk.says(1, "applyRequirementsDone")
    assert talk.says(2, "assigned") == [Assigned()]
    ended(talk.says(2, "describe", **DESCRIPTION), SandboxEndedError, "describe while it was assigned")


# --- Time ---


def test_progress_moves_the_end_of_patience() -> None:
    talk = Conversation(timeouts=Timeouts(progress=10)).working()
    assert talk.passes(9) == []
    talk.says(3, "progress", progress=10, indeterminate=False, value="10%", throttledReports=3)
    assert talk.passes(9.5) == []
    events = talk.passes(0.5)
    ended(events, NoProgressError, "in the last 10 seconds")
    error = events[-1].error
    assert error.timestamp == 19_000
    report = {"deltaMs": 9000, "progress": 10, "value": "10%", "throttledReports": 3}
    assert error.reports == {"last": report, "lastDeterministic": report}


@pytest.mark.parametrize("state", [State.DESCRIBING, State.APPLYING, State.RESETTING])
def test_a_sandbox_that_does_not_answer_is_ended(state: State) -> None:
    talk = Conversation()
    if state is State.APPLYING:
        talk.described().dialogue.assign(JOB, MAP_BASIC, "(x) => x", [], talk.now)
    elif state is State.RESETTING:
        talk.assigned().dialogue.work(talk.dialogue.main(1), talk.now)
    assert talk.dialogue.state is state
    ended(talk.passes(60), SandboxEndedError, f"no answer within its time while it was {state}")


def test_time_for_a_job_does_not_run_while_modules_are_fetched() -> None:
    talk = Conversation(timeouts=Timeouts(assign=5)).described()
    talk.dialogue.assign(JOB, MAP_BASIC, "(x) => x", [], talk.now)
    talk.says(1, "applyRequirementsDone")
    (wanted,) = talk.says(2, "dependency", data=["a/b.js"], id=1.5)
    assert wanted == ModulesWanted(wanted.request, ["a/b.js"])
    assert talk.passes(1000) == []
    talk.heard()
    talk.dialogue.requests.provide_modules(wanted.request, {"a": {"b.js": "é𝒳"}}, talk.now)
    assert talk.heard() == [{"request": "moduleGroup", "data": {"a": {"b.js": "é𝒳"}}, "id": 1.5}]
    assert talk.dialogue.requests.module_size == 3
    ended(talk.passes(5), AssignError, "did not take the work function within 5 s")


# --- Sandboxes that break the rules ---


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (b"HTTP/1.1 400 Bad Request", "a line that is none of an evaluator's"),
        (b"MSG:{", "a message that is no JSON"),
        (b"MSG:[]", "a message of no known type"),
        (b'MSG:{"type":"workerMessage","message":5}', "a value that cannot be read"),
        (line("3", {}), "past its start-up files"),
        (line(-1, {"request": "complete"}), "an unknown message from ring -1"),
        (line(2, {"request": "surprise"}), "an unknown message from ring 2: surprise"),
        (line(2, {"request": "assigned"}), "take the job while it was assigned"),
        (line(2, {"request": "evalResult::x", "data": 1}), "an evaluation that nobody asked for"),
        (line(2, {"request": "dependency", "data": [5]}), "modules without their names"),
        (line(2, {"request": "fetchRequest", "data": {"url": 5}}), "a fetch that is none"),
        (line(0, {"request": "scriptLoaded", "script": "x.js", "result": "failure", "error": {"name": "E"}}), "x.js"),
        (b'MSG:{"type":"result","success":false,"exception":{"name":"TypeError","message":"no"}}', "TypeError: no"),
        (b"DIE: worker close called", "ended itself: worker close called"),
    ],
)
def test_what_ends_a_sandbox(sent: bytes, text: str) -> None:
    talk = Conversation().assigned()
    ended(talk.sends(sent), SandboxEndedError, text)
    assert talk.sends(line(3, {"request": "progress"}), HANDLED) == []


def test_an_evaluator_of_no_use_says_so() -> None:
    talk = Conversation()
    ended(talk.says(0, "unrecoverable-evaluator", message="\x1b[31mbad"), UnrecoverableEvaluatorError, "?[31mbad")


def test_work_functions_may_post_what_they_like() -> None:
    talk = Conversation().working()
    assert talk.says(3, "surprise") == []
    assert talk.sends(line(3, "text"), line(3, None), line(3, [1]), b"LOG:hello", HANDLED, b"") == []
    assert talk.dialogue.state is State.WORKING


def test_output_is_bounded() -> None:
    talk = Conversation(limits=Limits(output=10_000)).working()
    events = talk.says(3, "console", payload={"level": "log", "message": ["x" * 9000], "same": 1})
    assert isinstance(events[0], ConsoleWritten)
    ended(
        talk.says(3, "emitEvent", payload={"customEvent": "e", "data": "x" * 9000}),
        SliceOutputError,
        "more than 10000 characters",
    )


def test_services_are_bounded_and_answers_that_nobody_waits_for_are_dropped() -> None:
    talk = Conversation(limits=Limits(services=2)).working()
    fetch = {"url": "http://a/", "method": "GET", "headersEntries": [], "bodyBuffer": None}
    first, _ = talk.says(2, "fetchRequest", data=fetch, id=1) + talk.says(2, "dependency", data=["a"], id=2)
    assert first == FetchWanted(first.request, FetchRequest("http://a/", "GET", [], None, ""))
    talk.dialogue.requests.provide_response(first.request, FetchResponse("http://a/", 200, "OK", [], b""))
    talk.heard()
    talk.dialogue.requests.provide_response(first.request, FetchResponse("http://a/", 200, "OK", [], b""))
    talk.dialogue.requests.provide_modules(999, {}, talk.now)
    assert talk.heard() == []
    talk.says(2, "dependency", data=["b"], id=3)
    ended(talk.says(2, "dependency", data=["c"], id=4), SandboxEndedError, "more than 2 modules and fetches at once")


def test_fetches_of_no_slice_are_refused() -> None:
    talk = Conversation().assigned()
    talk.heard()
    fetch = {"url": "http://a/", "method": "GET", "headersEntries": [], "bodyBuffer": None}
    assert talk.says(2, "fetchRequest", data=fetch, id=1) == []
    (refusal,) = talk.heard()
    assert (refusal["request"], refusal["id"]) == ("fetchError", 1)


# --- Lines ---


@given(st.lists(st.binary(max_size=20)), st.lists(st.integers(0, 200), max_size=8))
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    lines = [text.replace(b"\n", b" ") for text in lines]
    data = b"".join(text + b"\n" for text in lines)
    splitter, found, begin = LineSplitter(1000), [], 0
    for end in (*sorted(cut for cut in cuts if cut < len(data)), len(data)):
        found += splitter.feed(data[begin:end])
        begin = end
    assert found == lines


def test_the_longest_line() -> None:
    splitter = LineSplitter(10)
    assert splitter.feed(b"12345") == splitter.feed(b"67890") == []
    assert splitter.feed(b"\n1") == [b"1234567890"]
    with pytest.raises(RuleBrokenError, match="more than 10 bytes"):
        splitter.feed(b"0123456789")


_ARRAYS = st.lists(st.integers(0, 255), max_size=30).map(lambda items: np.array(items, np.uint8))
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.integers(-(2**53), 2**53) | st.text(max_size=20)
    | st.just(kvin.UNDEFINED) | _ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(VALUES, st.sampled_from([8, 9]))
def test_the_size_of_a_result_is_that_of_its_own_text(value: object, version: kvin.Version) -> None:
    """As kvin.stringify gives it: in a message, references to earlier objects have other numbers."""
    sent = line(3, {"request": "complete", "result": value}, version)
    expected = len(kvin.serialize(value, version).decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass"))
    wire = Wire(version)
    assert abs(wire.result_size(wire.read(sent)) - expected // 2) <= 8


# --- A peer that may send anything, at any time ---

REQUESTS = [
    (0, "scriptLoaded"), (0, "__sandboxLoaded"), (0, "error"), (0, "unrecoverable-evaluator"),
    (1, "applyRequirementsDone"), (1, "error"), (2, "describe"), (2, "assigned"), (2, "reject"), (2, "error"),
    (2, "resetStateDone"), (2, "dependency"), (2, "fetchRequest"), (2, "evalResult::trial"),
    (2, "evalResult::evaluation"), (3, "progress"), (3, "noProgress"), (3, "console"), (3, "emitEvent"),
    (3, "measurement"), (3, "complete"), (3, "workError"), (3, "workReject"), (3, "sandboxError"), (3, "other"),
    (4, "complete"), (-1, "complete"),
]  # fmt: skip
MEMBERS = [
    "result", "error", "data", "id", "payload", "progress", "value", "indeterminate", "message", "CPU", "webGPU",
    "webGL", "workRejectData", "capabilities", "worktimes", "level", "same", "customEvent", "reason", "retries",
    "script",
]  # fmt: skip
EXPECTED = {
    State.DESCRIBING: (2, {"request": "describe", **DESCRIPTION}),
    State.APPLYING: (1, {"request": "applyRequirementsDone"}),
    State.ASSIGNING: (2, {"request": "assigned"}),
    State.RESETTING: (2, {"request": "resetStateDone"}),
    State.WORKING: (3, {"request": "progress", "progress": 10}),
}
# What most often does not end a sandbox that works.
HARMLESS = [(3, "console"), (3, "emitEvent"), (3, "measurement"), (3, "progress"), (3, "other"), (0, "__sandboxLoaded")]


class AnySandbox(RuleBasedStateMachine):
    """Whatever comes: no exception, one end, one answer to each question, and nothing after the end."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.dialogue = Dialogue(sandbox_messages.V5, self.now, limits=Limits(output=2000, services=3))
        self.dialogue.describe(self.now)
        self.asked: str | None = "describe"
        self.has_ended = False
        self.wanted: list[int] = []
        self.steps = self.tame = 0

    @initialize(state=st.sampled_from([State.DESCRIBING, State.ASSIGNING, State.WORKING]), steps=st.integers(0, 40))
    def is_tame_at_first(self, state: State, steps: int) -> None:
        """A sandbox that lies from its first line on is soon ended."""
        self.tame = steps
        while self.dialogue.state is not state:
            if self.dialogue.state is State.READY:
                self.assign()
            elif self.dialogue.state is State.ASSIGNED:
                self.work(1)
            self.send_what_is_expected()

    def is_wild(self) -> bool:
        return self.steps >= self.tame

    def take(self) -> None:
        answers = {
            Described: "describe", Assigned: "assign", Evaluated: "evaluate",
            SliceCompleted: "work", SliceThrew: "work", SliceRejected: "work",
        }  # fmt: skip
        self.steps += 1
        for event in self.dialogue.take_events():
            assert not self.has_ended, f"{event} after the end"
            if isinstance(event, Ended):
                self.has_ended = True
            elif (answer := answers.get(type(event))) is not None:
                assert self.asked == answer, f"{event} answers nothing"
                self.asked = None
            elif isinstance(event, ModulesWanted | FetchWanted):
                self.wanted.append(event.request)
            else:
                assert self.asked == "work" and isinstance(event, Progressed | ConsoleWritten | EventEmitted)
        assert self.has_ended is (self.dialogue.state is State.ENDED)
        self.dialogue.take_output()

    @precondition(is_wild)
    @rule(request=st.sampled_from(REQUESTS), members=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=5))
    def send(self, request: tuple[int, str], members: dict[str, Any]) -> None:
        ring, name = request
        self.dialogue.receive(line(ring, {"request": name, **members}, 9), self.now)
        self.take()

    @rule(request=st.sampled_from(HARMLESS), members=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=5))
    def send_harmless(self, request: tuple[int, str], members: dict[str, Any]) -> None:
        self.send(request, members)

    @precondition(lambda self: self.dialogue.state in EXPECTED)
    @rule()
    def send_what_is_expected(self) -> None:
        ring, message = EXPECTED[self.dialogue.state]
        self.dialogue.receive(line(ring, message, 9), self.now)
        self.take()

    @precondition(lambda self: self.dialogue.state is State.WORKING)
    @rule(result=VALUES)
    def send_a_result(self, result: object) -> None:
        self.dialogue.receive(line(3, {"request": "complete", "result": result}, 9), self.now)
        self.take()

    @precondition(lambda self: self.dialogue.state in (State.ASSIGNING, State.WORKING))
    @rule(names=st.lists(st.text(max_size=5), max_size=3), identity=VALUES)
    def ask_for_modules(self, names: list[str], identity: object) -> None:
        self.dialogue.receive(line(2, {"request": "dependency", "data": names, "id": identity}, 9), self.now)
        self.take()

    @precondition(is_wild)
    @rule(
        data=st.binary(max_size=60).map(lambda data: data.replace(b"\n", b" ")),
        head=st.sampled_from([b"", b"MSG:", b"MSG:{"]),
    )
    def send_rubbish(self, data: bytes, head: bytes) -> None:
        self.dialogue.receive(head + data, self.now)
        self.take()

    @precondition(is_wild)
    @rule(cut=st.integers(0, 200))
    def send_a_part_of_a_line(self, cut: int) -> None:
        self.dialogue.receive(line(3, {"request": "complete", "result": [1, {"a": 2}]}, 9)[:cut], self.now)
        self.take()

    @precondition(lambda self: self.dialogue.state is State.READY and self.asked is None)
    @rule()
    def assign(self) -> None:
        self.dialogue.assign(JOB, MAP_BASIC, "(x) => x", [1], self.now)
        self.asked = "assign"

    @precondition(lambda self: self.dialogue.state is State.ASSIGNED and self.asked is None)
    @rule(datum=VALUES)
    def work(self, datum: object) -> None:
        self.dialogue.work(self.dialogue.main(datum), self.now)
        self.asked = "work"

    @precondition(lambda self: self.dialogue.state in (State.READY, State.ASSIGNED) and self.asked is None)
    @rule()
    def evaluate(self) -> None:
        self.dialogue.evaluate("1", self.now)
        self.asked = "evaluate"

    @precondition(lambda self: self.wanted)
    @rule(is_there=st.booleans())
    def answer(self, is_there: bool) -> None:
        request = self.wanted.pop()
        self.dialogue.requests.provide_modules(request, {"a": {"b.js": "text"}} if is_there else None, self.now)
        self.dialogue.requests.refuse_fetch(request, "Error", "no", "EFETCH")
        self.take()

    @precondition(is_wild)
    @rule(seconds=st.floats(0.1, 90))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.dialogue.time_passes(self.now)
        self.take()

    @invariant()
    def what_is_asked_is_answered_in_bounded_time(self) -> None:
        waits = self.asked is not None and not self.has_ended
        fetching = bool(self.wanted) and self.asked == "assign"
        assert (self.dialogue.deadline < math.inf) is waits or fetching


TestAnySandbox = AnySandbox.TestCase
TestAnySandbox.settings = settings(max_examples=100, stateful_step_count=40)
