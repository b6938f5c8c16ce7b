"""Which of a service's two locations is for this machine: the other one holds in the service's own network alone."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Final
from urllib.parse import urlsplit

from ..dialects.services import Service

_ADDRESS_OF_INTERFACE: Final = 0x8915  # SIOCGIFADDR
_MASK_OF_INTERFACE: Final = 0x891B  # SIOCGIFNETMASK
_REQUEST: Final = struct.Struct("16s16x")
_LONGEST_NAME: Final = 15


async def location_of(service: Service) -> str:
    """As in dcp-client (``a$isFriendlyUrl``): the friend's where its IPv4 address is in a subnet of this machine."""
    if service.friend_location and await _is_near(urlsplit(service.friend_location).hostname or ""):
        return service.friend_location
    return service.location


async def _is_near(host: str) -> bool:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except (OSError, UnicodeError):  # no such name, or none that a name can be
        return False
    return any(IPv4Address(entry[4][0]) in network for entry in found[:1] for network in own_networks())


def own_networks() -> Iterator[IPv4Network]:
    """The subnets that this machine is in, its own loopback too."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            with contextlib.suppress(OSError):  # one without an address
                address, mask = (_read(asked, what, name) for what in (_ADDRESS_OF_INTERFACE, _MASK_OF_INTERFACE))
                yield IPv4Network(f"{address}/{mask}", strict=False)


def _read(asked: socket.socket, what: int, name: str) -> IPv4Address:
    answer = fcntl.ioctl(asked, what, _REQUEST.pack(name.encode()[:_LONGEST_NAME]))
    return IPv4Address(answer[20:24])
