"""The log on stderr: lines for people, or an object of JSON a line for programs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_LONGEST = 10_000


class TextFormatter(logging.Formatter):
    """What peers have written cannot steer the terminal."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program}: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        text = super().formatMessage(record)[:_LONGEST]
        return "".join(each if each.isprintable() or each == "\n" else "�" for each in text)


class JsonFormatter(logging.Formatter):
    """``time`` (ISO 8601), ``level``, ``message``, ``room``; ``trace`` of a fault; what a record has as ``details``."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        members = {
            "time": at.replace("+00:00", "Z"), "level": record.levelname.lower(),
            "message": record.getMessage()[:_LONGEST], "room": record.name.removeprefix("dcp_scheduler."),
            **getattr(record, "details", {}),
        }  # fmt: skip
        if record.exc_info:
            members["trace"] = self.formatException(record.exc_info)
        return json.dumps(members)


def set_up(program: str, *, as_json: bool, verbose: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter(program))
    logging.basicConfig(handlers=[handler], level=logging.INFO if verbose else logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
