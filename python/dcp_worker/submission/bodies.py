"""What is sent for a slice that has a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dcp_protocol.messages.json_parts import Text


@dataclass(frozen=True, slots=True)
class ResultText:
    """The data of the operation ``result``, as JSON."""

    text: Text

    @property
    def size(self) -> int:
        return len(self.text)


@dataclass(frozen=True, slots=True)
class Upload:
    """A form that goes to ``url`` first, where ``group`` (a compute group's id, or "") may send results to.

    ``head``: the data of the operation ``result`` without what the storage answers (``ResultHead``).
    """

    url: str
    group: str
    head: bytes
    form: bytes

    @property
    def size(self) -> int:
        return len(self.form) + len(self.head)


Body: TypeAlias = ResultText | Upload
