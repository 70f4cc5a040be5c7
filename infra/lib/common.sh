#!/usr/bin/env bash
# What every script in infra/ shares: where things are kept, how a step reports, and how packages get onto the machine.
# Sourced, never run.

WINNOW_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WINNOW_CACHE=${WINNOW_CACHE:-${HOME:-/root}/.cache/winnow}
export WINNOW_ROOT WINNOW_CACHE
mkdir -p "$WINNOW_CACHE"

# Ends the run with what happened and what to do about it.
fail() {
  printf 'setup: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '       %s\n' "$2" >&2
  exit 1
}

# step NAME COMMAND...: runs the command quietly and prints one line with its duration; when it fails, the end of its log.
# It runs in this shell, so that it may export variables. A step that has something to say sets SETUP_NOTE.
step() {
  local began took
  STEP_NAME=$1
  STEP_LOG=$WINNOW_CACHE/logs/${1//[^a-z0-9]/-}.log
  shift
  mkdir -p "${STEP_LOG%/*}"
  SETUP_NOTE=
  began=$(date +%s%N)
  exec 3>&1 4>&2
  trap step_failed EXIT
  exec >"$STEP_LOG" 2>&1
  "$@"
  trap - EXIT
  exec 1>&3 2>&4 3>&- 4>&-
  took=$((($(date +%s%N) - began) / 1000000))
  printf 'setup: %-18s %3d.%d s  %s\n' "$STEP_NAME" $((took / 1000)) $((took % 1000 / 100)) "$SETUP_NOTE"
}

step_failed() {
  exec 1>&3 2>&4
  printf 'setup: %s failed; the end of %s:\n' "$STEP_NAME" "$STEP_LOG" >&2
  tail -n 25 "$STEP_LOG" | sed 's/^/       /' >&2
}

# Two setups at once (`npm test` beside `npm run demo`) would race for apt's lock, the engine and the images.
hold_lock() {
  exec 9>"$WINNOW_CACHE/setup.lock"
  flock -w 900 9 || fail "another setup has run for 15 minutes" "Wait for it, or end it."
}

is_installed() { [ "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" = "install ok installed" ]; }

# Installs those of the named Debian packages that are missing.
need_packages() {
  local missing=() package
  if ! command -v dpkg-query >/dev/null; then
    SETUP_NOTE="not a Debian system: the tools are expected to be there"
    return
  fi
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "packages are missing: ${missing[*]}" "Run as root: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  local -x DEBIAN_FRONTEND=noninteractive
  # policy-rc.d keeps a package's own service from starting: we start what we need ourselves.
  apt_install "${missing[@]}" || { timeout 300 apt-get -q update && apt_install "${missing[@]}"; } ||
    fail "could not install: ${missing[*]}" "Install them by hand: apt-get install -y ${missing[*]}"
  SETUP_NOTE="installed ${missing[*]}"
}

apt_install() {
  timeout 1200 apt-get -q install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

# True when the target is missing or older than any file of the given folders or files.
is_stale() {
  local target=$1
  shift
  [ -e "$target" ] || return 0
  [ -n "$(find "$@" -newer "$target" -type f -not -path '*/build/*' -print -quit 2>/dev/null)" ]
}
