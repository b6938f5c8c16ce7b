"""Functions of npm's dcp-client, called from tests: what they give is what ours must give."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from node import node
from npm_packages import npm_packages

_PROGRAM = Path(__file__).parent / "protocol" / "peers" / "npm_calls.js"
_GROUPS = {"4.4.29": "dcp", "5.6.1": "dcp5"}


class JavaScriptError(Exception):
    """What a function threw."""


class NpmCalls:
    """A process of Node that has dcp-client."""

    def __init__(self, version: str) -> None:
        self.version = version
        self._home = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [node(), _PROGRAM],
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": self._home.name,
                "NODE_PATH": str(npm_packages(_GROUPS[version])),
                "DCP_CLIENT_ALLOW_INSECURE_CONFIGURATION": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._answer()

    def call(self, source: str, *arguments: Any) -> Any:
        """The value, as JSON has it, of a function that is given as its source. Raises JavaScriptError if it throws."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"source": source, "arguments": arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise JavaScriptError(f"{answer.get('code')}: {answer['error']}")
        return answer.get("value")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._home.cleanup()
