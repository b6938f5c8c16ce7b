"""Which user of this machine is at the other end of a connection over loopback."""

from __future__ import annotations

import ipaddress
import os
import struct
from pathlib import Path
from typing import Final

_ESTABLISHED: Final = "01"
"""The kernel says root of sockets that their owner has closed; of these it says the truth."""
_LONGEST: Final = 4 << 20

Address = tuple[str, int]


def is_own(client: Address, server: Address, proc: Path = Path("/proc/self/net")) -> bool:
    """Whether the program at ``client`` runs as this process' user, or as root. Where the kernel does not say: no."""
    owner = owner_of(client, server, proc)
    return owner is not None and owner in (0, os.geteuid())


def owner_of(client: Address, server: Address, proc: Path = Path("/proc/self/net")) -> int | None:
    """The user of the socket at ``client`` that is connected with ``server``; None where there is none here."""
    try:
        local, remote = ipaddress.ip_address(client[0]), ipaddress.ip_address(server[0])
    except ValueError:
        return None
    if not local.is_loopback:
        return None
    wanted = [_written(local, client[1]), _written(remote, server[1]), _ESTABLISHED]
    try:
        with (proc / ("tcp" if local.version == 4 else "tcp6")).open("rb") as table:
            rows = table.read(_LONGEST).decode("ascii", "replace").splitlines()
    except OSError:
        return None
    for fields in map(str.split, rows[1:]):
        if fields[1:4] == wanted and len(fields) > 9 and fields[9] != "0":
            return int(fields[7])
    return None


def _written(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    """As the kernel writes it: words of the machine's order, in hexadecimal."""
    words = struct.iter_unpack("=I", address.packed)
    return "".join(f"{word:08X}" for (word,) in words) + f":{port:04X}"
