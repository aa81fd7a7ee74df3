# List the chores
default:
    @just --list --unsorted

# Every check, or the suites that are named
test *suites:
    ./test {{ suites }}

# Unit and command-line tests: no cluster needed
unit:
    ./test unit

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

# Start a Kubernetes control plane, print how to reach it, stay until Ctrl-C
bed:
    @cargo run --quiet --locked -p secret-patch-bed -- up

# Stop what `just bed` started
bed-down:
    @cargo run --quiet --locked -p secret-patch-bed -- down

# Whole-process times against envsubst and kubectl (needs hyperfine)
bench:
    cargo build --locked --release
    @cargo run --quiet --locked -p secret-patch-bed -- run -- benches/run.sh
