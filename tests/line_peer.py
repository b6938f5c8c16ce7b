"""``dcp-evaluator FILE...`` over stdio and TCP, and peers that speak lines to it."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from cli_driver import COMMAND

DEADLINE = 30.0

PRELUDE = """
const handlers = {
  echo: (text) => text,
  spin: () => { for (;;); },
  die: (code) => die(Number(code)),
  length: (text) => String(text.length),
  reply: (count) => "x".repeat(Number(count)),
  throw: (text) => { throw new TypeError(text); },
  pid: () => String(performance.now() >= 0),
};
onreadln((line) => {
  const [name, ...rest] = line.split(" ");
  writeln(name in handlers ? handlers[name](rest.join(" ")) : "? " + line);
});
"""


def write_prelude(folder: Path, extra: str = "") -> str:
    file = folder / "start.js"
    file.write_text(PRELUDE + extra, encoding="utf-8")
    return str(file)


def stdio(*files: str, lines: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Runs an evaluator on pipes until it ends by itself."""
    return subprocess.run([*COMMAND, *files], input=lines, capture_output=True, timeout=DEADLINE, check=False)


class Peer:
    """One connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("localhost", port), timeout=DEADLINE)
        self._lines = self.socket.makefile("rb")

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._lines.close()
        self.socket.close()

    def send(self, *lines: str) -> None:
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())

    def read(self) -> str:
        """The next line, without its end; empty at the end of the connection.

        A sandbox that is killed with input unread resets its connection; that is an end, too.
        """
        try:
            return self._lines.readline().decode().removesuffix("\n")
        except ConnectionResetError:
            return ""

    def ask(self, line: str) -> str:
        self.send(line)
        return self.read()


class Listener:
    """A program that tells on stderr where it listens; ends with the ``with`` block."""

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> None:
        self.process = subprocess.Popen(command, env=environment, stdin=stdin, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        while not (found := re.search(r"listening on .* port (\d+)", self._next())):
            pass
        self.port = int(found[1])

    def _next(self) -> str:
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line, f"it ended: {self.said}"
        self.said.append(line)
        return line

    def wait_for(self, text: str) -> str:
        """The next notice that contains ``text``."""
        while text not in (line := self._next()):
            pass
        return line

    def connect(self) -> Peer:
        return Peer(self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.communicate(timeout=DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()


class TcpEvaluator(Listener):
    """``dcp-evaluator -p 0 FILE...``."""

    def __init__(self, *files: str, options: tuple[str, ...] = ()) -> None:
        super().__init__([*COMMAND, "-p", "0", *options, *files])
