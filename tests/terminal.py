"""A program on a terminal of its own, and what that shows: a small part of what terminals understand."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

_MOVE: Final = re.compile(r"\x1b\[(?P<parameters>[0-9;?]*)(?P<final>[A-Za-z])|\x1b[\]P][^\x07\x1b]*(\x07|\x1b\\)|\x1b.")
_READ: Final = 1 << 16


class Terminal:
    """``text``: what is on the screen. Only cursor positions and text are looked at, not colours."""

    def __init__(self, descriptor: int, columns: int, rows: int) -> None:
        self._descriptor = descriptor
        self._cells = [[" "] * columns for _ in range(rows)]
        self._row = self._column = 0
        self._rest = ""
        self.raw = ""
        """All that was written."""

    @property
    def text(self) -> str:
        return "\n".join("".join(row).rstrip() for row in self._cells)

    def type(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    async def until(self, condition: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(60):
                while not condition():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{what}; the terminal shows\n{self.text}") from None

    def read(self) -> None:
        with contextlib.suppress(OSError):  # the program has ended
            text = os.read(self._descriptor, _READ).decode("utf-8", "replace")
            self.raw += text
            self._write(text)

    def _write(self, text: str) -> None:
        place = 0
        text, self._rest = self._rest + text, ""
        while place < len(text):
            if text[place] != "\x1b":
                self._put(text[place])
                place += 1
            elif found := _MOVE.match(text, place):
                self._move(found["parameters"] or "", found["final"])
                place = found.end()
            else:
                self._rest = text[place:]
                return

    def _put(self, character: str) -> None:
        if character == "\n":
            self._row += 1
        elif character == "\r":
            self._column = 0
        elif character.isprintable() and self._row < len(self._cells) and self._column < len(self._cells[0]):
            self._cells[self._row][self._column] = character
            self._column += 1

    def _move(self, parameters: str, final: str | None) -> None:
        if final == "H":
            numbers = [int(one or 1) for one in parameters.split(";")] if parameters else [1, 1]
            self._row, self._column = numbers[0] - 1, (numbers[1] if len(numbers) > 1 else 1) - 1
        elif final == "J":
            self._cells = [[" "] * len(row) for row in self._cells]


@contextlib.asynccontextmanager
async def on_terminal(
    command: Sequence[str | Path], environment: Mapping[str, str], columns: int = 80, rows: int = 24
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Terminal]]:
    """The program leads a session, whose terminal this is."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))
    terminal = Terminal(master, columns, rows)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, terminal.read)
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            *command, env=dict(environment) | {"TERM": "xterm"}, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        slave = -1
        yield process, terminal
    finally:
        if process and process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(master)
        for descriptor in {master, slave} - {-1}:
            os.close(descriptor)
