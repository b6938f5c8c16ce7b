"""What a worker is told for one run, beside its settings."""

from __future__ import annotations

from dataclasses import dataclass

from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """``identity``: the worker's key; ``payment_address``: the account that is paid.

    ``verbosity``: 1 tells of fetches, 2 of submissions too. ``report_interval``: seconds between reports on slices,
    None for none. ``exit_when_done``: whether it ends once there is no work.
    """

    identity: PrivateKey
    payment_address: Address
    verbosity: int = 0
    report_interval: float | None = None
    exit_when_done: bool = False
