"""npm's dcp-client as a program of a user, which deploys a job to a network."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node import node
from npm_packages import npm_packages

_EXEC = Path(__file__).parent / "js" / "exec.js"
JUDGE = _EXEC.with_name("judge.js")
_GROUPS = {"4.4.29": "dcp", "5.6.1": "dcp5"}
_DEADLINE = 90.0

Event = dict[str, Any]


@dataclass
class Client:
    """A running program. ``events`` is what it has printed until now."""

    process: asyncio.subprocess.Process
    errors: Path
    events: list[Event] = field(default_factory=list)
    deadline: float = _DEADLINE

    async def until(self, name: str) -> Event:
        """The next event of this name. Raises AssertionError where the program ends without."""
        async with asyncio.timeout(self.deadline):
            while event := await self._next():
                if event["event"] == name:
                    return event
        raise AssertionError(f"no {name}: {self.events}; {self.errors.read_text()[-3000:]}")

    async def end(self) -> Event:
        """The last event: ``done`` with ``results``, or ``failed``."""
        async with asyncio.timeout(self.deadline):
            while await self._next():
                pass
            await self.process.wait()
        assert self.events, self.errors.read_text()[-3000:]
        return self.events[-1]

    def heard(self, name: str) -> list[Event]:
        return [event for event in self.events if event["event"] == name]

    async def _next(self) -> Event | None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            if line.startswith(b'{"event"'):  # webpack, which packs modules, prints too
                break
        if not line:
            return None
        event: Event = json.loads(line)
        self.events.append(event)
        return event


@asynccontextmanager
async def client(
    version: str, location: str, home: Path, *, program: Path = _EXEC, deadline: float = _DEADLINE,
    authority: Path | None = None, **job: Any,
) -> AsyncIterator[Client]:  # fmt: skip
    """``job``: as ``program`` has it. Its identity is in ``home``, its account a new one unless ``accountKey`` says.

    ``authority``: whose certificates it trusts, too.
    """
    home.mkdir(exist_ok=True)
    key = secrets.token_hex(32)
    asked = {"identityKey": f"0x{key}", "accountKey": f"0x{secrets.token_hex(32)}", **job}
    await keystore(home, "id", asked["identityKey"])
    environment = user(home, location, _GROUPS[version])
    if authority:
        environment["NODE_EXTRA_CA_CERTS"] = str(authority)
    errors = home / "stderr"
    # What localExec leaves goes with it. A path of a socket has to be short.
    with errors.open("wb") as output, tempfile.TemporaryDirectory() as temporary:
        environment["TMPDIR"] = temporary
        process = await asyncio.create_subprocess_exec(
            node(), program, env=environment, limit=1 << 27,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=output,
        )  # fmt: skip
        assert process.stdin
        process.stdin.write(json.dumps(asked).encode())
        process.stdin.close()
        try:
            yield Client(process, errors, deadline=deadline)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


def user(home: Path, location: str, group: str) -> dict[str, str]:
    """The environment of programs of npm's packages ``group``."""
    return {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "NODE_PATH": str(npm_packages(group)),
        "DCP_SCHEDULER_LOCATION": location,
        "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
    }


async def keystore(home: Path, name: str, key: str) -> None:
    """Where npm's programs look for it, without a passphrase. dcp-client 4 reads its identity from such a file."""
    from dcp_protocol.keys.private_key import PrivateKey
    from dcp_protocol.wallet.files import save
    from dcp_protocol.wallet.keystore import Keystore

    path = home / ".dcp" / f"{name}.keystore"
    if not path.exists():
        save(await asyncio.to_thread(Keystore.create, PrivateKey.parse(key), "", n=1024), path)
