#!/usr/bin/env bash
# A thousand hand-made Secrets on their way to Vault, beside a shell loop of `kubectl get | bao kv put`: prints a ratio, fails on none.
# Usage: just bench-eso   (starts the test bed; PROGRAM names another binary than target/release/secret-patch)
set -euo pipefail
cd "$(dirname "$0")/.."
benches=$PWD/benches
program=${PROGRAM:-$PWD/target/release/secret-patch}
count=${COUNT:-1000} sample=40
work=$(mktemp -d)
trap 'rm -rf "$work"; kill "${proxies[@]}" 2> /dev/null || true' EXIT
proxies=()
cd "$work"
git init -q .

kubectl create namespace bench > /dev/null
python3 "$benches/eso.py" secrets bench "$count" | kubectl create -f - > /dev/null
kubectl create secret generic bench --namespace default --from-file=token="$BED_DIR/vault/token/reader" > /dev/null
python3 "$benches/eso.py" store bench "$BED_VAULT_TLS_ADDR" "$BED_DIR/vault/ca.crt" | kubectl create -f - > /dev/null
kubectl wait --for=condition=Ready clustersecretstore/bench --timeout=60s > /dev/null
SECRET_PATCH_VAULT_TOKEN=$(cat "$BED_DIR/vault/token/writer")
export SECRET_PATCH_VAULT_TOKEN

# Each command prints its seconds and the most KiB that it held.
measured() {
  local said
  printf '%-10s ' "$1"
  said=$(python3 "$benches/eso.py" measure "$program" eso "$@")
  printf '%7.3f s %6d KiB\n' "${said% *}" "${said#* }"
  total=$(awk -v a="$total" -v b="${said% *}" 'BEGIN { print a + b }')
  ((${said#* } > most)) && most=${said#* }
  return 0
}
# What passes, counted for a fourth and for all: the proxies would slow the measured runs.
"$BED" proxy --kubeconfig "$work/through" --plan /dev/null > cluster.log 2> /dev/null &
proxies+=($!)
"$BED" proxy --to "$VAULT_ADDR" --plan /dev/null > vault.log 2> /dev/null &
proxies+=($!)
until grep -q '^https://' cluster.log && grep -q '^http://' vault.log; do sleep 0.05; done
through=$(grep -om1 '^http://[0-9.:]*' vault.log)

total=0 most=0
measured inventory --namespaces bench
measured plan --namespaces bench --prefix bench --store bench -o bench.yaml
measured run bench.yaml --write-only --output manifests --yes

# shellcheck disable=SC2016 # the template's own variables
pairs='{{range $k, $v := .data}}{{$k}}={{$v | base64decode}}{{"\n"}}{{end}}'
# What people write: one Secret after another.
began=$(date +%s.%N)
for number in $(seq 0 $((sample - 1))); do
  name=$(printf 'app-%04d' "$number")
  mapfile -t values < <(kubectl get secret "$name" -n bench -o go-template="$pairs")
  bao kv put -mount=secret "loop/$name" "${values[@]}" > /dev/null
done
ended=$(date +%s.%N)
awk -v a="$began" -v b="$ended" -v n="$count" -v s="$sample" -v t="$total" -v m="$most" 'BEGIN {
  loop = (b - a) * n / s
  printf "%d Secrets: inventory, plan, write and read-back %.2f s; a shell loop %.1f s (%d taken), %.1f times as long (at least 50)\n", n, t, loop, s, loop / t
  printf "peak memory %d KiB (under 65536)\n", m
}'

# As many requests as there are Secrets, and no more.
for part in $((count / 4)) "$count"; do
  : > cluster.log
  : > vault.log
  awk -v n="$part" '/^- namespace:/ { seen++ } /^leftOut:/ { seen = 0; all = 1 } all || seen <= n' bench.yaml | sed "s|path: bench/|path: part-$part/|" > "part-$part.yaml"
  KUBECONFIG=$work/through VAULT_ADDR=$through "$program" eso run "part-$part.yaml" --write-only --output manifests --yes > /dev/null 2>&1
  printf '%d Secrets: %d requests to the cluster, %d to Vault\n' "$part" "$(grep -c ' /' cluster.log)" "$(grep -c ' /' vault.log)"
done
