"""Installs the bundle of ``out/packages`` in a fresh Debian without compilers or network, as an ordinary user there.

``make check-bundle`` calls it, after ``make bundle``; it needs root, mmdebstrap and bubblewrap. With each CPython that
the bundle is for: install.sh, installed.py, slices in Python, ``dcp-worker setup``. With the first of them also
benchmarks/gpu-check.sh. Then what install.sh refuses.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bundle import MACHINE, bundle_folder, parse
from debian_roots import BUILD, make_root
from fresh_debian import run_inside
from python_roots import python_root
from sysroot import OLDEST
from wheels import wheel_of

_HERE = Path(__file__).parent
_NO_TOOLS = """
for program in cc gcc g++ clang pip pip3; do if command -v "$program"; then exit 1; fi; done
"""
# A folder with a space in its name; the worker's home is a new one.
_TRY = (
    _NO_TOOLS
    + """
quietly env PYTHON="$1" /run/bundle/install.sh "my dcp"
tail -n 8 log | grep --quiet "my dcp/bin/dcp-worker setup" || { cat log; exit 1; }
"my dcp/bin/python" /run/installed.py
"my dcp/bin/python" /run/python_slices.py
quietly "my dcp/bin/dcp-worker" setup --new-account --dcp-scheduler http://127.0.0.1:9/
quietly "my dcp/bin/dcp-worker" --help
"""
)
# As on a machine with a GPU, but on lavapipe. The log names the steps, the page follows.
_CHECK_GPU = (
    _NO_TOOLS
    + """
tar --extract --file "$(echo /run/bundle/source/*.tar.gz)"
cd dcp_evaluator-*
quietly benchmarks/gpu-check.sh --bundle /run/bundle --quick
grep --max-count=1 " passed, 0 failed" out/gpu-check/gpu-check.txt
"""
)
_REFUSED = (
    _NO_TOOLS
    + """
refused() { # MESSAGE COMMAND...
  message=$1
  shift
  if "$@" >log 2>&1; then echo "error: $* succeeds" >&2; exit 1; fi
  grep --quiet "^error: .*$message" log || { cat log >&2; exit 1; }
  [ ! -e "$HOME/dcp" ] || { echo "error: $* leaves a folder behind" >&2; exit 1; }
  echo "refused: $(grep --max-count=1 '^error: ' log)"
}
refused "$1" /run/bundle/install.sh
cp --recursive --symbolic-link /run/bundle damaged
rm damaged/wheels/numpy-*
refused "damaged or missing" damaged/install.sh
cp --recursive --symbolic-link --force /run/bundle/. damaged
cp --remove-destination --no-preserve=mode damaged/python/pyodide-lock.json .
echo >>pyodide-lock.json
mv pyodide-lock.json damaged/python/pyodide-lock.json
refused "damaged or missing" damaged/install.sh
mkdir there
refused "there is there already" /run/bundle/install.sh there
"""
)


def main() -> int:
    """Returns the exit status."""
    folder, asked = bundle_folder(), parse(__doc__)
    versions = [version for version in asked if wheel_of(version, MACHINE, folder / "wheels")]
    if not versions:
        print(f"error: out/packages has no bundle for CPython {', '.join(asked)}; run: make bundle", file=sys.stderr)
        return 1
    tools = {"/run/bundle": folder} | {f"/run/{name}": _HERE / name for name in ("installed.py", "python_slices.py")}
    for version in versions:
        root = python_root(version)
        print(f"==> Trying the bundle with CPython {version} in Debian {root.suite}", flush=True)
        run_inside(root.folder, tools | root.mounts, _TRY, root.python)
        if version == versions[0]:
            print("==> Trying benchmarks/gpu-check.sh there", flush=True)
            run_inside(root.folder, tools | root.mounts, _CHECK_GPU)
    print("==> What install.sh refuses", flush=True)
    old = make_root(OLDEST, ["python3"], BUILD / "roots" / f"{OLDEST}-python3")
    run_inside(old, tools, _REFUSED, "is for CPython .* python3 here is: Python 3.9.2.*apt-get install python3")
    none = make_root(OLDEST, ["libstdc++6"], BUILD / "roots" / OLDEST)
    run_inside(none, tools, _REFUSED, "is for CPython .* python3 here is: no such program.*apt-get install python3")
    return 0


if __name__ == "__main__":
    sys.exit(main())
