"""What work functions say to their console is printed where nobody listens."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest

import dcp_evaluator as dcp
from dcp_evaluator.jobs.console_printer import ConsolePrinter

CHATTY = """(x) => {
  console.log("row %d", x, { a: [1] });
  print("printed", x);
  console.warn("careful");
  console.error("two\\nlines");
  return x;
}"""


def test_the_console_is_printed_with_the_slice_s_number(evaluator, capsys):
    assert list(dcp.compute_for([5, 6], CHATTY).local_exec(1, evaluator=evaluator)) == [5, 6]
    out, err = capsys.readouterr()
    assert out == "".join(f"slice {i}: row {x} {{ a: [ 1 ] }}\nslice {i}: printed {x}\n" for i, x in enumerate([5, 6]))
    assert err == "".join(f"slice {i}: careful\nslice {i}: two\nslice {i}: lines\n" for i in range(2))


def test_what_is_of_no_slice_is_printed_too(evaluator, capsys):
    source = "print('at first');\n(x) => x"
    assert list(dcp.compute_for([1], source).local_exec(1, evaluator=evaluator)) == [1]
    assert capsys.readouterr().out == "no slice: at first\n"


def test_a_listener_hears_all_and_nothing_is_printed(evaluator, capsys):
    job = dcp.compute_for([5], CHATTY)
    heard: list[dcp.ConsoleEvent] = []
    job.on("console", heard.append)
    job.local_exec(1, evaluator=evaluator).wait()
    assert [event.level for event in heard] == ["log", "log", "warn", "error"]
    assert capsys.readouterr() == ("", "")


def test_of_a_flood_only_so_much_is_printed(evaluator, capsys):
    source = "() => { for (let i = 0; i < 30000; i++) console.log(i); return 1; }"
    assert list(dcp.compute_for([0], source).local_exec(1, evaluator=evaluator)) == [1]
    out, err = capsys.readouterr()
    shown = out.count("\n")
    assert out.startswith("slice 0: 0\nslice 0: 1\n")
    assert 1000 <= shown < 25_000
    assert err == f'{30_000 - shown} more lines of console output were left out; job.on("console", callback) gets all\n'


def test_lines_come_back_with_time(capsys):
    now = [0.0]
    printer = ConsolePrinter(lambda: now[0])
    printer.show(0, "log", "\n".join("x" * 1200))
    now[0] = 1.0
    printer.show(1, "log", "\n".join("y" * 60))
    out, err = capsys.readouterr()
    assert (out.count("x"), out.count("y"), err) == (1000, 50, "")
    printer.finish()
    assert capsys.readouterr().err.startswith("210 more lines")


def test_nothing_moves_the_terminal_or_is_endless(capsys):
    printer = ConsolePrinter()
    printer.show(0, "log", "a\x1b[2J\x07\tb\r\u2028€")
    printer.show(1, "error", "x" * 9999)
    out, err = capsys.readouterr()
    assert out == "slice 0: a?[2J?\tb??€\n"
    assert err == f"slice 1: {'x' * 2000}...\n"


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("stream", [None, Closed()])
def test_an_output_that_is_gone_does_not_end_the_job(evaluator, monkeypatch, stream: Any):
    monkeypatch.setattr(sys, "stdout", stream)
    assert list(dcp.compute_for([1], "(x) => { print(x); return x; }").local_exec(1, evaluator=evaluator)) == [1]


def test_texts_that_an_output_cannot_have_are_escaped(monkeypatch):
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    ConsolePrinter().show(0, "log", "5 €")
    plain.flush()
    assert plain.buffer.getvalue() == b"slice 0: 5 \\u20ac\n"  # type: ignore[attr-defined]
