"""Compute groups that a worker joins (DCP: ``compute-groups/authorization.js``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from dcp_protocol.keys.hashes import eh1


@dataclass(frozen=True, slots=True)
class ComputeGroup:
    """A group and the hash of its secret, which is a secret too: neither is shown, and neither is sent as such."""

    join_key: str
    join_hash: str = field(repr=False)

    @classmethod
    def with_secret(cls, join_key: str, join_secret: str) -> Self:
        return cls(join_key, eh1(f"{join_key} {join_secret}"))

    @classmethod
    def with_hash(cls, join_key: str, join_hash: str) -> Self:
        """``join_hash``: ``eh1-`` and 64 hexadecimal digits; white space in it counts for nothing."""
        return cls(join_key, "".join(join_hash.split()))

    def proof(self, session: str) -> dict[str, str]:
        """What shows a scheduler, in this session with it (its ``dcpsid``) only, that the worker has the secret."""
        return {"joinKey": self.join_key, "joinHashHash": eh1(session + self.join_hash)}


GLOBAL = ComputeGroup.with_secret("public", "undefined")
"""Whose secret is JavaScript's ``undefined``, as npm's worker hashes the one that it has not got."""
