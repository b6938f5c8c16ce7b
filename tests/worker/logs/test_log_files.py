"""The console and log files: text and JSON, rotation, faults."""

from __future__ import annotations

import io
import json
import os
import re
import resource
from pathlib import Path

import pytest
from log_lines import KEY, lines, logs, wait_for

from dcp_worker.configuration.log_settings import LogSettings, OutputChoice
from dcp_worker.errors import ConfigurationError
from dcp_worker.logs.console import ConsoleOutput
from dcp_worker.logs.files import FileOutput, as_json
from dcp_worker.logs.lines import Line
from dcp_worker.logs.logs import Logs
from dcp_worker.logs.output import Output

pytestmark = pytest.mark.any_engine


def say(output: Output, *texts: str, level: str = "info") -> None:
    for line in lines(*texts, level=level):
        output.say(line)


def test_warnings_and_errors_go_to_the_other_stream() -> None:
    out, err = io.StringIO(), io.StringIO()
    console = ConsoleOutput(out, err)
    for level in ("info", "warning", "error"):
        say(console, level, level=level)
    console.close()
    assert (out.getvalue(), err.getvalue()) == ("info\n", "warning\nerror\n")


def test_a_pipe_gets_no_status() -> None:
    output = io.StringIO()
    console = ConsoleOutput(output, output)
    assert not console.is_terminal
    console.show("status")
    say(console, "line")
    console.close()
    assert output.getvalue() == "line\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_the_status_below_all_lines() -> None:
    terminal = Terminal()
    console = ConsoleOutput(terminal, terminal)
    console.show("working " + "x" * 1000)
    say(console, "line")
    console.close()
    shown = terminal.getvalue().split("\r\x1b[K")
    assert [part[:8] for part in shown] == ["", "working ", "line\nwor", ""]
    assert max(map(len, shown)) < 200


def test_while_another_program_has_the_terminal_nothing_is_written() -> None:
    terminal = Terminal()
    console = ConsoleOutput(terminal, terminal)
    say(console, "before")
    wait_for(lambda: "before" in terminal.getvalue())
    console.hold()
    held = terminal.getvalue()
    say(console, "meanwhile")
    console.show("status")
    wait_for(console._lines.empty)
    assert terminal.getvalue() == held
    console.release()
    say(console, "after")
    console.close()
    assert "after" in terminal.getvalue()
    assert "meanwhile" not in terminal.getvalue()


