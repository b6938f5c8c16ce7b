"""``deployPackage`` and ``listModules`` as npm's programs send and read them (``common/dcp-publish``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import RefusedError
from ..model.package import Package
from ..packages.listing import Listed
from .fields import Fields


def read_package(fields: Fields) -> Package:
    """Its names are not looked at. Raises RefusedError."""
    name, version = fields.text("name"), fields.text("version")
    files = {file: _text(content) for file, content in fields.mapping("files").items()}
    return Package(name, version, files)


def published(package: Package) -> dict[str, Any]:
    """The answer: npm's tools print its name and its first version."""
    return {"name": package.name, "versions": {package.version: {"files": list(package.files)}}}


def listing(found: Sequence[Listed], following: int | None) -> dict[str, Any]:
    """``following``: how many to skip for the next page; None after the last."""
    answer: dict[str, Any] = {
        "packages": [
            {
                "name": each.name, "version": each.version, "published": round(1000 * each.published),
                "owner": each.owner, "files": each.files,
            }
            for each in found
        ]
    }  # fmt: skip
    return answer if following is None else answer | {"next": following}


def _text(content: object) -> bytes:
    if not isinstance(content, str):
        raise RefusedError("EINVAL", "the package's files must be texts")
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise RefusedError("EINVAL", "a file of the package is no text of UTF-8") from None
