"""How much one identity, address or account may have of a network. Identities are free: who wants many makes them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Annotated

import msgspec

Many = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An address is one of IPv4, or a network of IPv6 with 64 bits. Sizes are bytes, counts are at a time."""

    connections_per_address: Many = 2_000
    sessions_per_identity: Many = 2_000
    requests_per_second_per_identity: Many = 10_000
    requests_per_second_per_address: Many = 20_000
    bytes_per_second_per_identity: Many = 100_000_000
    bytes_per_second_per_address: Many = 200_000_000
    open_jobs_per_identity: Many = 1_000
    open_jobs_per_account: Many = 1_000
    open_jobs_per_address: Many = 5_000
    values_per_identity: Many = 20_000_000
    deployed_bytes_per_identity: Many = 20_000_000_000
    deployed_bytes_per_address: Many = 100_000_000_000
    groups_per_identity: Many = 100
    slices_out_per_identity: Many = 1_000
    slices_out_per_address: Many = 4_000
    events_per_job: Many = 1_000_000
    event_bytes: Many = 1 << 20
    events_waiting_per_client: Many = 1_000
    own_machine: bool = False
    """Whether limits by address are for programs of this machine, too."""

    def place(self, address: str) -> str | None:
        """Under which limits by address count this one; None: under none."""
        return _place(address, self.own_machine)


@lru_cache(10_000)
def _place(address: str, own_machine: bool) -> str | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or None
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if parsed.is_loopback and not own_machine:
        return None
    if parsed.version == 6:
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
