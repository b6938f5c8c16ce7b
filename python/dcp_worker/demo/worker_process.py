"""A worker as an operator starts it, in a home of its own, where no configuration of this machine's user counts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from dcp_protocol.keys.private_key import PrivateKey

_STOP_DEADLINE = 45.0
_TOLD = 2000


class WorkerProcess:
    """``async with WorkerProcess(command, home, dcp_client) as worker``; it is gone afterwards.

    Raises OSError where the command cannot be started.
    """

    def __init__(self, command: Sequence[str], home: Path, dcp_client: Path) -> None:
        account = PrivateKey.generate().address
        key = f"0x{PrivateKey.generate().secret().hex()}"
        self._command = [*command, "-o", "console", f"--paymentAddress={account}", f"--identityKey={key}"]
        self._home = home
        self._log = home / "worker.log"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "DCP_CONFIG_NODE": json.dumps({"startupFiles": str(dcp_client)}),
        }

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.has_ended:
            self._process.kill()
            await self._process.wait()

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def stop(self) -> int:
        """Asks it to end, and gives its exit status; one that does not end is killed."""
        if not self.has_ended:
            self._process.send_signal(signal.SIGTERM)  # what a shell starts in the background ignores SIGINT
        try:
            async with asyncio.timeout(_STOP_DEADLINE):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    def said(self) -> str:
        """The end of what it has written."""
        return self._log.read_bytes()[-_TOLD:].decode(errors="replace").strip()
