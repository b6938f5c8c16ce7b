"""What npm's dcp-worker 3.3.19 said to a scheduler, and what that answered: one run with three slices of a job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "npm_worker_traffic.json").read_text("utf-8"))

JOB = "0x" + "1" * 40
WORKER = "rddZqoPfbnGIpbLyfOY8Fl"
IDENTITY = "0x5CbDd86a2FA8Dc4bDdd8a8f69dBa48572EeC07FB"
PAYMENT_ADDRESS = "0x" + "2" * 40


def recorded(operation: str) -> list[dict[str, Any]]:
    return [entry for entry in RECORDED if entry["operation"] == operation]