def test_a_log_file_has_time_level_and_text(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("before\n")
    output = FileOutput(path)
    say(output, "one\ntwo")
    say(output, "three", level="warning")
    output.close()
    written = path.read_text().splitlines()
    assert written[0] == "before"
    assert [re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", "", line) for line in written[1:]] == [
        "log one", "log two", "warn three",
    ]  # fmt: skip


def test_json_has_an_object_a_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "worker.json"
    for settings in ({"json_file": str(path)}, {}):
        log = logs("json", **settings)
        log.say(Line("info", " . Sandbox 1: »ü« \ud800\n two", KEY.job, 3, 1))
        log.say(Line("error", "no"))
        log.close()
    printed = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    stored = [json.loads(line) for line in path.read_text().splitlines()]
    for objects in (printed, stored):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", objects[0].pop("time"))
        assert objects[0] == {
            "level": "info", "message": ". Sandbox 1: »ü« \ud800\n two", "job": KEY.job, "slice": 3, "sandbox": 1,
        }  # fmt: skip
        assert objects[1].keys() == {"time", "level", "message"}


def test_a_log_file_that_was_moved_is_made_anew_when_told(tmp_path: Path) -> None:
    path, old = tmp_path / "worker.log", tmp_path / "worker.log.1"
    output = FileOutput(path)
    say(output, "one")
    wait_for(lambda: "one" in path.read_text())
    path.rename(old)
    say(output, "two")
    wait_for(lambda: "two" in old.read_text())
    output.reopen()
    say(output, "three")
    output.close()
    assert "three" in path.read_text()
    assert "three" not in old.read_text()


def test_large_log_files_are_set_aside_and_the_oldest_go(tmp_path: Path) -> None:
    path = tmp_path / "worker.json"
    output = FileOutput(path, as_json, most=1000, keep=2)
    for number in range(100):
        say(output, f"line {number}")
    output.close()
    while output._thread.is_alive():
        output.close()
    files = [tmp_path / "worker.json.2", tmp_path / "worker.json.1", path]
    assert sorted(files) == sorted(tmp_path.iterdir())
    assert all(0 < file.stat().st_size <= 1000 for file in files)
    numbers = [int(json.loads(line)["message"].split()[1]) for file in files for line in file.read_text().splitlines()]
    assert numbers == list(range(100 - len(numbers), 100))
    assert len(numbers) > 20


def test_without_old_files_a_large_one_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    output = FileOutput(path, most=500, keep=0)
    for number in range(100):
        say(output, f"line {number}")
    output.close()
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_size <= 500
    assert path.read_text().endswith("line 99\n")


def test_a_line_longer_than_a_file_may_be_is_written(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    output = FileOutput(path, most=100, keep=1)
    say(output, "a" * 500, "b" * 500)
    output.close()
    assert "b" * 500 in path.read_text()
    assert "a" * 500 in (tmp_path / "worker.log.1").read_text()


def test_a_log_file_that_cannot_be_set_aside_grows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "worker.log"
    (tmp_path / "worker.log.1" / "in the way").mkdir(parents=True)
    output = FileOutput(path, most=500, keep=1)
    for number in range(100):
        say(output, f"line {number}")
    output.close()
    assert len(path.read_text().splitlines()) == 100
    (told,) = capfd.readouterr().err.splitlines()
    assert told == f"dcp-worker: the log file {path} cannot be set aside, and grows: Is a directory"


def test_a_log_file_that_cannot_be_written_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    output = FileOutput(Path("/dev/full"))
    say(output, "lost", "lost", "lost")
    output.close()
    assert capfd.readouterr().err.splitlines() == [
        "dcp-worker: the log file /dev/full cannot be written, lines are lost: No space left on device"
    ]


# --- Several at once ---


def test_several_outputs_have_levels_of_their_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text, objects = tmp_path / "worker.log", tmp_path / "worker.json"
    log = logs("console:warning", "logfile:debug", "json", file=str(text), json_file=str(objects))
    for level in ("debug", "info", "warning"):
        log.say(Line(level, f"a {level}", detail=3 if level == "debug" else 0))
    log.hide("hunter22")
    log.say(Line("warning", "the password is hunter22"))
    log.close()
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "a warning\nthe password is [secret]\n")
    assert [line.split(" ", 2)[2] for line in text.read_text().splitlines()] == [
        "a debug", "a info", "a warning", "the password is [secret]",
    ]  # fmt: skip
    assert json.loads(objects.read_text().splitlines()[0])["message"] == "a info"
    assert "hunter22" not in text.read_text() + objects.read_text()


def test_outputs_change_while_it_runs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first, second = tmp_path / "first.log", tmp_path / "second.log"
    outputs = (OutputChoice("console"), OutputChoice("logfile"))
    log = Logs(LogSettings(outputs=outputs, file=str(first)), "dcp-worker")
    console = log.console
    log.say(Line("info", "one"))
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        log.change(LogSettings(outputs=outputs, file=str(tmp_path)))
    log.say(Line("info", "two"))
    log.change(LogSettings(outputs=outputs, file=str(second)))
    assert log.console is console
    log.say(Line("info", "three"))
    log.close()
    assert [line.split()[2] for line in first.read_text().splitlines()] == ["one", "two"]
    assert [line.split()[2] for line in second.read_text().splitlines()] == ["three"]
    assert capfd.readouterr().out == "one\ntwo\nthree\n"


def test_two_outputs_cannot_have_standard_output() -> None:
    with pytest.raises(ConfigurationError, match="give json a file with --json-file"):
        logs("detect", "json")


def test_a_pipe_that_nobody_reads_holds_nobody_up(tmp_path: Path) -> None:
    pipe = tmp_path / "log"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="No such device"):
        FileOutput(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        output = FileOutput(pipe)
        output.say(Line("info", "one"))
        output.close()
        assert os.read(reader, 100).endswith(b" log one\n")
    finally:
        os.close(reader)


def test_a_line_that_was_cut_by_a_full_disk_does_not_take_the_next_one_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "log"
    output = FileOutput(file, as_json)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        output.say(Line("info", "x" * 100))
        wait_for(lambda: "cannot be written, lines are lost: File too large" in capsys.readouterr().err)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    output.say(Line("info", "after"))
    output.say(Line("info", "the end"))
    output.close()
    cut, *others = file.read_text().splitlines()
    assert len(cut) == 100
    assert [json.loads(line)["message"] for line in others] == ["after", "the end"]
