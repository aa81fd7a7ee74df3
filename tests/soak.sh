#!/usr/bin/env bash
# The kill, race and fault tests and the property tests, again and again, for so many minutes (10). Each round has a seed
# of its own, which is printed; the first failure ends it. With SEED set there is one round, with that seed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes=${1:-10}
[[ $minutes =~ ^[0-9]+$ ]] || { echo "soak: minutes are a number: $minutes" >&2; exit 2; }
only=${SEED-}
export SOAK=${SOAK:-25} # rounds of each test of chance on the cluster
export PROPTEST_CASES=${PROPTEST_CASES:-4096}

properties=(cargo test --quiet --locked -p secret-patch --test template_property)
runner=(cargo test --quiet --locked -p secret-patch-runner --test product --test steps)
files=(cargo test --quiet --locked -p secret-patch --lib files::lend)
cluster=(cargo test --quiet --locked -p secret-patch --test apply_kills --test apply_faults)

cargo build --quiet --locked -p secret-patch-bed
for tests in properties runner files cluster; do
  declare -n command=$tests
  "${command[@]}" --no-run # not in the time of a bed
done
bed=${CARGO_TARGET_DIR:-target}/debug/bed

round() {
  "${properties[@]}" && "${runner[@]}" && "${files[@]}" && "$bed" run -- "${cluster[@]}"
}

for ((rounds = 1; ; rounds++)); do
  SEED=${only:-$((RANDOM << 30 | RANDOM << 15 | RANDOM))}
  export SEED PROPTEST_RNG_SEED=$SEED
  echo "soak: round $rounds, SEED=$SEED, SOAK=$SOAK, after $((SECONDS / 60)) of $minutes minutes"
  began=$SECONDS
  if ! round; then
    echo "soak: round $rounds failed; again: SEED=$SEED SOAK=$SOAK tests/soak.sh" >&2
    exit 1
  fi
  echo "soak: round $rounds passed in $((SECONDS - began)) s"
  if [[ -n $only ]] || ((SECONDS >= minutes * 60)); then break; fi
done
echo "soak: all $rounds passed"
