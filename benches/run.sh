#!/usr/bin/env bash
# Whole processes beside what they replace, in the same run: prints ratios, fails on none of them.
# Usage: just bench   (starts the test bed; PROGRAM names another binary than target/release/secret-patch)
set -euo pipefail
cd "$(dirname "$0")/.."
benches=$PWD/benches
program=${PROGRAM:-$PWD/target/release/secret-patch}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
commit() { git add -A && git -c user.name=bench -c user.email=bench@localhost commit -qm bench; }

# A copy of the example in a repository of its own, as a checkout has it.
cp -r examples/livekit "$work/livekit"
cd "$work/livekit"
git init -q . && commit
eval "$(python3 "$benches/environment.py" demo.env)"

echo "# render of the example"
template=docker/k8/config/staging-config-secret.example.yml
read -r ours theirs < <(python3 "$benches/compare.py" 300 "$program render staging" "envsubst < $template")
echo "render $ours s, envsubst $theirs s: $(ratio "$ours" "$theirs") times (at most 1.5)"
/usr/bin/time -f 'peak memory %M KiB (under 12288)' "$program" render staging 2>&1 > /dev/null | tail -n 1

deploy() { # NAME ROOT RUNS
  local build="kubectl kustomize --load-restrictor LoadRestrictionsNone $2/apps/overlays/$1"
  local flags='--server-side --field-manager=secret-patch --force-conflicts'
  # One after another: a client-side apply makes the objects its own, and ours would take them back in every turn.
  ours=$(python3 "$benches/compare.py" "$3" "$program apply $1 --root $2 --context bed")
  client=$(python3 "$benches/compare.py" "$3" "$build | kubectl diff -f -; $build | kubectl apply -f -")
  server=$(python3 "$benches/compare.py" "$3" "$build | kubectl diff $flags -f -; $build | kubectl apply $flags -f -")
  echo "unchanged apply of $1: $ours s; kubectl diff and apply take $(ratio "$client" "$ours") times as long, their --server-side forms $(ratio "$server" "$ours") times"
}

differ() { # NAME ROOT RUNS CLIENT SERVER: how many times faster than kubectl diff it has to be
  local build="kubectl kustomize --load-restrictor LoadRestrictionsNone $2/apps/overlays/$1"
  local flags='--server-side --field-manager=secret-patch --force-conflicts'
  # kubectl's applies have taken our marks away.
  "$program" apply "$1" --root "$2" --context bed > /dev/null 2>&1
  read -r ours client server < <(python3 "$benches/compare.py" "$3" "$program diff $1 --root $2 --context bed" \
    "$build | kubectl diff -f -" "$build | kubectl diff $flags -f -")
  echo "diff of $1: $ours s; kubectl diff takes $(ratio "$client" "$ours") times as long (at least $4), its --server-side form $(ratio "$server" "$ours") times (at least $5)"
}

prepare() { # NAME ROOT NAMESPACE
  kubectl create namespace "$3" > /dev/null
  "$program" apply "$1" --root "$2" --context bed > /dev/null 2>&1
  "$program" render "$1" --root "$2" > /dev/null 2>&1
}

echo "# unchanged apply"
prepare staging docker/k8 livekit-staging
deploy staging docker/k8 9
differ staging docker/k8 9 3 1

python3 "$benches/many.py" 500 many
commit
export MANY_VALUE=first-value MANY_ONE=first-value
prepare many many many
apply="$program apply many --root many --context bed"
second="env MANY_ONE=second-value $apply"
read -r _ unchanged changed < <(python3 "$benches/compare.py" 5 "$apply" "$apply" "$second")
$apply > /dev/null 2>&1
echo "500 Secrets: unchanged $unchanged s, one changed $changed s: $(ratio "$changed" "$unchanged") times (at most 1.5)"
deploy many many "${MANY_RUNS:-1}"
differ many many "${MANY_RUNS:-1}" 20 5
