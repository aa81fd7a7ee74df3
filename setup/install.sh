#!/usr/bin/env bash
# Puts the programs of this release on PATH. What is fetched must have the checksum that stands in release.txt beside this script:
# who pins the action by its commit has pinned the programs too.
#
# A line of release.txt is: PROGRAM VERSION SYSTEM SHA256 URL
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
release=$here/release.txt

fail() { # what is wrong, what to do
  echo "::error title=setup::$1; $2"
  exit 1
}

system() {
  case ${RUNNER_OS:-}-${RUNNER_ARCH:-} in
    Linux-X64) echo linux-amd64 ;;
    Linux-ARM64) echo linux-arm64 ;;
    macOS-X64) echo darwin-amd64 ;;
    macOS-ARM64) echo darwin-arm64 ;;
    *) fail "there is no secret-patch for ${RUNNER_OS:-an unknown system} on ${RUNNER_ARCH:-an unknown processor}" "use a Linux or macOS runner on X64 or ARM64" ;;
  esac
}

has_checksum() { # FILE SHA256
  local found
  if command -v sha256sum >/dev/null; then found=$(sha256sum <"$1"); else found=$(shasum -a 256 <"$1"); fi
  [[ ${found%% *} == "$2" ]]
}

# Leaves PROGRAM in $directory, from the tool cache if that has the right one.
install_program() { # PROGRAM
  local name version sum url cached file=$directory/$1
  read -r name version _ sum url < <(grep -E "^$1 [^ ]+ $system " "$release") \
    || fail "this commit is no release of secret-patch: it knows no $1 for $system" "use a tag, or the commit of one"
  cached=${RUNNER_TOOL_CACHE:-$RUNNER_TEMP}/secret-patch/$name-$version-$system
  if [[ -n ${INSTALL_MIRROR:-} ]]; then url=${INSTALL_MIRROR%/}/${url##*/}; fi
  if [[ ! -f $cached ]] || ! has_checksum "$cached" "$sum"; then
    mkdir -p "${cached%/*}"
    curl --proto '=https,file' --tlsv1.2 --fail --silent --show-error --location --retry 5 --retry-all-errors --max-time 300 \
      --output "$cached.$$" "$url" || fail "cannot fetch $url" "look at the runner's network and proxy, or name a mirror"
    if ! has_checksum "$cached.$$" "$sum"; then
      rm -f "$cached.$$"
      fail "$url is not the $name of this release: its checksum differs" "do not use it, and tell the maintainers"
    fi
    mv "$cached.$$" "$cached"
  fi
  # A copy of the job's own: another job cannot change it under us.
  cp "$cached" "$file" && chmod 0755 "$file"
  has_checksum "$file" "$sum" || fail "$cached changed while it was copied" "empty the tool cache"
  echo "$name $version"
  if [[ $name == secret-patch ]]; then echo "version=$version" >>"$GITHUB_OUTPUT"; fi
}

system=$(system) || { echo "$system"; exit 1; }
directory=$(mktemp -d "${RUNNER_TEMP:?}/secret-patch-XXXXXX")
install_program secret-patch
if [[ ${INSTALL_KUBECTL:-true} == true ]]; then install_program kubectl; fi
echo "$directory" >>"$GITHUB_PATH"
