#!/usr/bin/env bash
# Builds the action's image from a clean clone of HEAD and runs it as the runner runs a container action.
#
#   KUBECTL=/path/to/kubectl tests/image/run.sh
#
# With SAVE_IMAGE=FILE the image is written there too, as `docker save` does.
# Base images are stand-ins made here from Debian packages, this machine's Rust toolchain and $KUBECTL (a static one), in a docker daemon of its
# own: no image registry is needed, but root is, and installs what is missing. With IMAGES=pinned the Dockerfile's own base images are pulled by
# the machine's docker. The last line is the score.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/score.sh
. "$here/../score.sh"
image=localhost/secret-patch:test-$$
# shellcheck source=tests/image/dockerd.sh
. "$here/dockerd.sh"
# shellcheck source=tests/image/stand-ins.sh
. "$here/stand-ins.sh"

finish() {
  docker rmi "$image" localhost/secret-patch:act >/dev/null 2>&1
  stop_dockerd
  rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM

# --- tools and base images
need() { # a program and the package that has it
  command -v "$1" >/dev/null || missing+=("$2")
}
missing=()
if [ "${IMAGES:=stand-in}" = stand-in ]; then
  [ "$(id -u)" = 0 ] || skip "the image: only root can make the base images (IMAGES=pinned pulls them)"
  need docker docker.io
  need dockerd docker.io
  need debootstrap debootstrap
  [ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
fi
if [ "${#missing[@]}" != 0 ]; then
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$tmp/apt.log" 2>&1 \
    || { tail -n 5 "$tmp/apt.log"; fatal "install ${missing[*]}"; }
fi
arguments=()
if [ "$IMAGES" = stand-in ]; then
  start_dockerd || fatal "start a docker daemon"
  KUBECTL=${KUBECTL:-$(command -v kubectl)} || fatal "KUBECTL names no kubectl"
  make_stand_ins || fatal "make the base images"
  arguments=(--build-arg RUST_IMAGE="$rust_stand_in" --build-arg KUBECTL_IMAGE="$kubectl_stand_in")
fi

# --- build
mkdir "$tmp/clone"
git -C "$top" archive HEAD | tar -x -C "$tmp/clone"
began=$SECONDS
# The classic builder: act has no other.
DOCKER_BUILDKIT=0 docker build --quiet --network host "${arguments[@]}" --tag "$image" "$tmp/clone" >"$tmp/build.log" 2>&1 \
  || { tail -n 40 "$tmp/build.log"; fatal "build the image"; }
check "the image builds from a clean clone ($((SECONDS - began)) s)" true
# The suite `act` runs this very image, in a daemon of its own.
if [ -n "${SAVE_IMAGE:-}" ]; then
  { docker tag "$image" localhost/secret-patch:act && docker save --output "$SAVE_IMAGE.$$" localhost/secret-patch:act \
    && mv "$SAVE_IMAGE.$$" "$SAVE_IMAGE"; } || fatal "save the image"
fi

# Two builds of the program: this one, and an earlier one of the same sources if there was any. Else it is built again now, in another directory;
# its dependencies are not compiled again then, which would take as long as the first time. A release does that.
again=/of/another/length
in_build() { # a script, in the stage that has built the program
  DOCKER_BUILDKIT=0 docker build --quiet --network host "${arguments[@]}" --target build --tag "$image-build" "$tmp/clone" >/dev/null 2>&1 \
    && docker run --rm --network none "$image-build" sh -euc "$1"
}
build_again() {
  in_build "
    mkdir -p $again && cp -a /src $again && cd $again/src
    target=\$(uname -m)-unknown-linux-gnu
    cargo clean --quiet --release --target \$target --package secret-patch
    $(sed -n 's/^ *&& \(RUSTFLAGS=.*\) \\$/\1/p' "$tmp/clone/Dockerfile") cargo build --quiet --release --locked --offline --target \$target
    sha256sum <target/\$target/release/secret-patch"
}
sources=$(git -C "$top" ls-tree -r HEAD Dockerfile .dockerignore Cargo.toml Cargo.lock benches src tests/bed tests/runner)
toolchain=$(if [ "$IMAGES" = stand-in ]; then rust_tarball; fi)
earlier=${XDG_CACHE_HOME:-$HOME/.cache}/secret-patch-bed/program-$(sha256sum <<<"$sources $toolchain" | cut -c1-16)
sum=$(in_build "sha256sum </out/program/secret-patch")
began=$SECONDS
if [ -s "$earlier" ]; then other=$(cat "$earlier"); else other=$(build_again); fi
docker rmi "$image-build" >/dev/null 2>&1
check "two builds of the program have the same sha256 ($((SECONDS - began)) s)" equal "${other:-none}" "${sum:-none}"
if [ -n "$sum" ] && [ "$sum" = "$other" ]; then mkdir -p "${earlier%/*}" && echo "$sum" >"$earlier"; fi

inspect() { docker image inspect --format "$1" "$image"; }
pinned() { sed -n "s/^ARG $1=.*:v\{0,1\}\([0-9.]*[0-9]\).*@sha256:[0-9a-f]\{64\}$/\1/p" "$tmp/clone/Dockerfile"; }
listing() { # every file of the image; what docker itself puts into a container is left out
  local id
  id=$(docker create "$image") && docker export "$id" | tar -t | grep -vE '/$|^(\.dockerenv|dev/.*|etc/(hostname|hosts|mtab|resolv\.conf))$' | sort | xargs
  docker rm "$id" >/dev/null
}
check "it holds two programs, the other name of one, and the CA certificates" equal "$(listing)" \
  "etc/ssl/certs/ca-certificates.crt usr/local/bin/cleanup usr/local/bin/kubectl usr/local/bin/secret-patch"
check "it has at most four layers" [ "$(inspect '{{len .RootFS.Layers}}')" -le 4 ]
check "its entrypoint is absolute and in exec form" equal "$(inspect '{{json .Config.Entrypoint}}')" '["/usr/local/bin/secret-patch"]'
check "it sets no user" equal "$(inspect '{{.Config.User}}')" ""
check "its labels say what it is, and under which licence" equal \
  "$(inspect '{{index .Config.Labels "org.opencontainers.image.title"}}, {{index .Config.Labels "org.opencontainers.image.licenses"}}')" \
  "$(sed -n 's/^name = "\(.*\)"/\1/p' "$tmp/clone/Cargo.toml" | head -n 1), $(sed -n 's/^license = "\(.*\)"/\1/p' "$tmp/clone/Cargo.toml")"
check "the pinned Rust image is that of rust-toolchain.toml" equal "$(pinned RUST_IMAGE)" "$(sed -n 's/^channel = "\(.*\)"/\1/p' "$tmp/clone/rust-toolchain.toml")"
check "the pinned kubectl is the one in the image" holds \
  "$(docker run --rm --network none --entrypoint /usr/local/bin/kubectl "$image" version --client 2>&1)" "v$(pinned KUBECTL_IMAGE)"
check "--version prints the crate's version" equal "$(docker run --rm --network none "$image" --version 2>&1)" \
  "secret-patch $(sed -n 's/^version = "\(.*\)"/\1/p' "$tmp/clone/Cargo.toml" | head -n 1)"

# --- run, as the runner does it: its mounts, its environment, every declared input, values by name
owner=$(id -u):$(id -g)
[ "$owner" != 0:0 ] || owner=1000:1000 # a hosted runner's workspace is not root's
new_workspace() {
  workspace=$tmp/$1/workspace commands=$tmp/$1/commands home=$tmp/$1/home
  mkdir -p "$tmp/$1" "$commands" "$home" && cp -r "$tmp/clone/examples/livekit" "$workspace" || return
  git -C "$workspace" init -q && git -C "$workspace" add . \
    && git -C "$workspace" -c user.name=test -c user.email=test@example.com commit -q -m "the example" || return
  : >"$commands/set_output_1" && : >"$commands/step_summary_1" && : >"$commands/save_state_1"
  chown -R "$owner" "$tmp/$1"
}
declared_inputs() { # NAME=default for each input of action.yml
  awk '/^[a-z]/ { block = $1 } block != "inputs:" { next }
    /^  [a-z-]+:/ { if (name) print name "=" value; name = $1; sub(":", "", name); value = "" }
    /^    default:/ { value = $0; sub(/^ *default: */, "", value); gsub(/^["'\'']|["'\'']$/, "", value) }
    END { print name "=" value }' "$tmp/clone/action.yml"
}
action() { # NAME=value of inputs, then more flags of docker run after --; prints the step's log
  local flags=() input name
  while IFS= read -r input; do flags+=(-e "INPUT_$(tr '[:lower:]' '[:upper:]' <<<"${input%%=*}")=${input#*=}"); done < <(declared_inputs)
  while [ $# != 0 ] && [ "$1" != -- ]; do flags+=(-e "INPUT_$(tr '[:lower:]' '[:upper:]' <<<"${1%%=*}")=${1#*=}"); shift; done
  [ $# = 0 ] || shift
  for name in "${names[@]}"; do flags+=(-e "$name"); done
  docker run --rm --network none --workdir /github/workspace "${flags[@]}" "$@" \
    -e HOME=/github/home -e GITHUB_ACTIONS=true -e CI=true -e GITHUB_REPOSITORY=example/livekit -e GITHUB_EVENT_NAME=push \
    -e GITHUB_WORKSPACE=/github/workspace -e GITHUB_OUTPUT=/github/file_commands/set_output_1 \
    -e GITHUB_STEP_SUMMARY=/github/file_commands/step_summary_1 -e GITHUB_STATE=/github/file_commands/save_state_1 \
    -v "$workspace:/github/workspace" -v "$commands:/github/file_commands" -v "$home:/github/home" "$image" 2>&1
}
set -a
# shellcheck source=examples/livekit/demo.env
. "$tmp/clone/examples/livekit/demo.env"
set +a
mapfile -t names < <(sed -n 's/^\([A-Z_]*\)=.*/\1/p' "$tmp/clone/examples/livekit/demo.env")
patch=docker/k8/config/staging-secret-config-patch.yml

new_workspace render || fatal "make a workspace"
# An earlier step can have set these two for every later container.
log=$(action command=render environment=staging -- -e PATH=/github/workspace -e LD_PRELOAD=/github/workspace/hook.so)
check "render ends with 0" equal $? 0
check "the patch is for its owner alone" equal "$(stat -c %a "$workspace/$patch" 2>&1)" 600
check "everything belongs to the workspace's owner" equal "$(find "$workspace" ! -user "${owner%:*}" -o ! -group "${owner#*:}")" ""
check "the output patch names it" holds "$(cat "$commands/set_output_1")" "$patch"
check "git ignores it, and nothing else is new" equal "$(git -c safe.directory="$workspace" -C "$workspace" status --porcelain --ignored)" "!! $patch"
log=$(grep -v '^::add-mask::' <<<"$log")
for name in LIVEKIT_API_KEY LIVEKIT_API_SECRET CARTESIA_API_KEY OPENAI_API_KEY DEEPGRAM_API_KEY; do
  check "the log lacks the value of $name" lacks "$log$(cat "$commands"/*)" "${!name}"
done
built=$(docker run --rm --network none --workdir /github/workspace -v "$workspace:/github/workspace" \
  --entrypoint /usr/local/bin/kubectl "$image" kustomize --load-restrictor LoadRestrictionsNone docker/k8/apps/overlays/staging 2>&1)
check "kustomize merges it: a number's look-alike is a string" holds "$built" 'DEEPGRAM_API_KEY: "1234e56"'
check "kustomize merges it: a boolean's look-alike is a string" holds "$built" 'CACHE_ENABLED: "no"'
check "kustomize merges it: quotes and # are kept" holds "$built" 'LIVEKIT_API_KEY: '\''APIdemo "first" #1'\'
# shellcheck disable=SC2016 # the value is meant to hold it
check "kustomize merges it: a value with a placeholder is not filled again" holds "$built" 'OPENAI_API_KEY: sk-demo-0000-${LIVEKIT_API_KEY}-stays-as-it-is'

new_workspace missing || fatal "make a workspace"
unset OPENAI_API_KEY
log=$(action command=render environment=staging)
check "a missing value ends with 1" equal $? 1
check "it is named" holds "$log" OPENAI_API_KEY
check "no patch is left" [ ! -e "$workspace/$patch" ]

# --- a kubeconfig that an earlier step left: the runner mounts its directory, and translates a variable that is a path beneath it
export OPENAI_API_KEY=sk-demo-0001
new_workspace kubeconfig || fatal "make a workspace"
mkdir "$tmp/runner_temp"
cat >"$tmp/runner_temp/kubeconfig" <<END
apiVersion: v1
kind: Config
current-context: left
clusters: [{name: left, cluster: {server: "https://192.0.2.1:6443"}}]
users: [{name: left, user: {token: canary-token-of-an-earlier-step}}]
contexts: [{name: left, context: {cluster: left, user: left}}]
END
chown -R "$owner" "$tmp/runner_temp" && chmod 600 "$tmp/runner_temp/kubeconfig"
log=$(action command=apply environment=staging nonsensitive="ENV_MODE LOG_LEVEL METRICS_ENABLED NODE_ENV CACHE_ENABLED" \
  -- -e KUBECONFIG=/github/runner_temp/kubeconfig -v "$tmp/runner_temp:/github/runner_temp")
check "a kubeconfig in the runner's temporary directory is read" holds "$log" "context left, server https://192.0.2.1:6443"
check "its token is masked and not shown" equal "$(grep -c canary-token <<<"$log") $(grep -c '^::add-mask::canary-token-of-an-earlier-step$' <<<"$log")" "1 1"
check "no patch is left" [ ! -e "$workspace/$patch" ]

# --- the post stage, in a container of its own: another entrypoint, the same inputs and mounts
new_workspace post || fatal "make a workspace"
log=$(action command=render environment=staging)
check "the patch is there for the next step" [ -e "$workspace/$patch" ]
log=$(action command=render environment=staging -- -e PATH=/github/workspace --entrypoint \
  "$(sed -n 's/^  post-entrypoint: *//p' "$tmp/clone/action.yml")")
check "the post stage ends with 0" equal $? 0
check "the post stage removes the patch and leaves nothing else" equal \
  "$(git -c safe.directory="$workspace" -C "$workspace" status --porcelain --ignored)" ""

# --- size and speed
id=$(docker create "$image")
docker cp "$id:/usr/local/bin/secret-patch" "$tmp/secret-patch" && docker cp "$id:/usr/local/bin/kubectl" "$tmp/kubectl-alone"
docker rm "$id" >/dev/null
whole=$(docker save "$image" | gzip -c | wc -c) alone=$(gzip -c "$tmp/kubectl-alone" | wc -c)
echo "size    image $((whole / 1000)) kB compressed, of which kubectl $((alone / 1000)) kB; secret-patch $(($(wc -c <"$tmp/secret-patch") / 1000)) kB"
check "the program holds no path of its builder" [ "$(grep -acE '/\.cargo/|/usr/local/cargo/|/src/src/' "$tmp/secret-patch")" = 0 ]
check "the image is at most 8 MB larger than its kubectl" [ $((whole - alone)) -le 8000000 ]
first_line() { # microseconds from exec to the first line, the median of 21 runs
  local began
  for _ in $(seq 21); do
    began=${EPOCHREALTIME/./}
    env -i GITHUB_ACTIONS=true GITHUB_WORKSPACE="$workspace" INPUT_COMMAND=render INPUT_ENVIRONMENT=none \
      "$tmp/secret-patch" 2>&1 | { read -r _; echo $((${EPOCHREALTIME/./} - began)); }
  done | sort -n | sed -n 11p
}
cd "$workspace" || fatal "the workspace is gone"
took=$(first_line)
echo "speed   first line $took microseconds after exec"
check "the first line comes within 50 ms of exec" [ "$took" -le 50000 ]
score
