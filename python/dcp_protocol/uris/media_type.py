"""Media types as DCP reads them, from the header of an answer and from the head of a ``data:`` URI."""

from __future__ import annotations

from dataclasses import dataclass, field

_DEFAULT = "text/plain;charset=US-ASCII"


@dataclass(frozen=True)
class MediaType:
    """``name`` as it was written, for example ``text/html``; parameters by lower-case name, "" for those without value.

    As dcp-client has it (``parseContentType`` in ``utils/fetch-uri.js``), nothing is trimmed: the parameter of
    ``text/html; charset=x`` is named ``" charset"``, so that the text has no charset. Names are compared as written.
    """

    name: str
    parameters: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> MediaType:
        name, *parameters = text.split(";")
        pairs = (parameter.split("=") for parameter in parameters)
        return cls(name, {attribute.lower(): value[0] if value else "" for attribute, *value in pairs})

    @property
    def major(self) -> str:
        return self.name.split("/")[0]

    @property
    def charset(self) -> str | None:
        """In lower case; "" where it is named and not given."""
        charset = self.parameters.get("charset")
        return None if charset is None else charset.lower()

    @property
    def base64(self) -> bool:
        return "base64" in self.parameters


def split_data_uri(uri: str) -> tuple[MediaType, str]:
    """The media type and what comes after the comma. Raises ValueError where the URI does not begin with ``data:``."""
    if not uri.startswith("data:"):
        raise ValueError("no data: URI")
    head, _, payload = uri.removeprefix("data:").partition(",")
    return MediaType.parse(head or _DEFAULT), payload
