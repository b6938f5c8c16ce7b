"""What happens, in words: which lines there are, how many, and what is in none."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_lines import KEY, logs

from dcp_worker.logs.console import ConsoleOutput
from dcp_worker.logs.lines import Line, Threshold
from dcp_worker.logs.narration import Narrator
from dcp_worker.logs.notices import (
    Fetched,
    Fetching,
    JobAnnounced,
    Notice,
    Notices,
    Paid,
    Said,
    SandboxGone,
    SandboxReady,
    SliceEnded,
    SliceProgress,
    SliceStarted,
    Submitted,
)
from dcp_worker.logs.rates import JobRates
from dcp_worker.logs.secrets import HIDDEN, Redactor
from dcp_worker.tasks.capabilities import Worktime
from dcp_worker.tasks.job import Job
from dcp_worker.tasks.slices import SliceMetrics

pytestmark = pytest.mark.any_engine


def told(*notices: Notice) -> list[Line]:
    lines: list[Line] = []
    narrator = Narrator(lines.append)
    for notice in notices:
        narrator(notice)
    return lines


def shown(verbosity: int, *notices: Notice) -> list[str]:
    return [line.text for line in told(*notices) if Threshold(verbosity=verbosity).takes(line)]


def test_it_tells_what_npms_worker_tells() -> None:
    job = Job(identity=KEY.job, code="data:,", worktime=Worktime("map-basic", "1.0.0"), name="primes", link="http://x/")
    lines = told(
        JobAnnounced(job),
        SandboxReady(1),
        SliceStarted(1, KEY, "primes"),
        SliceProgress(1, 0.5),
        SliceEnded(1, KEY, "primes", "completed", SliceMetrics(total_time=12)),
        SandboxGone(1, None),
        Paid(KEY, 0.25),
    )
    assert [line.text for line in lines] == [
        " . Job: primes 0x111111 http://x/",
        " . Sandbox   1:  Initialized",
        " . Sandbox   1:  Slice Started:   slice 3, 0x11111111111111111111: primes",
        " * Sandbox   1:  Slice Completed: slice 3, 0x11111111111111111111: primes: dt 12ms",
        " * Sandbox   1:  Terminated:",
        " . Payment: 0.250 ⊇ 0x111111",
    ]
    assert [dict(line.subjects()) for line in lines[1:4]] == [
        {"sandbox": 1}, *[{"job": KEY.job, "slice": 3, "sandbox": 1}] * 2,
    ]  # fmt: skip


def test_more_is_told_where_more_is_asked_for() -> None:
    notices = (Fetching(), Fetched(2), Submitted(KEY), Said("debug", "deep"), Said("warning", "odd"))
    fetches, submissions = [" * Fetching slices...", " . Fetched 2 slices"], [" . Submitted"]
    assert shown(0, *notices) == [" ! odd"]
    assert shown(1, *notices) == [*fetches, " ! odd"]
    assert shown(2, *notices) == [*fetches, *submissions, " ! odd"]
    assert shown(3, *notices) == [*fetches, *submissions, " . deep", " ! odd"]


def test_an_output_takes_lines_from_its_level_on() -> None:
    lines = told(Fetching(), Said("debug", "a"), Said("info", "b"), Said("warning", "c"), Said("error", "d"))
    for level, taken in (("debug", 5), ("info", 3), ("warning", 2), ("error", 1)):
        assert sum(Threshold(level).takes(line) for line in lines) == taken


@pytest.mark.parametrize("text", ["\x1b[2Jhello", "one\r\x1b[Ktwo", "a\ud800b"])
def test_nobody_commands_the_terminal(text: str) -> None:
    for line in told(SliceStarted(1, KEY, text * 1000), Said("warning", text), Said("info", text)):
        assert "\x1b" not in line.text
        assert "\r" not in line.text
        assert len(line.text) < 300
        line.text.encode()


def test_a_message_cannot_pretend_to_be_another() -> None:
    (line,) = told(Said("info", "one\n ! two"))
    assert line.text == "one\n     ! two"


# --- How many ---


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.booleans()), max_size=60), st.integers(1, 10))
def test_of_each_job_so_many_lines_a_second_and_the_others_are_counted(
    events: Sequence[tuple[str, bool]], most: int
) -> None:
    now = 100.0
    rates = JobRates(most, lambda: now)
    passed: dict[tuple[str, int], int] = {}
    summed = 0
    for job, next_second in events:
        now += next_second
        summed += sum(int(line.text.split()[3]) for line in rates.summaries())
        if rates.takes(Line("info", "x", job, sandbox=1)):
            passed[job, int(now)] = passed.get((job, int(now)), 0) + 1
    summed += sum(int(line.text.split()[3]) for line in rates.summaries(at_end=True))
    assert max(passed.values(), default=0) <= most
    assert sum(passed.values()) + summed == len(events)


def test_a_job_of_many_slices_leaves_room_for_others() -> None:
    heard: list[Line] = []
    log = logs("console:error", lines_per_job=50)
    log.listen(heard.append)
    for _ in range(5000):
        log.say(Line("info", "slice", KEY.job, 1, 1))
        log.say(Line("warning", "of nobody"))
    log.say(Line("info", "slice", "another", 1, 2))
    log.close()
    assert [line.job for line in heard].count("another") == 1
    assert [line.text for line in heard].count("of nobody") == 5000
    mine = [line.text for line in heard if line.job == KEY.job]
    left_out = [int(text.split()[3]) for text in mine if "more lines of job 0x111111" in text]
    assert mine.count("slice") + sum(left_out) == 5000
    assert left_out


def test_lines_that_nobody_gets_are_not_made_and_are_counted_all_the_same() -> None:
    heard: list[Line] = []
    log = logs("console:error", lines_per_job=50)
    log.listen(heard.append, Threshold("info"))
    made: list[Line] = []

    def say(line: Line) -> None:
        made.append(line)
        log.say(line)

    narrator = Narrator(say, log.leaves_out)
    for _ in range(2000):
        narrator(SliceStarted(1, KEY, "primes"))
        narrator(Submitted(KEY))
        narrator(SliceEnded(1, KEY, "primes", "completed", SliceMetrics()))
    log.close()
    shown = [line.text for line in heard if "Slice" in line.text]
    left_out = [int(line.text.split()[3]) for line in heard if "more lines of job" in line.text]
    assert made == [line for line in heard if "Slice" in line.text]
    assert len(shown) + sum(left_out) == 4000
    assert left_out


def test_what_nobody_wants_is_not_counted_to_its_job() -> None:
    heard: list[Line] = []
    log = logs("console:error", lines_per_job=50)
    log.listen(heard.append, Threshold("info"))
    for _ in range(1000):
        log.say(Line("info", "submitted", KEY.job, 1, detail=2))
    log.say(Line("info", "slice", KEY.job, 1))
    log.close()
    assert [line.text for line in heard] == ["slice"]


def test_a_reader_that_reads_nothing_holds_nobody_up() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "r") as reader, os.fdopen(writing, "w") as writer:
        console = ConsoleOutput(writer, writer)
        notices = Notices()
        notices.listen(Narrator(console.say))
        for _ in range(3000):
            notices.say("info", "x" * 1000)
        read: list[str] = []
        drain = threading.Thread(target=lambda: read.extend(reader))
        drain.start()
        console.close()
        while console._thread.is_alive():
            console.close()
        notices.say("info", "over")
        writer.close()
        drain.join()
    assert 1000 <= len(read) < 3000


# --- Secrets ---

SECRET = "5" * 64
HASH = "eh1-" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"key 0x{SECRET}.", f"key 0x{HIDDEN}."),
        (f"KEY {SECRET.upper()}", f"KEY {HIDDEN}"),
        ("group let me in! joined", f"group {HIDDEN} joined"),
        (f"http://x/?secret={quote('let me in!')}", f"http://x/?secret={HIDDEN}"),
        ("secret abc, not abcd", f"secret {HIDDEN}, not abcd"),
        ("http://user:pass@proxy.example:3128/ fails", f"http://{HIDDEN}@proxy.example:3128/ fails"),
        ("http://:p%40ss@proxy/", f"http://{HIDDEN}@proxy/"),
        ("git+https://t0ken@host/x?a@b", f"git+https://{HIDDEN}@host/x?a@b"),
        (f"joins with {HASH}, {HASH.upper()}", f"joins with {HIDDEN}, {HIDDEN}"),
        ("http://host:80/a@b and mail@x", "http://host:80/a@b and mail@x"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_hidden(text: str, left: str) -> None:
    redact = Redactor()
    redact.add([SECRET, "let me in!", "abc", ""])
    assert redact(text) == left


@given(st.text(min_size=1, max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_is_left(secret: str, before: str, after: str) -> None:
    redact = Redactor()
    redact.add([secret])
    left = redact(f"{before} {secret} {after}").replace(HIDDEN, "")
    if len(secret) >= 6:
        assert secret not in left
    else:
        assert f" {secret} " not in left
