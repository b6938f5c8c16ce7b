#!/bin/sh
# Installs dcp-evaluator from this folder, without a network, as any user: ./install.sh [FOLDER]
# FOLDER is made; ~/dcp unless given. The variable PYTHON names another Python than python3.
set -eu
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }
case ${1:-} in -*) sed -n '2,3s/^# //p' "$0"; exit ;; esac
[ "$(uname -m)" = x86_64 ] || fail "this bundle is for x86-64, and this machine is $(uname -m)"
folder=${1:-$HOME/dcp}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
[ ! -e "$folder" ] || fail "$folder is there already: remove it, or name another one: ./install.sh FOLDER"
cd "$(dirname "$0")"

echo "Checking the files of this bundle"
sha256sum --check --quiet --strict SHA256SUMS >&2 ||
  fail "files of this bundle are damaged or missing, they are named above: bring it here again"

# A wheel's tags for a Python, as cp313-cp313.
tags='import sys; tag = "%s%d%d" % ({"cpython": "cp"}.get(sys.implementation.name, "other"), *sys.version_info[:2]); print(tag + "-" + tag + getattr(sys, "abiflags", ""))'
has_wheel() { ls wheels/dcp_evaluator-*-"$("$1" -c "$tags" 2>/dev/null || echo none)"-*.whl >/dev/null 2>&1; }
python=
for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
  if has_wheel "$candidate"; then python=$candidate && break; fi
done
if [ -z "$python" ]; then
  versions=$(ls wheels | sed -n 's/^dcp_evaluator-.*-cp3\([0-9]*\)-cp.*/3.\1/p' | paste -s -d' ')
  found=$("${PYTHON:-python3}" --version 2>&1) || found="no such program"
  fail "this bundle is for CPython $versions, and ${PYTHON:-python3} here is: $found. Debian 12 or newer, Ubuntu 24.04" \
    "or newer: apt-get install python3. Another Python: PYTHON=/path/of/python3 ./install.sh"
fi

echo "Installing into $folder, with $("$python" --version)"
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
"$python" -m venv --without-pip "$folder" || fail "no virtual environment can be made. Debian: apt-get install python3-venv"
"$folder/bin/python" -I "$(echo wheels/pip-*.whl)/pip" --isolated install --quiet --disable-pip-version-check --no-cache-dir \
  --no-index --find-links wheels 'dcp-evaluator[network,s3,web]' pip ||
  fail "pip says above why it cannot install. The wheels need glibc 2.31 or newer: Debian 11, Ubuntu 20.04, RHEL 9"
for file in startup/*.tgz; do # NAME-VERSION.tgz
  package=$(basename "$file")
  package=$folder/lib/node_modules/${package%-*}
  mkdir -p "$package"
  tar --extract --gzip --file "$file" --directory "$package" --strip-components=1 --no-same-owner
done
"$folder/bin/dcp-evaluator" python install --from python
trap - EXIT

cat <<END
Installed. What this machine offers, and a first job:
  $folder/bin/dcp-evaluator --probe
  $folder/bin/python -m dcp_evaluator.demo
A worker, with a small scheduler of its own; and one for your network:
  $folder/bin/python -m dcp_worker.demo
  $folder/bin/dcp-worker setup --dcp-scheduler URL && $folder/bin/dcp-worker
END
