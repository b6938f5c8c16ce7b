"""Where a worker keeps what must outlive it: its id, and results that are not submitted."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from ..configuration.places import own_folder
from ..logs.notices import Notices


def state_folder(setting: str | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The user's own, made where it is missing; None where there is none, or it cannot be written.

    ``setting``: what ``node.stateFolder`` says, instead of ``dcp-worker`` below XDG_STATE_HOME or ``~/.local/state``.
    """
    folder = Path(setting).expanduser() if setting else own_folder("XDG_STATE_HOME", ".local/state", environment)
    if folder is None:
        return None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def claim(folder: Path | None, notices: Notices, stack: AsyncExitStack) -> Path | None:
    """The folder, if this worker has it alone until the stack ends; else a warning says what follows."""
    if folder is None:
        notices.say("warning", "results are kept in memory only: no folder for them can be written")
    elif not stack.enter_context(claimed(folder)):
        notices.say(
            "warning",
            f"another worker uses {folder}: this one has a name of its own and keeps results "
            "in memory; give it a folder with node.stateFolder",
        )
        return None
    return folder


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Whether no other worker uses the folder; none does meanwhile. Where locks are not to be had, none does either."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context((folder / "lock").open("ab"))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            pass
        yield True
