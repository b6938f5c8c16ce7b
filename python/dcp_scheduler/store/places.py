"""Where contents are: what an option names."""

from __future__ import annotations

from pathlib import Path

from .contents import Contents
from .folder import FolderContents


def contents_at(place: Path | str) -> Contents:
    """``place``: a folder, or ``s3://BUCKET/PREFIX``. Raises SchedulerError, ModuleNotFoundError without the extra."""
    if isinstance(place, Path):
        return FolderContents(place)
    from .bucket import BucketContents  # its library is an extra

    return BucketContents(place)
