#!/usr/bin/env bash
# A release from its layouts to its tags: .ci/release in a clone of HEAD, a registry of its own (crane's), and the setup action that it makes.
#
# With DOCKER_IMAGE=NAME that image of the docker daemon is what is released, and pulled in the end by what action.yml then names.
# shellcheck source=tests/score.sh
. "$(dirname "${BASH_SOURCE[0]}")/../score.sh"

trap 'kill "$registry" 2>/dev/null; rm -rf "$tmp"' EXIT
crane registry serve --address 127.0.0.1:0 2>"$tmp/registry" &
registry=$!
for _ in $(seq 300); do
  port=$(sed -n 's/.*serving on port \([0-9]*\)$/\1/p' "$tmp/registry")
  if [ -n "$port" ]; then break; fi
  kill -0 "$registry" || fatal "start crane's registry"
  sleep 0.1
done
image=127.0.0.1:$port/owner/name

# --- the files of HEAD and of the work tree, as a commit of a repository of its own
mkdir "$tmp/clone" && git -C "$top" ls-files -z --cached --others --exclude-standard | tar -C "$top" --null -T - -c | tar -x -C "$tmp/clone"
repository() { git -C "$tmp/clone" -c user.name=test -c user.email=test@example.com "$@"; }
repository init --quiet --initial-branch main && repository add --all && repository commit --quiet --message "main"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
release() { # prints its log
  env -C "$tmp/clone" PATH="$tmp/bin:$PATH" IMAGE="$image" GITHUB_SERVER_URL=https://github.example.com GITHUB_REPOSITORY=owner/name \
    GITHUB_OUTPUT="$tmp/outputs" KUBERNETES_RELEASES="file://$tmp/kubernetes" .ci/release "$@" 2>&1
}

# --- check
check "the release's crane is the one that is tested here" equal "$(sed -n 's/^  CRANE_VERSION: \([^ ]*\).*/\1/p' "$top/.github/workflows/release.yml")" "$(crane version)"
check "another version than Cargo.toml's is refused" holds "$(release check 99.0.0)" "Cargo.toml has another version"
check "what is no version is refused" holds "$(release check v1)" "v1 is no version"
check "a version without its section in the changelog is refused" holds "$(release check "$version")" "CHANGELOG.md has no section"
sed -i "s/^## \[Unreleased\]/## [Unreleased]\n\n## [$version] - 2026-01-01\n\nNotes of the release./" "$tmp/clone/CHANGELOG.md"
repository commit --quiet --all --message "changelog"
check "a version that all files name is right" equal "$(release check "$version"; echo $?)" 0
repository tag "v$version"
check "a release is not made twice" holds "$(release check "$version")" "is there already"
repository tag --delete "v$version" >/dev/null

# --- push: two layouts, as `image` leaves them
layout() { # ARCHITECTURE
  local parts=127.0.0.1:$port/parts:$1 program=$tmp/$1/usr/local/bin/secret-patch
  rm -rf "$tmp/clone/layout"
  if [ -n "${DOCKER_IMAGE:-}" ]; then
    docker tag "$DOCKER_IMAGE" "$parts" && docker push --quiet "$parts" && docker rmi "$parts"
  else
    mkdir -p "${program%/*}" && printf '#!/bin/sh\necho "secret-patch for linux-%s"\n' "$1" >"$program" && chmod +x "$program"
    tar -C "$tmp/$1" -cf "$tmp/layer.tar" usr && crane append --oci-empty-base --new_layer "$tmp/layer.tar" --new_tag "$parts"
  fi >/dev/null 2>"$tmp/log" || { cat "$tmp/log"; return 1; }
  crane mutate --set-platform "linux/$1" --tag "$parts" "$parts" >/dev/null 2>&1 && crane pull --format=oci "$parts" "$tmp/clone/layout"
}
for architecture in amd64 arm64; do
  layout "$architecture" || fatal "make a layout for $architecture"
  log=$(release push "$architecture") || echo "$log"
  digest=$(cat "$tmp/clone/out/digest-linux-$architecture")
  check "the image for $architecture is in the registry, by its digest" equal "$(crane digest "$image@$digest")" "$digest"
  check "its program is taken out again" [ -s "$tmp/clone/out/secret-patch-linux-$architecture" ]
done
check "no tag names them yet" equal "$(crane ls "$image" 2>/dev/null)" ""

# --- index
for system in darwin-amd64 darwin-arm64; do
  printf '#!/bin/sh\necho "secret-patch for %s"\n' "$system" >"$tmp/clone/out/secret-patch-$system"
done
log=$(release index "$version") || echo "$log"
digest=$(sed -n 's/^digest=//p' "$tmp/outputs")
platforms() { crane manifest "$1" | jq --raw-output '.manifests[] | "\(.platform.os)/\(.platform.architecture) \(.digest)"'; }
check "one image has both architectures" equal "$(platforms "$image@$digest")" "linux/amd64 $(cat "$tmp/clone/out/digest-linux-amd64")
linux/arm64 $(cat "$tmp/clone/out/digest-linux-arm64")"
check "the SBOM names the program and kubectl" equal \
  "$(jq --raw-output '[.packages[].name | select(. == "secret-patch" or . == "kubectl")] | sort | join(" ")' "$tmp/clone/out/sbom.spdx.json")" "kubectl secret-patch"
