"""The operator's end of the control socket."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import RefusedError, SchedulerError
from . import socket_file

_PATIENCE = 600.0
"""Seconds: an audit of a large network takes minutes."""


def ask(folder: Path, operation: str, parameters: Mapping[str, Any]) -> Any:
    """The scheduler's answer. Raises NotRunningError, RefusedError, SchedulerError."""
    connection = _Connection(folder)
    try:
        connection.request("POST", f"/{operation}", json.dumps(parameters), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except TimeoutError:
        raise SchedulerError(
            f"the scheduler has not answered for {_PATIENCE:.0f} s: it hangs, or was stopped"
        ) from None
    except (OSError, http.client.HTTPException):
        raise SchedulerError(
            "the scheduler ended before it answered; what it did, a command that lists shows"
        ) from None
    except ValueError:
        raise SchedulerError("what answers at the control socket is no scheduler") from None
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise RefusedError(str(told.get("code")), str(told.get("message")))
    return told["result"]


class _Connection(http.client.HTTPConnection):
    def __init__(self, folder: Path) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._folder = folder

    def connect(self) -> None:
        self.sock: socket.socket = socket_file.connected(self._folder)
        self.sock.settimeout(self.timeout)
