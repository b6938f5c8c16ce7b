"""How the command ends: its statuses, which are those of npm's dcp-worker, and its messages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from dcp_evaluator.errors import DcpError
from dcp_protocol.commands.line import discard_output, open_missing_streams
from dcp_protocol.errors import ProtocolError

from ..errors import NoWorkerError, WorkerError

FAILED: Final = 1
NO_WORKER: Final = 3
_SIGINT_STATUS: Final = 130
_SIGPIPE_STATUS: Final = 141


def run_command(name: str, run: Callable[[Sequence[str]], int]) -> NoReturn:
    """Runs it with the program's arguments, and ends the process with its status."""
    status, message = FAILED, ""
    open_missing_streams()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            status = run(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except NoWorkerError as error:
        status, message = NO_WORKER, str(error)
    except (WorkerError, DcpError, ProtocolError) as error:
        message = str(error)
    except KeyboardInterrupt:
        status = _SIGINT_STATUS
    except BrokenPipeError:
        status = _SIGPIPE_STATUS
        discard_output()
    except OSError as error:
        message = f"{error.filename or 'the output cannot be written'}: {error.strerror}"
        discard_output()
    for line in message.splitlines():
        tell(name, line)
    sys.exit(status)


def tell(name: str, message: str) -> None:
    """On the standard error stream."""
    print(f"{name}: {message}", file=sys.stderr, flush=True)
