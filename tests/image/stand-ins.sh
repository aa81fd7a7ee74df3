# shellcheck shell=bash disable=SC2154 # tmp and top are run.sh's
# Local images under the names that the Dockerfile's build arguments are given: nothing is pulled.
# Sourced by run.sh, which sets $top, $tmp and $KUBECTL.

suite=bookworm # that of the Dockerfile's own base image
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
rust_stand_in=localhost/secret-patch-rust:local
kubectl_stand_in=localhost/secret-patch-kubectl:local

# Prints the path of a root file system with a C toolchain and this machine's Rust toolchain; made once a version.
rust_tarball() {
  local sysroot host version trust cache tarball root
  sysroot=$(cd "$top" && rustc --print sysroot)
  host=$(cd "$top" && rustc -vV | sed -n 's/^host: //p')
  version=$(cd "$top" && rustc -vV | sed -n 's/^release: //p')
  trust=$(sha256sum /etc/ssl/certs/ca-certificates.crt | cut -c1-8)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/secret-patch-bed
  tarball=$cache/image-$suite-rust-$version-$host-$trust.tar
  if [ ! -f "$tarball" ]; then
    root=$tmp/root
    debootstrap --variant=minbase --include=ca-certificates,gcc,libc6-dev "$suite" "$root" "$mirror" >"$tmp/debootstrap.log" 2>&1 \
      || { tail -n 20 "$tmp/debootstrap.log" >&2; return 1; }
    rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists "$root"/usr/share/{doc,man,locale,info}
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" # crates come the way they come to this machine
    install -D -t "$root/usr/local/bin" "$sysroot/bin/cargo" "$sysroot/bin/rustc"
    mkdir -p "$root/usr/local/lib/rustlib"
    cp -P "$sysroot"/lib/*.so* "$root/usr/local/lib/"
    cp -r "$sysroot/lib/rustlib/$host" "$root/usr/local/lib/rustlib/"
    mkdir -p "$cache"
    tar --numeric-owner -C "$root" -cf "$tarball.$$" . && mv "$tarball.$$" "$tarball"
    rm -rf "$root"
  fi
  echo "$tarball"
}

make_stand_ins() {
  local tarball
  tarball=$(rust_tarball) || return
  docker import --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin' "$tarball" "$rust_stand_in" >/dev/null || return
  install -D "$KUBECTL" "$tmp/kubectl/bin/kubectl" || return
  tar -C "$tmp/kubectl" -c . | docker import - "$kubectl_stand_in" >/dev/null
}
