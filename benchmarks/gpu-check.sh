#!/usr/bin/env bash
# Tries this project on this machine's GPU, step by step, in less than eight minutes, and writes one page about it.
#
#   benchmarks/gpu-check.sh [OPTIONS]                  builds what is missing (make build), then runs all steps
#   benchmarks/gpu-check.sh --wheels FOLDER [OPTIONS]  the same without a network, with Python packages from FOLDER
#   benchmarks/gpu-check.sh --collect FOLDER [3.12]    fills FOLDER, on a machine with a network, for that Python
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

case "${1:-}" in
  --help | -h)
    sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"
    exit
    ;;
  --collect | --wheels)
    [ -n "${2:-}" ] || fail "$1 needs a folder: benchmarks/gpu-check.sh $1 FOLDER"
    ;;
esac
python=$(find_python)
case "${1:-}" in
  --collect)
    check "$python" -m gpu_check.wheels collect "$2" ${3:+"$3"}
    exit
    ;;
  --lacks)
    check "$python" -m gpu_check.lacks
    exit
    ;;
  --wheels)
    [ -d "$2" ] || fail "there is no folder $2: fill one with gpu-check.sh --collect, on a machine with a network"
    check "$python" -m gpu_check.lacks "$2" || fail "nothing can be built here; what is missing is named above"
    check "$python" -m gpu_check.wheels install "$2"
    shift 2
    ;;
  *)
    check "$python" -m gpu_check.lacks || printf 'make build installs what it needs, where it may\n' >&2
    make --no-print-directory build
    ;;
esac
check .venv/bin/python -m gpu_check "$@"
