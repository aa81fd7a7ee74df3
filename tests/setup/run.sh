#!/usr/bin/env bash
# The setup action's script against releases in a directory: what is right is installed, everything else is refused.
# The last line is the score.
# shellcheck source=tests/score.sh
. "$(dirname "${BASH_SOURCE[0]}")/../score.sh"

# A release: two programs that say who they are, and the list of them.
mkdir "$tmp/published"
for program in secret-patch kubectl; do
  printf '#!/bin/sh\necho "this is %s"\n' "$program" >"$tmp/published/$program-linux-amd64"
done
new_setup() {
  rm -rf "$tmp/setup" "$tmp/temp" "$tmp/cache" && cp -r "$top/setup" "$tmp/setup" && mkdir "$tmp/temp" "$tmp/cache"
  local program sum
  for program in secret-patch kubectl; do
    sum=$(sha256sum <"$tmp/published/$program-linux-amd64")
    echo "$program v0.1.0 linux-amd64 ${sum%% *} file://$tmp/published/$program-linux-amd64" >>"$tmp/setup/release.txt"
  done
  : >"$tmp/path" && : >"$tmp/output"
}
setup() { # NAME=VALUE of variables more; prints the step's log
  env -i PATH="$PATH" RUNNER_OS=Linux RUNNER_ARCH=X64 RUNNER_TEMP="$tmp/temp" RUNNER_TOOL_CACHE="$tmp/cache" \
    GITHUB_PATH="$tmp/path" GITHUB_OUTPUT="$tmp/output" INSTALL_KUBECTL=true INSTALL_MIRROR= "$@" "$tmp/setup/install.sh" 2>&1
}
installed() { PATH=$(cat "$tmp/path"):/usr/bin:/bin "$1" 2>&1; }

new_setup
log=$(setup)
check "a release is installed" equal $? 0
check "its version is said and put out" equal "$log $(cat "$tmp/output")" $'secret-patch v0.1.0\nkubectl v0.1.0 version=v0.1.0'
check "secret-patch is on PATH" equal "$(installed secret-patch)" "this is secret-patch"
check "kubectl is on PATH" equal "$(installed kubectl)" "this is kubectl"

mv "$tmp/published" "$tmp/gone" && : >"$tmp/path"
setup >/dev/null
check "the tool cache serves a second job" equal "$(installed secret-patch)" "this is secret-patch"
echo 'echo tampered' >>"$tmp/cache/secret-patch/kubectl-v0.1.0-linux-amd64" && : >"$tmp/path"
log=$(setup)
check "what was changed in the tool cache is not used" equal "$?$(cat "$tmp/path")" 1
check "and where it was looked for instead is said" holds "$log" "cannot fetch file://$tmp/published/kubectl-linux-amd64"
log=$(setup INSTALL_MIRROR="file://$tmp/gone/")
check "a mirror has the same files" equal "$(installed kubectl)" "this is kubectl"
mv "$tmp/gone" "$tmp/published"

new_setup
echo 'echo tampered' >>"$tmp/published/secret-patch-linux-amd64"
log=$(setup)
check "another file than the release's is refused" equal "$?$(cat "$tmp/path")" 1
check "with a word" holds "$log" "its checksum differs"
check "and is not kept" equal "$(find "$tmp/cache" "$tmp/temp" -type f)" ""

new_setup
log=$(setup INSTALL_KUBECTL=false)
check "the runner's own kubectl stays" equal "$(find "$tmp/temp" -name kubectl)" ""
log=$(setup RUNNER_OS=Windows)
check "a system without a release is told" holds "$log" "::error title=setup::there is no secret-patch for Windows on X64; use a Linux or macOS runner"
log=$(setup RUNNER_ARCH=ARM64)
check "a program that the release lacks is told" holds "$log" "it knows no secret-patch for linux-arm64"
cp "$top/setup/release.txt" "$tmp/setup/release.txt"
log=$(setup)
check "a commit that is no release is told" holds "$log" "this commit is no release of secret-patch"

score
