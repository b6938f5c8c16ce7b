"""``dcp-worker``, as a user runs it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from priority import TIMELY

COMMAND = str(Path(sys.prefix) / "bin" / "dcp-worker")
DEADLINE = 100.0


@dataclass
class Home:
    """The command's files are below ``root``; its environment has nothing but ``variables`` and a path."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.variables |= {
            "HOME": str(self.root),
            "DCP_ETCDIR": str(self.root / "etc"),
            "XDG_RUNTIME_DIR": str(self.root),
            "PATH": "/nowhere",
            "LANG": "C.UTF-8",
            "DCP_CONFIG_LOCATION": "",
            "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",  # everybody may write the folder /tmp
            **TIMELY,
        }

    def write(self, text: str, name: str = ".dcp/dcp-worker/dcp-config.js") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(self, *arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Without a terminal; ``text`` is on standard input."""
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            input=text,
            env=self.variables,
            cwd=self.root,
            start_new_session=True,
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE,
            check=False,
        )

    def succeed(self, *arguments: str | Path, text: str = "") -> str:
        """What it prints on stdout."""
        done = self.run(*arguments, text=text)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def fail(self, *arguments: str | Path) -> str:
        """Its one message."""
        done = self.run(*arguments)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        (line,) = done.stderr.splitlines()
        assert line.startswith("dcp-worker: ")
        return line.removeprefix("dcp-worker: ")

    def on_a_terminal(self, *arguments: str, answers: list[tuple[str, str]]) -> tuple[int, str]:
        """Its exit status, and what the terminal shows. ``answers``: prompts, and what is typed at each."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.root)
            os.execve(COMMAND, [COMMAND, *arguments], self.variables)
        shown, seen, waiting = b"", 0, list(answers)
        while True:
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:  # the command has ended
                break
            shown += data
            if waiting and waiting[0][0].encode() in shown[seen:]:
                seen = len(shown)
                os.write(terminal, f"{waiting.pop(0)[1]}\n".encode())
        os.close(terminal)
        _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status), shown.decode()
