# shellcheck shell=bash
# The head of a test that is a shell script: $top is the repository, $tmp a directory that goes when the script ends, and
# `check` keeps the score. `score`, the last call, prints it and ends the script. Sourced.
set -uo pipefail
# shellcheck disable=SC2034 # the script's
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0 skipped=0

check() { # what is to hold, then the command that tells
  local claim=$1
  shift
  if "$@"; then echo "ok      $claim"; passed=$((passed + 1)); else echo "FAILED  $claim"; failed=$((failed + 1)); fi
}
equal() { [ "$1" = "$2" ] || { printf '        expected %s\n        found    %s\n' "$2" "$1"; return 1; }; }
holds() { grep -qF -e "$2" <<<"$1" || { printf '        not found: %s\n        in: %s\n' "$2" "$1"; return 1; }; }
lacks() { ! grep -qF -e "$2" <<<"$1" || { printf '        found: %s\n' "$2"; return 1; }; }

score() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" = 0 ] && exit 0 || exit 1
}
# Ends the script, since nothing after it can be tried.
skip() { echo "skipped $1"; skipped=$((skipped + 1)); score; }
fatal() { echo "FAILED  $1"; failed=$((failed + 1)); score; }
