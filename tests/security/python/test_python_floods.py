"""More output than anybody wants, and what stays behind when a slice has ended."""

from __future__ import annotations

import sys

import pytest
from python_target import Fails, PythonTarget


def prints():
    for number in range(10**6):
        print(number)


def writes_one_line():
    while True:
        sys.stdout.write("x" * 999)


def writes_single_characters():
    while True:
        print("x", end="", flush=True)


def writes_to_the_descriptor():
    import os

    while True:
        os.write(2, b"x" * 999 + b"\n")


def logs():
    import logging

    while True:
        logging.error("x" * 999)


def warns():
    import warnings

    warnings.simplefilter("always")
    while True:
        warnings.warn("x" * 999, stacklevel=1)


def emits():
    import dcp

    while True:
        dcp.emit("x", "y" * 9999)


def tells_progress():
    import dcp

    while True:
        dcp.progress(bytes(9999))


def prints_from_callbacks():
    import asyncio

    def again():
        print("x" * 999)
        loop.call_soon(again)

    loop = asyncio.get_event_loop()
    again()
    return loop.create_future()


@pytest.mark.parametrize(
    "body",
    [
        prints, writes_one_line, writes_single_characters, writes_to_the_descriptor, logs, warns, emits, tells_progress,
        prints_from_callbacks,
    ],
)  # fmt: skip
def test_output_without_an_end(pythons: PythonTarget, body: object) -> None:
    pythons.check(body, Fails("EOUTPUT", "more than 200000 bytes"), output_limit=200_000)


async def leaves_tasks_behind():
    import asyncio

    async def task():
        while True:
            print("task")
            await asyncio.sleep(0)

    leaves_tasks_behind.kept = asyncio.ensure_future(task())
    await asyncio.sleep(0)
    return 1


def test_what_a_slice_leaves_behind_speaks_for_no_other(pythons: PythonTarget) -> None:
    found = pythons.check(leaves_tasks_behind, 1)
    assert {index for index, text in found.console if text == "task"} <= {0, -1}


def strange_texts():
    import os

    print("\ud800 \0 \x1b[31m")
    os.write(1, b"\xff\xfe\n")
    return os.read(0, 10)


def test_texts_that_are_none(pythons: PythonTarget) -> None:
    found = pythons.check(strange_texts, b"")
    assert len(found.console) == 2
