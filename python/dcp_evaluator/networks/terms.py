"""What the owner of a job asks of a network: who pays what, which groups do it, and what it is called."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from dcp_protocol.keys.hashes import eh1

_PUBLIC = {"opaqueId": "WHhetL7mj1w1mw1XV6dxyC", "id": 1, "name": "Public Group", "joinKey": "public", "joinHash": ""}
_MEMBERS = frozenset(("join_key", "join_secret", "join_hash"))
_SENT = frozenset(("name", "description", "link"))
"""Of what is public: the rest only work functions see."""


@dataclass(frozen=True, slots=True)
class Group:
    """A compute group. ``join_hash`` is a secret, too."""

    join_key: str
    join_hash: str = field(repr=False)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Raises TypeError, ValueError."""
        if not isinstance(given, Mapping) or not given.keys() <= _MEMBERS:
            raise TypeError("a group is a dict of join_key and join_secret, or join_hash in the place of that")
        if not all(isinstance(value, str) for value in given.values()) or not given.get("join_key"):
            raise ValueError("a group has a join_key, and texts only")
        key = given["join_key"]
        if key == "public":
            return cls(key, "")
        if ("join_secret" in given) == ("join_hash" in given):
            raise ValueError(f"the group {key!r} needs a join_secret, or a join_hash")
        return cls(key, "".join(given["join_hash"].split()) if "join_hash" in given else _hash(key, given))

    def proof(self, session: str) -> dict[str, Any]:
        """What shows the scheduler, in this session with it only, that the secret is known."""
        if self.join_key == "public":
            return dict(_PUBLIC)
        return {"joinKey": self.join_key, "joinHashHash": eh1(session + self.join_hash)}


def _hash(key: str, given: Mapping[str, Any]) -> str:
    return eh1(f"{key} {given['join_secret']}")


@dataclass(frozen=True, slots=True)
class Terms:
    """``price``: DCC for a slice. ``account``: the keystore that pays, a name or a path; None for the user's default.

    ``extra``: of what is public, what every job lacks.
    """

    price: float
    account: str | None
    groups: tuple[Group, ...]
    name: str
    description: str
    link: str
    extra: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        price: object,
        account: str | os.PathLike[str] | None,
        groups: Sequence[Mapping[str, Any]] | None,
        public: Mapping[str, Any],
    ) -> Self:
        """Raises TypeError, ValueError."""
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
            raise ValueError(f"price must be a number of DCC for a slice, from 0, not {price!r}")
        if not isinstance(account, str | os.PathLike | None):
            raise TypeError(f"account must be the name or the path of a keystore, not {type(account).__name__}")
        if isinstance(groups, str | Mapping):
            raise TypeError("groups must be a list of groups")
        if not all(isinstance(public.get(name, ""), str) for name in _SENT):
            raise TypeError("name, description and link of what is public must be texts")
        named = None if account is None else os.fspath(account)
        if isinstance(account, os.PathLike) and "/" not in str(named):
            named = f"./{named}"
        found = (Group("public", ""),) if groups is None else tuple(map(Group.of, groups))
        if not found:
            raise ValueError("groups must have a group: no worker would do the job")
        extra = {name: value for name, value in public.items() if name not in _SENT}
        name, description, link = (public.get(name, "") for name in ("name", "description", "link"))
        return cls(float(price), named, found, name, description, link, extra)

    def proofs(self, session: str) -> list[dict[str, Any]]:
        return [group.proof(session) for group in self.groups]
