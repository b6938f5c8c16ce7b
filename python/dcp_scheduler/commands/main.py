"""The command ``dcp-scheduler``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from dcp_protocol.commands.line import discard_output

from ..errors import RefusedError, SchedulerError
from .operating import run
from .parser import PROGRAM, parse
from .serving import serve

_FAILED, _SIGINT_STATUS, _SIGPIPE_STATUS = 1, 130, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status."""
    options = parse(arguments)
    os.umask(0o077)  # the database has hashes that let workers into groups
    try:
        if options.command is None:
            return serve(options)
        status = run(options.command, options)
        sys.stdout.flush()
        return status
    except ModuleNotFoundError as error:
        extras = "network,s3" if error.name == "obstore" else "network"
        return _failed(f"{error.name} is missing; run: pip install 'dcp-evaluator[{extras}]'")
    except (SchedulerError, RefusedError) as error:
        return _failed(str(error))
    except KeyboardInterrupt:
        return _SIGINT_STATUS
    except BrokenPipeError:
        discard_output()
        return _SIGPIPE_STATUS


def _failed(message: str) -> int:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return _FAILED


if __name__ == "__main__":
    sys.exit(main())
