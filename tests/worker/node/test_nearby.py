"""Services that have another location for their own network."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Network

import pytest

from dcp_worker.dialects.services import Service
from dcp_worker.node.nearby import location_of, own_networks

pytestmark = pytest.mark.any_engine


def test_this_machine_is_in_its_own_network() -> None:
    assert IPv4Network("127.0.0.0/8") in list(own_networks())


@pytest.mark.parametrize(
    ("friend", "is_used"),
    [
        ("", False),
        ("http://127.0.0.1:9/", True),
        ("http://127.3.2.1:9/", True),
        ("http://FAR:9/", False),
        ("http://[::1]:9/", False),
        ("http://not-a-host.invalid/", False),
        (f"http://{'x' * 70}.invalid/", False),
    ],
)
def test_the_friends_location(friend: str, is_used: bool) -> None:
    documents = [IPv4Address(text) for text in ("192.0.2.1", "198.51.100.1", "203.0.113.1")]
    far = next(one for one in documents if not any(one in network for network in own_networks()))
    friend = friend.replace("FAR", str(far))
    service = Service("http://far.example/", friend_location=friend)
    assert asyncio.run(location_of(service)) == (friend if is_used else service.location)
