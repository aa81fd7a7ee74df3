# The action's image: two static programs and the CA certificates on an empty file system.
#
# Both base images are pinned by digest and are build arguments, so that a mirror or a local image can take their place:
#   RUST_IMAGE     the toolchain of rust-toolchain.toml, gcc, libc6-dev and ca-certificates
#   KUBECTL_IMAGE  a static kubectl at /bin/kubectl; the digest is that of the index of all architectures
# Only what the classic builder understands is used: some runners have no BuildKit.

ARG RUST_IMAGE=docker.io/library/rust:1.95.0-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082
ARG KUBECTL_IMAGE=registry.k8s.io/kubectl:v1.37.1@sha256:b7cab618e281b1ee7484e7b706a96e2135fbb6e072c2a573a7dab4e87d7f2385

FROM ${KUBECTL_IMAGE} AS kubectl

FROM ${RUST_IMAGE} AS build
WORKDIR /src
COPY . .
# With --target the flags are for the program alone, not for build scripts and macros, which cannot be static.
# Without the last one the program would hold the path of the crates' sources and differ from builder to builder. At a fixed address, as
# kubectl is, it has nothing to relocate when it starts: stack and heap are still placed at random.
RUN target="$(uname -m)-unknown-linux-gnu" \
    && RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" \
       cargo build --release --locked --target "$target" \
    && install -D "target/$target/release/secret-patch" /out/program/secret-patch \
    && ln -s secret-patch /out/program/cleanup
# A kubectl of another architecture stops the build here.
COPY --from=kubectl /bin/kubectl /out/kubectl
RUN ["/out/kubectl", "version", "--client"]

FROM scratch
# What changes least comes first: an update then fetches the last layer alone.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
# secret-patch looks for kubectl beside its own executable before it looks along PATH.
COPY --from=build /out/kubectl /usr/local/bin/kubectl
# With its other name: action.yml's post-entrypoint.
COPY --from=build /out/program /usr/local/bin
LABEL org.opencontainers.image.title="secret-patch" \
      org.opencontainers.image.description="Fills Kubernetes templates with secrets and applies them with kubectl, without leaking a value" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
# No USER: the runner's workspace and command files belong to a user that is not known here, so an action has to run as root.
# The path is absolute because an earlier step can set PATH for this container.
ENTRYPOINT ["/usr/local/bin/secret-patch"]
