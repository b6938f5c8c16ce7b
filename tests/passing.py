"""Another program of the user who runs sandboxes: it has many descriptors on their way, and takes none of them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Sandboxes of root belong to nobody.
_NOBODY = 65534
_SOURCE = """
import os, resource, socket, sys
wanted, user = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
if user:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
ends = []
while wanted > 0:
    ours, theirs = socket.socketpair()
    ends.append((ours, theirs))
    count = min(wanted, 200)
    socket.send_fds(ours, [b"x"], [0] * count)
    wanted -= count
print("sent", flush=True)
sys.stdin.read()
"""


@contextmanager
def descriptors_on_their_way(count: int) -> Iterator[None]:
    """More than ``count`` of that user's, as long as this lasts."""
    user = _NOBODY if os.geteuid() == 0 else 0
    command = [sys.executable, "-c", _SOURCE, str(count), str(user)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "sent\n"
        try:
            yield
        finally:
            program.kill()
