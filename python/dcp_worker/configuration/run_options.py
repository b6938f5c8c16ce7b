"""What a worker is told for one run, beside its settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dcp_protocol.keys.address import Address
from dcp_protocol.keys.private_key import PrivateKey

OUTPUTS = ("detect", "console", "dashboard", "event-log", "syslog", "logfile")
TRANSPORTS = ("udp", "tcp", "unix", "tls")


@dataclass(frozen=True, slots=True, kw_only=True)
class Syslog:
    address: str = "loghost"
    facility: str = "local7"
    transport: str = "udp"
    port: int = 514


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """``identity``: the worker's key; ``payment_address``: the account that is paid.

    ``verbosity``: 1 tells of fetches, 2 of submissions too. ``output``: one of OUTPUTS. ``report_interval``: seconds
    between reports on slices, None for none. ``exit_when_done``: whether it ends once there is no work.
    """

    identity: PrivateKey
    payment_address: Address
    verbosity: int = 0
    output: str = "detect"
    report_interval: float | None = None
    logfile: Path = Path("../log/dcp-worker.log")
    syslog: Syslog = Syslog()
    exit_when_done: bool = False
