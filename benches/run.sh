#!/usr/bin/env bash
# Whole processes against what they replace, in the same run: prints ratios, fails on none of them.
# Usage: just bench            (starts the test bed; needs hyperfine and envsubst)
set -euo pipefail
cd "$(dirname "$0")/.."

program=${PROGRAM:-$PWD/target/release/secret-patch}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy of the example in a git repository of its own, as a checkout has it.
cp -r examples/livekit "$work/livekit"
cd "$work/livekit"
git init -q . && git add -A && git -c user.name=bench -c user.email=bench@localhost commit -qm example
set -a && . <(python3 "$OLDPWD/benches/environment.py" demo.env) && set +a

mean() { python3 -c 'import json,sys; print(*(f"{r[\"mean\"]:.6f}" for r in json.load(open(sys.argv[1]))["results"]))' "$1"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
peak() { python3 -c 'import resource,subprocess,sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"; }

template=docker/k8/config/staging-config-secret.example.yml
hyperfine --warmup 20 --runs 400 -N --export-json "$work/render.json" --style none \
  "$program render staging" --input "$template" "envsubst" > /dev/null
read -r ours theirs < <(mean "$work/render.json")
echo "render of the example:              $(ratio "$ours" "$theirs") times envsubst's time (at most 1.5), peak memory $(peak "$program" render staging) KiB (under 12288)"

flags='--load-restrictor LoadRestrictionsNone'
deploy() { # NAME OVERLAY RUNS
  local build="kubectl kustomize $flags $2"
  hyperfine --warmup 1 --runs "$3" --ignore-failure --style none --export-json "$work/$1.json" \
    "$program apply $1 --overlay $2 --context bed" \
    "$build | kubectl diff -f -; $build | kubectl apply -f -" \
    "$build | kubectl diff --server-side --field-manager=secret-patch --force-conflicts -f -; $build | kubectl apply --server-side --field-manager=secret-patch --force-conflicts -f -" > /dev/null
  read -r ours client server < <(mean "$work/$1.json")
  echo "unchanged apply of $1: $ours s; kubectl diff + apply take $(ratio "$client" "$ours") times as long, their server-side forms $(ratio "$server" "$ours") times"
}

kubectl create namespace livekit-staging > /dev/null
"$program" apply staging --context bed --rollout none > /dev/null 2>&1
"$program" render staging > /dev/null 2>&1
deploy staging docker/k8/apps/overlays/staging 5

python3 "$OLDPWD/benches/many.py" 500 many
git add -A && git -c user.name=bench -c user.email=bench@localhost commit -qm many
export MANY_VALUE=first MANY_ONE=first
"$program" apply many --root many --context bed > /dev/null 2>&1
"$program" render many --root many > /dev/null 2>&1
