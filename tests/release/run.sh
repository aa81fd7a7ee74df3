#!/usr/bin/env bash
# What a release writes into the repository, without a registry: .ci/release in a clone of HEAD, and the setup action that it makes.
# The last line is the score.
# shellcheck source=tests/score.sh
. "$(dirname "${BASH_SOURCE[0]}")/../score.sh"

# --- the files of HEAD and of the work tree, as a commit of a repository of its own
mkdir "$tmp/clone" && git -C "$top" ls-files -z --cached --others --exclude-standard | tar -C "$top" --null -T - -c | tar -x -C "$tmp/clone"
commit() { git -C "$tmp/clone" -c user.name=test -c user.email=test@example.com commit --quiet "$@"; }
git -C "$tmp/clone" init --quiet && git -C "$tmp/clone" add --all && commit --message "main"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
digest=sha256:$(printf '%064d' 7)
release() { # prints its log
  env -C "$tmp/clone" IMAGE=ghcr.io/owner/name GITHUB_SERVER_URL=https://github.example.com GITHUB_REPOSITORY=owner/name \
    KUBERNETES_RELEASES="file://$tmp/kubernetes" .ci/release "$@" 2>&1
}

# --- check
check "another version than Cargo.toml's is refused" holds "$(release check 99.0.0)" "Cargo.toml has another version"
check "what is no version is refused" holds "$(release check v1)" "v1 is no version"
check "a version without its section in the changelog is refused" holds "$(release check "$version")" "CHANGELOG.md has no section"
sed -i "s/^## \[Unreleased\]/## [Unreleased]\n\n## [$version] - 2026-01-01/" "$tmp/clone/CHANGELOG.md" && commit --all --message "changelog"
check "a version that all files name is right" equal "$(release check "$version"; echo $?)" 0
git -C "$tmp/clone" tag "v$version"
check "a release is not made twice" holds "$(release check "$version")" "is there already"
git -C "$tmp/clone" tag --delete "v$version" >/dev/null

# --- stamp
mkdir "$tmp/clone/out"
for system in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64; do
  printf '#!/bin/sh\necho "secret-patch for %s"\n' "$system" >"$tmp/clone/out/secret-patch-$system"
  kubectl=$tmp/kubernetes/$(sed -n 's/^ARG KUBECTL_IMAGE=.*:\(v[0-9.]*\)@.*/\1/p' "$top/Dockerfile")/bin/${system/-//}
  mkdir -p "$kubectl" && printf '#!/bin/sh\necho "kubectl for %s"\n' "$system" >"$kubectl/kubectl"
  sha256sum <"$kubectl/kubectl" | cut -d' ' -f1 | tr -d '\n' >"$kubectl/kubectl.sha256"
done
check "an image without a digest is refused" holds "$(release stamp "$version" v1)" "is no digest"
log=$(release stamp "$version" "$digest")
check "a release is written down" equal "$?$log" 0
check "action.yml names the image by its digest" holds "$(cat "$tmp/clone/action.yml")" "  image: docker://ghcr.io/owner/name@$digest"
check "and nothing else in it has changed" equal "$(git -C "$tmp/clone" diff --numstat action.yml | cut -f1,2)" $'1\t1'
check "two programs for four systems are listed" equal "$(grep -cE ' v[0-9.]+ (linux|darwin)-(amd64|arm64) [0-9a-f]{64} (https|file)://' "$tmp/clone/setup/release.txt")" 8
cp -r "$tmp/clone/setup" "$tmp/setup" && mkdir "$tmp/temp"
env -i PATH="$PATH" RUNNER_OS=Linux RUNNER_ARCH=ARM64 RUNNER_TEMP="$tmp/temp" GITHUB_PATH="$tmp/path" GITHUB_OUTPUT="$tmp/output" \
  INSTALL_KUBECTL=false INSTALL_MIRROR="file://$tmp/clone/out" "$tmp/setup/install.sh" >"$tmp/log" 2>&1 || cat "$tmp/log"
check "the setup action installs it" equal "$("$(cat "$tmp/path")/secret-patch" 2>&1)" "secret-patch for linux-arm64"

score
