"""The module ``dcp`` inside a sandbox."""

from dcp_guest import gpu
from dcp_guest.api import emit, progress, public, reject, set_slice_handler
from dcp_guest.registry import register

__all__ = ["emit", "gpu", "progress", "public", "register", "reject", "set_slice_handler"]