check "the checksums are those of four programs" equal "$(env -C "$tmp/clone/out" sha256sum --check SHA256SUMS | grep -c ': OK$')" 4

# --- stamp
for system in linux-amd64 linux-arm64 darwin-amd64 darwin-arm64; do
  kubectl=$tmp/kubernetes/$(sed -n 's/^ARG KUBECTL_IMAGE=.*:\(v[0-9.]*\)@.*/\1/p' "$top/Dockerfile")/bin/${system/-//}
  mkdir -p "$kubectl" && printf '#!/bin/sh\necho "kubectl for %s"\n' "$system" >"$kubectl/kubectl"
  sha256sum <"$kubectl/kubectl" | cut -d' ' -f1 | tr -d '\n' >"$kubectl/kubectl.sha256"
done
check "an image without a digest is refused" holds "$(release stamp "$version" v1)" "is no digest"
log=$(release stamp "$version" "$digest")
check "a release is written down" equal "$?$log" 0
check "action.yml names the image by its digest" holds "$(cat "$tmp/clone/action.yml")" "  image: docker://$image@$digest"
check "and nothing else in it has changed" equal "$(repository diff --numstat action.yml | cut -f1,2)" $'1\t1'
check "two programs for four systems are listed" equal "$(grep -cE ' v[0-9.]+ (linux|darwin)-(amd64|arm64) [0-9a-f]{64} (https|file)://' "$tmp/clone/setup/release.txt")" 8
cp -r "$tmp/clone/setup" "$tmp/setup" && mkdir "$tmp/temp"
env -i PATH="$PATH" RUNNER_OS=macOS RUNNER_ARCH=ARM64 RUNNER_TEMP="$tmp/temp" GITHUB_PATH="$tmp/path" GITHUB_OUTPUT="$tmp/output" \
  INSTALL_KUBECTL=false INSTALL_MIRROR="file://$tmp/clone/out" "$tmp/setup/install.sh" >"$tmp/log" 2>&1 || cat "$tmp/log"
check "the setup action installs it" equal "$("$(cat "$tmp/path")/secret-patch" 2>&1)" "secret-patch for darwin-arm64"

# --- publish, to a repository that main was pushed to; `gh` alone is not real
git init --quiet --bare --initial-branch main "$tmp/origin"
repository remote add origin "$tmp/origin" && repository push --quiet origin main
main=$(repository rev-parse main)
mkdir "$tmp/bin"
cat >"$tmp/bin/gh" <<'END'
#!/bin/sh
case "$1 $2" in
  "auth setup-git") ;;
  "release create") shift 2; for word; do echo "$word"; done >../page ;;
  *) echo "gh $*: not expected" >&2; exit 1 ;;
esac
END
chmod +x "$tmp/bin/gh"
log=$(release publish "$version" "$digest") || echo "$log"
origin() { git -C "$tmp/origin" "$@"; }
commit=$(origin rev-parse "v$version^{commit}")
check "the tag's commit is beside main" equal "$(origin rev-parse "v$version^") $(origin rev-parse main)" "$main $main"
check "it differs from main in what is stamped alone" equal "$(origin diff --name-only main "v$version" | xargs)" "action.yml setup/release.txt"
check "the moving tag is there" equal "$(origin rev-parse "v${version%%.*}^{commit}")" "$commit"
check "the image has the version's tag" equal "$(crane digest "$image:v$version")" "$digest"
check "the page has the programs, checksums, SBOM and examples" equal "$(sed -n 's:^out/::p' "$tmp/page" | grep -v '^notes.md$' | sort)" \
  "$({ cd "$top/examples/workflows" && ls; echo SHA256SUMS sbom.spdx.json secret-patch-{darwin,linux}-{amd64,arm64} | xargs -n 1; } | sort)"
check "its notes are the changelog's of this version" equal "$(sed '/^$/d' "$tmp/clone/out/notes.md" | head -n 1; grep -c '^## ' "$tmp/clone/out/notes.md")" $'Notes of the release.\n0'
uses=$(grep -hoE 'owner/name@[^ ]+ # .*' "$tmp"/clone/out/*.yml | sort -u)
check "the examples name the release's commit" equal "$uses" "owner/name@$commit # v$version"
repository reset --quiet --hard main~1 && repository tag --delete "v$version" >/dev/null
release stamp "$version" "$digest" >/dev/null
check "who comes second changes nothing" equal "$(GIT_COMMITTER_DATE=2100-01-01T00:00:00Z release publish "$version" "$digest" >/dev/null; echo $?) $(origin rev-parse "v$version^{commit}" "v${version%%.*}^{commit}" | sort -u)" "1 $commit"

# --- pull
if [ -n "${DOCKER_IMAGE:-}" ]; then
  docker rmi "$DOCKER_IMAGE" >/dev/null 2>&1
  reference=$(origin show "v$version:action.yml" | sed -n 's|^  image: docker://||p')
  check "what the tag's action.yml names is pulled and runs" equal "$(docker run --quiet --rm --network none "$reference" --version 2>&1)" "secret-patch $version"
fi
score
