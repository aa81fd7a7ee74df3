# shellcheck shell=bash disable=SC2154 # tmp and top are run.sh's
# A docker daemon for this run alone: nothing is left in that of the machine, and none needs to be there.
# Sourced by run.sh, which sets $tmp and calls stop_dockerd at its end.

start_dockerd() {
  export DOCKER_HOST=unix://$tmp/docker.sock
  # Builds use the host's network and runs use none: no bridge, no firewall rules.
  setpriv --pdeathsig TERM dockerd --host "$DOCKER_HOST" --data-root "$tmp/data" --exec-root "$tmp/exec" --pidfile "$tmp/dockerd.pid" \
    --bridge=none --iptables=false --ip6tables=false >"$tmp/dockerd.log" 2>&1 &
  dockerd=$!
  for _ in $(seq 150); do
    docker info >/dev/null 2>&1 && return
    kill -0 "$dockerd" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 20 "$tmp/dockerd.log" >&2
  return 1
}

stop_dockerd() {
  [ -n "${dockerd:-}" ] || return 0
  kill "$dockerd" 2>/dev/null
  wait "$dockerd" 2>/dev/null
  # What a killed daemon leaves mounted would keep the directory from being removed.
  awk -v under="$tmp/" 'index($2, under) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
}
