#!/usr/bin/env bash
# Tries this project on this machine's GPU, step by step, in less than eight minutes, and writes one page about it.
#
#   benchmarks/gpu-check.sh [OPTIONS]                  builds what is missing (make build), then runs all steps
#   benchmarks/gpu-check.sh --bundle FOLDER [OPTIONS]  the same without network and compiler: installs what `make bundle`
#                                                      has written to FOLDER, into build/gpu-check
#   benchmarks/gpu-check.sh --lacks                    only says what this machine lacks
#
# Results: out/gpu-check/gpu-check.txt, a page; out/gpu-check/gpu-check.json. The same command again does what is not done.
# OPTIONS:
#   --again           do again what is done
#   --only STEP,...   these steps; a wrong name shows all of them
#   --device INDEX    measure this adapter, as --gpu-devices names it; the first one unless given
#   --seconds N       for all steps together, 470 unless given
#   --quick           smaller and shorter, to try the check itself
#   --out FOLDER      for the results
set -euo pipefail
here=$PWD
cd "$(dirname "$0")/.."

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11 python3.14; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "Python 3.11 or newer is missing. Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv python3-dev"
}

check() { PYTHONPATH=benchmarks "$@"; }

# The bundle in $1, unless it is installed there already.
install_bundle() {
  cmp --quiet "$1/SHA256SUMS" "$installed/SHA256SUMS" && return
  rm -rf "$installed"
  DCP_EVALUATOR_PYTHON="$installed/python" "$1/install.sh" "$installed" >&2 || fail "the bundle could not be installed"
  "$installed/bin/python" -m pip --isolated install --quiet --disable-pip-version-check --no-index \
    --find-links "$1/wheels" hypothesis jsonschema pytest pytest-timeout || fail "the tests' packages are not in $1/wheels"
  cp "$1/SHA256SUMS" "$installed"
}

installed=$PWD/build/gpu-check
python=$(find_python)
case "${1:-}" in
  --help | -h)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"
    ;;
  --lacks)
    check "$python" -m gpu_check.lacks
    ;;
  --bundle)
    [ -n "${2:-}" ] || fail "--bundle needs a folder: benchmarks/gpu-check.sh --bundle FOLDER"
    [ -e "$here/$2" ] && bundle=$here/$2 || bundle=$2
    [ -e "$bundle/install.sh" ] || fail "there is no bundle in $2: make bundle writes one, on a machine with a network"
    check "$python" -m gpu_check.lacks --bundle
    install_bundle "$bundle"
    shift 2
    check "$installed/bin/python" -m gpu_check --commit "$(<"$bundle/COMMIT")" "$@"
    ;;
  *)
    check "$python" -m gpu_check.lacks || printf 'make build installs what it needs, where it may\n' >&2
    make --no-print-directory build
    check .venv/bin/python -m gpu_check "$@"
    ;;
esac
