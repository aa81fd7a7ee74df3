#!/usr/bin/env bash
# A hundred paths of Vault behind 20 ms of round trip, beside a reader that asks for one after another: prints a ratio, fails on none.
# Usage: just bench-vault   (starts the test bed; PROGRAM names another binary than target/release/secret-patch,
#        VAULT_ACTION the dist/index.js of hashicorp/vault-action, which is then run beside them)
set -euo pipefail
cd "$(dirname "$0")/.."
benches=$PWD/benches
program=${PROGRAM:-$PWD/target/release/secret-patch}
work=$(mktemp -d)
trap 'rm -rf "$work"; kill "${proxy:-}" 2> /dev/null || true' EXIT
count=100

python3 "$benches/vault.py" write "$count"
echo '* * always latency 20' > "$work/plan"
"$BED" proxy --to "$VAULT_ADDR" --plan "$work/plan" > "$work/proxy" &
proxy=$!
until [[ -s $work/proxy ]]; do sleep 0.05; done
url=$(grep -om1 'http://[0-9.:]*' "$work/proxy")

cd "$work"
git init -q .
mkdir -p config apps
python3 "$benches/vault.py" template "$count" > config/demo-config-secret.example.yml
echo '*-secret-config-patch.yml' > .gitignore
VAULT_SECRETS=$(python3 "$benches/vault.py" lines "$count")
export VAULT_SECRETS VAULT_ADDR=$url
cat > ours <<EOF
#!/bin/sh
exec "$program" render demo --vault-url "\$VAULT_ADDR" --vault-secrets "\$VAULT_SECRETS"
EOF
chmod +x ours
ours=$work/ours
theirs="python3 $benches/vault.py read $count"
"$ours" > "$work/first" 2>&1 || { cat "$work/first" >&2; exit 1; }
read -r parallel sequential < <(python3 "$benches/compare.py" 5 "$ours" "$theirs")
awk -v a="$parallel" -v b="$sequential" -v n="$count" 'BEGIN { printf "%d paths: %.3f s; one after another %.3f s, %.1f times as long (at least 20)\n", n, a, b, b / a }'
/usr/bin/time -f 'peak memory %M KiB (under 20480)' "$ours" 2>&1 > /dev/null | tail -n 1
if [[ -n ${VAULT_ACTION:-} ]]; then
  export INPUT_URL=$url INPUT_METHOD=token INPUT_TOKEN=$VAULT_TOKEN INPUT_SECRETS=$VAULT_SECRETS INPUT_EXPORTENV=true INPUT_EXPORTTOKEN=false
  export INPUT_IGNORENOTFOUND=false INPUT_OUTPUTTOKEN=false INPUT_TLSSKIPVERIFY=false GITHUB_ENV=$work/env GITHUB_OUTPUT=$work/output
  touch "$work/env" "$work/output"
  read -r parallel action < <(python3 "$benches/compare.py" 3 "$ours" "node $VAULT_ACTION")
  awk -v a="$parallel" -v b="$action" 'BEGIN { printf "vault-action %.3f s, %.1f times as long (at least 20)\n", b, b / a }'
  /usr/bin/time -f 'its peak memory %M KiB' node "$VAULT_ACTION" 2>&1 > /dev/null | tail -n 1
fi
