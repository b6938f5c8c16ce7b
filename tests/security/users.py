"""The ways in which a program is started here: as whom, and with what the kernel refuses."""

from __future__ import annotations

import os

ORDINARY = 12345

# A user namespace whose own limit forbids further ones, with no capability: as in a strict container.
_FORBID = (
    "echo 0 > /proc/sys/user/max_user_namespaces && "
    'exec setpriv --bounding-set=-all --ambient-caps=-all --inh-caps=-all "$0" "$@"'
)

AS_USER = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"] if os.geteuid() == 0 else []
WITHOUT_NAMESPACES = [*AS_USER, "unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c", _FORBID]
AS_ROOT_WITHOUT_NAMESPACES = ["unshare", "--user", "--map-root-user", "sh", "-c", _FORBID]

STARTS = {"self": [], "ordinary": AS_USER, "no-namespaces": WITHOUT_NAMESPACES}
"""What the tests of this folder run programs under: names, and prefixes of their command lines."""
