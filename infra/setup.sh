#!/usr/bin/env bash
# Makes a fresh machine ready for `npm run demo`, and with --tests for `npm test` and `npm run bench`. npm calls it
# before those. What is there is left alone, so that a second run takes a second or two.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
source "$WINNOW_ROOT/infra/lib/node.sh"
source "$WINNOW_ROOT/infra/lib/engine.sh"
cd "$WINNOW_ROOT"

tests=
case ${1:-} in
  '') ;;
  --tests) tests=yes ;;
  *) fail "unknown option $1" "Use setup.sh [--tests]." ;;
esac

system_packages() {
  local packages=(ca-certificates curl gcc make musl-tools linux-libc-dev util-linux)
  [ -n "${WINNOW_SAMPLE_BASE:-}" ] || packages+=(debootstrap)
  [ -z "$tests" ] || packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross libseccomp-dev pkg-config iproute2 faketime)
  need_packages "${packages[@]}"
}

build_sensor() {
  if [ ! -e sensor/Makefile ]; then
    SETUP_NOTE="no sources"
    return
  fi
  # make compares the times of sources and binaries itself, and does nothing in milliseconds
  make -C sensor
  [ -z "$tests" ] || make -C sensor arm64
}

sample_images() {
  node --import tsx test/images/build.ts "$@"
  SETUP_NOTE="$(grep -c ' MB, ' "$STEP_LOG") ready"
}

# A compile of four minutes: it goes on in the background while the sample images are built, which is mostly unpacking.
second_engine_build() {
  if [ -n "${WINNOW_SECOND_ENGINE:-}" ]; then return; fi
  if ! command -v go >/dev/null; then
    SETUP_NOTE="skipped: no Go here, so tests on a current engine are skipped"
    return
  fi
  bash infra/second-engine.sh build >"$WINNOW_CACHE/logs/second-engine-build.log" 2>&1 3>&- 4>&- 9>&- &
  second_engine_pid=$!
}

second_engine_start() {
  if [ -z "${second_engine_pid:-}" ]; then return; fi
  wait "$second_engine_pid" || {
    tail -n 20 "$WINNOW_CACHE/logs/second-engine-build.log"
    fail "the second engine could not be built" "Set WINNOW_SECOND_ENGINE to the socket of a Docker Engine 29, or repair Go's module access."
  }
  SETUP_NOTE=$(bash infra/second-engine.sh start 3>&- 4>&-)
}

# Four minutes too, beside the same; without Go and without a server of the machine's own, the store is not tried on S3.
s3_server_build() {
  if SETUP_NOTE=$(bash infra/minio.sh path); then return; fi
  if ! command -v go >/dev/null; then
    SETUP_NOTE="skipped: no Go and no MinIO here, so tests of the store on S3 are skipped"
    return
  fi
  SETUP_NOTE="building"
  bash infra/minio.sh build >"$WINNOW_CACHE/logs/s3-server-build.log" 2>&1 3>&- 4>&- 9>&- &
  s3_server_pid=$!
}

s3_server_ready() {
  if [ -z "${s3_server_pid:-}" ]; then return; fi
  wait "$s3_server_pid" || {
    tail -n 20 "$WINNOW_CACHE/logs/s3-server-build.log"
    fail "MinIO could not be built" "Point MINIO_BIN at a MinIO server, or repair Go's module access."
  }
  SETUP_NOTE=$(bash infra/minio.sh path)
}

hold_lock
step "node" check_node
step "system packages" system_packages
step "npm packages" install_packages
step "sqlite addon" build_sqlite
step "sensor" build_sensor
step "bundle" build_bundle
step "docker engine" start_engine
step "sample base" bash infra/base-image.sh
if [ -z "$tests" ]; then
  step "sample images" sample_images node-express
else
  step "second engine" second_engine_build
  step "s3 server" s3_server_build
  step "sample images" sample_images
  step "second engine up" second_engine_start
  step "s3 server ready" s3_server_ready
fi
