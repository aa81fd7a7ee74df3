# List the chores
default:
    @just --list --unsorted

# Every check, or the suites that are named
test *suites:
    ./test {{ suites }}

# Unit and command-line tests: no cluster needed
unit:
    ./test unit

# The kill, race, fault and property tests for so many minutes, each round with a new seed (SEED=N: that one round)
soak minutes="10":
    tests/soak.sh {{ minutes }}

# Any bytes at each door for so many seconds (needs cargo-fuzz and a nightly toolchain)
fuzz seconds="60":
    for door in template masker env_file kubeconfig workflow_commands; do \
      cargo +nightly fuzz run "$door" -- -max_total_time={{ seconds }} -max_len=4096 || exit 1; \
    done

# Formatting, clippy, documentation, licences, scripts, workflows, Dockerfile
lint:
    ./test fmt clippy doc deny scripts workflows dockerfile

# Format everything
fmt:
    cargo fmt --all
    gofmt -w tests/bed

# Build and run the action's image
image:
    ./test image

# Start a Kubernetes control plane and the parts named (external-secrets vault docker), print how to reach them, stay until Ctrl-C
bed *parts:
    @cargo run --quiet --locked -p secret-patch-bed -- up {{ prepend("--with ", parts) }}

# Stop what `just bed` of this checkout started, or the one bed named by its directory
bed-down *dir:
    @cargo run --quiet --locked -p secret-patch-bed -- down {{ dir }}

# Draw docs/pictures from a real run (needs chromium and npm)
pictures:
    @cargo run --quiet --locked -p secret-patch-bed -- run -- docs/pictures/draw.sh

# A hundred paths of Vault behind 20 ms, beside a sequential reader
bench-vault:
    cargo build --locked --release
    @cargo run --quiet --locked -p secret-patch-bed -- run --with vault -- benches/vault.sh

# A thousand Secrets on their way to Vault, beside a shell loop
bench-eso:
    cargo build --locked --release
    @cargo run --quiet --locked -p secret-patch-bed -- run --with external-secrets,vault -- benches/eso.sh

# Whole-process times against envsubst and kubectl (needs hyperfine)
bench:
    cargo build --locked --release
    @cargo run --quiet --locked -p secret-patch-bed -- run -- benches/run.sh
