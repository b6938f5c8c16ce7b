"""One configuration over another (``addConfig`` of dcp-client 4's ``index.js``)."""

from __future__ import annotations

from typing import Any

from dcp_protocol.kvin import URL

from .values import MISSING, Path, Tree, dotted


def merged(existing: Tree, new: Tree, above: Path = ()) -> Tree:
    """``new`` over ``existing``, neither of which is changed: objects are merged, all else is replaced, lists too.

    A text over a URL becomes one; what is false there changes nothing. Raises ValueError where it is no URL.
    """
    result = dict(existing)
    for name, value in new.items():
        result[name] = _over(result.get(name, MISSING), value, (*above, name))
    return result


def _over(old: Any, value: Any, path: Path) -> Any:
    if isinstance(old, URL):
        return _url(value, path) if value else old
    if isinstance(value, dict):
        return merged(old if isinstance(old, dict) else {}, value, path)
    return value


def _url(value: Any, path: Path) -> URL:
    text = value.href if isinstance(value, URL) else value.get("href") if isinstance(value, dict) else value
    if not isinstance(text, str) or "://" not in text:
        raise ValueError(f"{dotted(path)} is a URL, such as https://host.example/")
    return URL(text if text.partition("://")[2].count("/") else f"{text}/")
