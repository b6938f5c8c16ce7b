"""Contents as objects in a bucket of S3, or of what speaks as S3 does."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Self, TypeVar

from obstore.exceptions import BaseError
from obstore.store import S3Store

from ..errors import SchedulerError
from .bucket_access import access
from .contents import Contents, ContentsAwayError, checked, name_of
from .patience import Patience

_CLIENT = {"connect_timeout": "5s", "read_timeout": "30s", "timeout": "120s"}
_SEVERAL = 1000
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
T = TypeVar("T")


class BucketContents(Contents):
    """``s3://BUCKET/PREFIX``. Where it is, and with which keys, the environment says, or a file of credentials.

    A bucket that is away is waited for, and the log says so.
    """

    def __init__(self, url: str) -> None:
        """Raises SchedulerError where it cannot be used."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not url.startswith("s3://") or not _BUCKET.fullmatch(bucket):
            raise SchedulerError("contents are in a bucket that is named as s3://BUCKET or s3://BUCKET/PREFIX")
        options, where = access()
        self._what = f"the bucket {url}"
        self._patience: Patience | None = None
        try:
            self._store = S3Store(
                bucket, prefix=prefix.strip("/") or None, client_options={**_CLIENT, **where},  # type: ignore[arg-type]
                retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=10)}, **options,
            )  # fmt: skip
            self.get(self.put(b""))
        except (BaseError, ValueError, OSError) as error:
            raise SchedulerError(f"{self._what} cannot be used: {_reason(error)}") from None
        self._patience = Patience(self._what, passes=lambda error: isinstance(error, ContentsAwayError))

    def put(self, data: bytes) -> str:
        name = name_of(data)
        self._do(lambda: self._store.put(name, data))
        return name

    def get(self, name: str) -> bytes:
        return self._do(lambda: bytes(self._store.get(checked(name)).bytes()))

    def pieces(self, name: str, places: Iterable[tuple[int, int]]) -> list[bytes]:
        wanted = list(places)
        there = [place for place in wanted if place[1]]  # S3 has no ranges of nothing
        starts, lengths = [start for start, _ in there], [length for _, length in there]
        found = self._do(lambda: self._store.get_ranges(checked(name), starts=starts, lengths=lengths)) if there else ()
        left = iter(found)
        return [bytes(next(left)) if length else b"" for _, length in wanted]

    def size(self, name: str) -> int | None:
        try:
            return int(self._do(lambda: self._store.head(checked(name)))["size"])
        except FileNotFoundError:
            return None

    def names(self) -> Iterator[tuple[str, float]]:
        for some in self._store.list(chunk_size=_SEVERAL):
            yield from ((str(each["path"]).rpartition("/")[2], each["last_modified"].timestamp()) for each in some)

    def delete(self, names: Iterable[str]) -> None:
        wanted = [checked(name) for name in names]
        self._do(lambda: self._store.delete(wanted))

    def for_transactions(self) -> Self:
        hasty = copy.copy(self)
        hasty._patience = None
        return hasty

    def hurry(self) -> None:
        if self._patience:
            self._patience.end()

    def _do(self, action: Callable[[], T]) -> T:
        """Raises FileNotFoundError, ContentsAwayError."""

        def attempt() -> T:
            try:
                return action()
            except FileNotFoundError as error:
                raise FileNotFoundError(_reason(error)) from None
            except (BaseError, OSError) as error:
                raise ContentsAwayError(self._what, _reason(error)) from None

        return self._patience.until_done(attempt) if self._patience else attempt()


def _reason(error: BaseException) -> str:
    """The first line, of many."""
    return str(error).strip().partition("\n")[0][:300] or type(error).__name__
