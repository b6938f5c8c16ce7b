"""The module ``dcp`` inside a sandbox."""

from dcp_guest import gpu
from dcp_guest.api import emit, progress, public, reject, set_slice_handler

__all__ = ["emit", "gpu", "progress", "public", "reject", "set_slice_handler"]
