"""The worktime of Python that dcp-client's start-up files bring, for sandboxes that speak lines."""

from __future__ import annotations

import json
from pathlib import Path

_SCRIPT = Path(__file__).with_name("line_python.js")


def description(*, ahead: bool) -> str:
    """For native/runtime/js/template.js.

    ``ahead``: Python starts in the zygote. Either way a sandbox tells when its job asks for it.
    """
    return json.dumps({"script": str(_SCRIPT), "ahead": ahead})
