"""Settings of what a worker writes, and where to: its logs and its metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from dcp_evaluator.metrics.address import MetricsAddress, metrics_address

from .keys import key, section
from .kinds import Choice, Text, Whole
from .values import shown

OUTPUTS: Final = ("detect", "console", "dashboard", "event-log", "syslog", "logfile", "journal", "json")
LEVELS: Final = ("debug", "info", "warning", "error")
"""Of lines and of outputs, the least important first."""
TRANSPORTS: Final = ("udp", "tcp", "unix", "tls")


@dataclass(frozen=True, slots=True)
class OutputChoice:
    """``name``: one of OUTPUTS; ``level``: the least important that it takes."""

    name: str
    level: str = "info"

    def __str__(self) -> str:
        return self.name if self.level == "info" else f"{self.name}:{self.level}"


@dataclass(frozen=True, slots=True)
class Outputs:
    """A list, or a text with commas between them."""

    allowed: str = "outputs, with a level where wanted, such as console,logfile:debug"

    def read(self, value: Any) -> tuple[OutputChoice, ...]:
        texts = value.split(",") if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"it is {shown(value)}; allowed is {self.allowed}")
        choices = tuple(_choice(text.strip()) for text in texts)
        if len({choice.name for choice in choices}) < len(choices):
            raise ValueError("an output is named twice")
        return choices

    def written(self, value: Any) -> Any:
        return ",".join(map(str, value))


def _choice(text: str) -> OutputChoice:
    name, separator, level = text.partition(":")
    if name not in OUTPUTS:
        raise ValueError(f"there is no output {shown(name)}; there are {', '.join(OUTPUTS)}")
    if separator and level not in LEVELS:
        raise ValueError(f"{name} has no level {shown(level)}; there are {', '.join(LEVELS)}")
    return OutputChoice(name, level or "info")


@dataclass(frozen=True, slots=True)
class MetricsPlace:
    """A port of this machine for itself, or an address with a port."""

    allowed: str = "PORT or ADDRESS:PORT"

    def read(self, value: Any) -> MetricsAddress:
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str):
            raise ValueError(f"it is {shown(value)}; allowed is {self.allowed}")
        return metrics_address(text)

    def written(self, value: Any) -> Any:
        return f"[{value.host}]:{value.port}" if ":" in value.host else f"{value.host}:{value.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogSettings:
    address: str = key(
        "node.log.syslog.address", Text("a name, an address, or the path of a socket"), "loghost", "of the system log"
    )
    facility: str = key("node.log.syslog.facility", Text("a facility"), "local7", "as what this worker logs")
    transport: str = key("node.log.syslog.transport", Choice(TRANSPORTS), "udp", "how lines get there")
    port: int = key("node.log.syslog.port", Whole(1, 65535), 514, "of the system log")
    form: str = key(
        "node.log.syslog.format", Choice(("auto", "rfc5424", "rfc3164")), "auto",
        "of messages; auto: RFC 5424, and RFC 3164 for the socket of this machine",
    )  # fmt: skip
    ca: str | None = key(
        "node.log.syslog.ca", Text("the path of a file"), None, "certificates that a system log by TLS is checked with",
        unset="the system's",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    outputs: tuple[OutputChoice, ...] = key(
        "node.log.outputs", Outputs(), (OutputChoice("detect"),),
        "where lines go, and from which level on; detect: the journal under systemd, else the console",
    )  # fmt: skip
    file: str = key(
        "node.log.file", Text("the path of a file"), "../log/dcp-worker.log", "the log file of the output logfile"
    )
    json_file: str | None = key(
        "node.log.jsonFile", Text("the path of a file"), None, "the file of the output json", unset="standard output"
    )
    max_bytes: int = key(
        "node.log.maxBytes", Whole(), 10 << 20, "size at which a log file is set aside as FILE.1; 0: never",
        unit="bytes",
    )  # fmt: skip
    keep: int = key("node.log.keep", Whole(0, 1000), 5, "how many log files that were set aside are kept")
    lines_per_job: int = key(
        "node.log.linesPerJob", Whole(1, 1_000_000), 50, "lines about one job in a second; others are counted"
    )
    journal: str = key(
        "node.log.journal", Text("the path of a socket"), "/run/systemd/journal/socket", "of systemd's journal"
    )
    syslog: SyslogSettings = section(SyslogSettings)
