"""A PostgreSQL of the tests' own: Debian's package postgresql has it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Self

import psycopg

from cli_driver import DEADLINE
from zygote_control import wait_until

_OTHER_USER = "nobody"
"""Runs it where the tests run as root, whom it refuses."""
_SETTINGS = (
    "listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=60",
    "autovacuum=off", "deadlock_timeout=100ms",
)  # fmt: skip


class PostgreSQL:
    """Listens on a Unix socket in ``folder``, whose path is to be short, until the ``with`` block ends.

    It ends with the thread that has started it, too.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._databases = 0
        self._process: subprocess.Popen[bytes] | None = None

    def database(self) -> str:
        """The URL of a new one, with nothing in it."""
        self._databases += 1
        name = f"test{self._databases}"
        with self._connected() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@/{name}?host={self._folder}"

    @property
    def socket(self) -> Path:
        return self._folder / ".s.PGSQL.5432"

    def start(self) -> None:
        settings = [part for each in _SETTINGS for part in ("-c", each)]
        command = [_program("postgres"), "-D", self._data, "-k", self._folder, *settings]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "QUIT", *_other_user(), *command],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._answers, "PostgreSQL starts")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """``SIGINT``: once all is written; ``SIGQUIT``: at once."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait(DEADLINE)
            self._process = None

    def __enter__(self) -> Self:
        self._data.mkdir(mode=0o700)
        self._folder.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(self._folder, _OTHER_USER)
            shutil.chown(self._data, _OTHER_USER)
        how = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        command = ["setpriv", *_other_user(), _program("initdb"), "-D", self._data, *how]
        subprocess.run(command if _other_user() else command[1:], check=True, stdout=subprocess.DEVNULL)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _connected(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True)

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, (self._folder / "log").read_text()[-3000:]
        with contextlib.suppress(psycopg.OperationalError), self._connected():
            return True
        return False


def _other_user() -> list[str]:
    """For ``setpriv``."""
    return ["--reuid", _OTHER_USER, "--regid", "nogroup", "--clear-groups"] if os.getuid() == 0 else []


def _program(name: str) -> str:
    """The newest that there is: Debian has them beside those that are in PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which(name)
    assert found, "PostgreSQL is missing; on Debian: apt-get install postgresql"
    return found
