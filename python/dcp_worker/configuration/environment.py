"""What variables of the environment say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from dcp_protocol.kvin import URL

from ..errors import ConfigurationError
from .javascript import Interpreter
from .layers import Layer
from .merge import merged
from .values import Tree, plain

_PREFIX = "DCP_CONFIG_"


def objects(environment: Mapping[str, str], config: Tree, interpreter: Interpreter) -> Iterator[Layer]:
    """``DCP_CONFIG_<NAME>`` with an object of JavaScript: NAME_LIKE_THIS is the member ``nameLikeThis``.

    Raises ConfigurationError.
    """
    for name in sorted(environment):
        value = environment[name]
        if name.startswith(_PREFIX) and len(name) > len(_PREFIX) and value.startswith("{"):
            fragment = _json(value) or interpreter.evaluate(value, config, f"variable {name}").fragment
            yield Layer(f"variable {name}", {_camel_case(name.removeprefix(_PREFIX)): fragment}, text=value)


def variables(environment: Mapping[str, str]) -> Iterator[Layer]:
    """``DCP_SCHEDULER_LOCATION`` and its like. Raises ConfigurationError."""
    for name, path in (
        ("DCP_SCHEDULER_LOCATION", ("scheduler", "location")),
        ("DCP_CONFIG_LOCATION", ("scheduler", "configLocation")),
        ("DCP_BUNDLE_LOCATION", ("bundle", "location")),
    ):
        if name not in environment or (name == "DCP_SCHEDULER_LOCATION" and not environment[name]):
            continue
        value = environment[name]
        yield Layer(f"variable {name}", {path[0]: {path[1]: url(value, f"variable {name}") if value else False}})


def url(text: str, name: str) -> URL:
    """Raises ConfigurationError, which names ``name``."""
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s]*)?", text):
        raise ConfigurationError(f"{name}: this is no URL of a server, such as https://host.example/")
    found = merged({"url": URL("")}, {"url": text})["url"]
    assert isinstance(found, URL)
    return found


def _json(text: str) -> Tree | None:
    """Of an object that is JSON, which needs no sandbox."""
    try:
        value = plain(json.loads(text))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _camel_case(name: str) -> str:
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)
