#!/usr/bin/env bash
# Makes one part after the other, goes on where one fails, and ends with a table of all of them.
# Usage: tests/parts.sh PART...   (`make test` calls it)
# A part is a target of make. What it writes stays in out/parts/PART.log.
set -uo pipefail
trap 'exit 130' INT

rows=() failed=() summary=
mkdir -p out/parts
for part in "$@"; do
  if [[ " ${failed[*]} " == *" build "* ]]; then
    rows+=("$(printf '%-16s not run, since the build failed' "$part")")
    failed+=("$part")
    continue
  fi
  printf '==> make %s\n' "$part"
  begun=$SECONDS outcome=passed
  if ! make --no-print-directory "$part" 2>&1 | tee "out/parts/$part.log"; then
    outcome=FAILED
    failed+=("$part")
  fi
  counts=$(sed -nE 's/^=+ (.*[0-9]+ (passed|failed|error).*) =+$/\1/p' "out/parts/$part.log" | tail -n 1)
  rows+=("$(printf '%-16s %s after %d s%s' "$part" "$outcome" $((SECONDS - begun)) "${counts:+: $counts}")")
  [ -z "$counts" ] || summary="===== $counts ====="
done

printf '\n'
printf '%s\n' "${rows[@]}"
[ -z "$summary" ] || printf '%s\n' "$summary"
if [ ${#failed[@]} -gt 0 ]; then
  printf '%d of %d parts did not pass: %s\n' ${#failed[@]} $# "${failed[*]}"
  exit 1
fi
printf 'all %d parts passed\n' $#
