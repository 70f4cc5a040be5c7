#!/usr/bin/env bash
# A current Docker Engine (moby v2, containerd image store) beside the machine's own, for the tests: what differs
# between the two stores is in docs/. It is built from pinned Go modules, once per version, and touches nothing of the
# first engine: own network namespace, own socket, own data.
#   second-engine.sh start    builds what is missing, starts it, prints its address
#   second-engine.sh status   prints its address, or fails
#   second-engine.sh stop     ends it; its images stay
#   second-engine.sh build    only the binaries
#   second-engine.sh path     prints where they are, or fails
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

moby=v2.0.0-beta.24
containerd=v2.4.2
runc=v1.5.2

home=$WINNOW_CACHE/second-engine
bin=$home/dockerd-$moby+containerd-$containerd+runc-$runc/bin
# A socket's path has room for 107 bytes; a cache may lie deep, so what runs now lives in a short place.
run=${WINNOW_RUN:-/run/winnow-second-engine}
socket=$run/docker.sock
namespace=winnow-second

is_up() { [ -S "$socket" ] && curl -sf -m 5 --unix-socket "$socket" http://localhost/_ping >/dev/null; }

build() {
  [ -x "$bin/dockerd" ] && [ -x "$bin/containerd" ] && [ -x "$bin/containerd-shim-runc-v2" ] && [ -x "$bin/runc" ] &&
    return
  command -v go >/dev/null || fail "the second engine is built with Go, which is missing" \
    "Install Go 1.26 or newer, or point WINNOW_SECOND_ENGINE at the socket of a Docker Engine 29 or newer."
  need_packages libseccomp-dev pkg-config gcc libc6-dev
  mkdir -p "$bin"
  (
    export GOBIN=$bin CGO_ENABLED=1 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local
    nice -n 10 timeout 900 go install -tags seccomp "github.com/opencontainers/runc@$runc"
    nice -n 10 timeout 1200 go install "github.com/containerd/containerd/v2/cmd/containerd@$containerd" \
      "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2@$containerd"
    nice -n 10 timeout 1800 go install "github.com/moby/moby/v2/cmd/dockerd@$moby"
  )
}

start() {
  is_up && return
  [ "$(id -u)" = 0 ] || fail "starting the second engine needs root" \
    "Point WINNOW_SECOND_ENGINE at the socket of a Docker Engine 29 or newer."
  need_packages iproute2 util-linux curl iptables
  mkdir -p "$run" "$home/data"
  # In a namespace of its own, because with `--bridge none` it deletes the first engine's docker0; nsenter and not
  # `ip netns exec`, which hides the cgroup mounts.
  [ -e "/run/netns/$namespace" ] || ip netns add "$namespace"
  ip -n "$namespace" link set lo up
  PATH="$bin:$PATH" DOCKER_HOST='' setsid nsenter --net="/run/netns/$namespace" \
    "$bin/dockerd" --data-root "$home/data" --exec-root "$run/exec" --pidfile "$run/docker.pid" \
    -H "unix://$socket" --bridge none --iptables=false --ip6tables=false \
    --feature containerd-snapshotter=true >"$home/dockerd.log" 2>&1 </dev/null 9>&- &
  local deadline=$((SECONDS + 60))
  until is_up; do
    [ $SECONDS -lt $deadline ] || fail "the second engine did not answer within 60 s" "Its log: $home/dockerd.log"
    sleep 0.2
  done
}

stop() {
  local pid deadline=$((SECONDS + 30))
  pid=$(cat "$run/docker.pid" 2>/dev/null) || return 0
  # a pid file outlives a crash, and its number may be someone else's by now
  [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$bin/dockerd" ] || return 0
  kill "$pid"
  while [ -d "/proc/$pid" ] && [ $SECONDS -lt $deadline ]; do sleep 0.2; done
}

case ${1:-start} in
  build) build ;;
  start)
    is_up || build
    start
    echo "unix://$socket"
    ;;
  status) is_up && echo "unix://$socket" ;;
  stop) stop ;;
  path) [ -x "$bin/dockerd" ] && echo "$bin" ;;
  *) fail "unknown command $1" "Use start, status, stop, build or path." ;;
esac
