"""An evaluator and its peer on a network of their own, which then is gone: neither hears of it.

lost_network.py FOLDER LINE   (below ``unshare --net``): asks a sandbox LINE, cuts the network, and prints the notice
that the sandbox has ended.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

from line_peer import DEADLINE, TcpEvaluator, write_prelude

_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1

_LATER = """
handlers.later = () => { nextTimer(Date.now() + 500); return "later"; };
ontimer(() => writeln("now"));
"""


def notice_after(folder: Path, line: str) -> str:
    """Runs this file on a network of its own."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = ["unshare", *user, "--net", sys.executable, __file__, str(folder), line]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=DEADLINE * 2).stdout


def _set_loopback(flags: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", flags))


def _main(folder: str, line: str) -> None:
    _set_loopback(_IFF_UP)
    file = write_prelude(Path(folder), _LATER)
    with TcpEvaluator(file, options=("-d", "6", "--peer-timeout", "5")) as evaluator, evaluator.connect() as peer:
        assert peer.ask(line) == line.removeprefix("echo ")
        _set_loopback(0)
        print(evaluator.wait_for(" ended ("))


if __name__ == "__main__":
    _main(*sys.argv[1:])
