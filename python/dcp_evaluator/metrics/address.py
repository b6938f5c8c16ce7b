"""Where metrics are served: ``PORT`` or ``ADDRESS:PORT``."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

LOOPBACK = "127.0.0.1"


class MetricsAddress(NamedTuple):
    """``port`` 0: the system chooses one."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/metrics"


def metrics_address(text: str) -> MetricsAddress:
    """Without an address it is that of this machine for itself. Raises ValueError, with a message."""
    host, separator, port = text.rpartition(":")
    bracketed = re.fullmatch(r"\[([0-9a-fA-F:.]+)\]", host)
    named = bracketed[1] if bracketed else host
    is_host = not separator or bracketed or re.fullmatch(r"[0-9A-Za-z._-]+", host)
    if not (is_host and re.fullmatch("[0-9]{1,5}", port) and int(port) < 1 << 16):
        raise ValueError("it is not PORT or ADDRESS:PORT, as in 9100, 127.0.0.1:9100 or [::1]:9100")
    return MetricsAddress(named or LOOPBACK, int(port))


def is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
