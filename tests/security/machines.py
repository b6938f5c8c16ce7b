"""Machines with other files than this one: a program sees a root of its own, in a mount namespace that ends with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

_SCRIPT = r"""
root=$1 setup=$2; shift 2
mount -t tmpfs -o mode=755 none "$root"
for path in /*; do
  case " gnu nix " in *" ${path#/} "*) continue;; esac
  if [ -L "$path" ]; then cp -a "$path" "$root$path"; continue; fi
  [ -d "$path" ] || continue
  mkdir -p "$root$path"
  case " dev etc opt run " in *" ${path#/} "*) continue;; esac
  mount --rbind "$path" "$root$path"
done
cp -a /etc/ld.so.cache /etc/ld.so.conf* /etc/passwd /etc/group "$root/etc/"
for node in null zero full random urandom tty; do
  touch "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
cd "$root"
eval "$setup"
pivot_root . .
umount -l .
cd /
exec "$@"
"""


def on_machine(folder: Path, setup: str) -> Sequence[str]:
    """A prefix of a command line. ``setup``: lines of sh, run by root in the folder that becomes the root; ``dev``,
    ``etc``, ``opt`` and ``run`` are its own. ``folder``: an empty one, where the root is mounted."""
    folder.mkdir(exist_ok=True)
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--propagation", "private", "sh", "-ec", _SCRIPT, "sh", str(folder), setup]
