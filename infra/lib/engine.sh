#!/usr/bin/env bash
# The Docker engine that the demo and the tests use. Sourced by setup.sh.

# Prints the engine's version when one answers; DOCKER_HOST is honoured.
engine_version() { timeout 10 docker version --format '{{.Server.Version}}' 2>/dev/null; }

# An engine that answers is left as it is. Where none does, Debian's is started: detached, so that it outlives the
# setup, the shell and a hang-up, and with its log in the cache.
start_engine() {
  if SETUP_NOTE=$(engine_version) && [ -n "$SETUP_NOTE" ]; then return; fi
  [ -z "${DOCKER_HOST:-}" ] || fail "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST" "Start it, or unset DOCKER_HOST."
  [ "$(id -u)" = 0 ] || fail "no Docker engine answers, and only root may start one" \
    "Start Docker (sudo systemctl start docker) and join its group, or set DOCKER_HOST."
  if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then need_packages docker.io; fi
  need_packages iptables
  # Left behind by an engine that was killed, this file makes the next one refuse to start.
  if [ -e /var/run/docker.pid ] && [ ! -d "/proc/$(cat /var/run/docker.pid)" ]; then rm -f /var/run/docker.pid; fi
  setsid dockerd >"$WINNOW_CACHE/logs/dockerd.log" 2>&1 </dev/null 3>&- 4>&- 9>&- &
  local deadline=$((SECONDS + 60))
  until SETUP_NOTE=$(engine_version) && [ -n "$SETUP_NOTE" ]; do
    [ $SECONDS -lt $deadline ] ||
      fail "dockerd did not answer within 60 s: $(tail -n 2 "$WINNOW_CACHE/logs/dockerd.log")" \
        "Start a Docker engine by hand, or set DOCKER_HOST."
    sleep 0.3
  done
  SETUP_NOTE="$SETUP_NOTE, started"
}
