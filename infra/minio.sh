#!/usr/bin/env bash
# The S3 server that the store's tests run against: MinIO in its last state, built from its pinned Go module into the
# cache, once. It is AGPL and a program of its own: nothing of it is linked into Winnow, and any S3 server takes its place.
#   minio.sh build    builds it where nothing else gives one, prints the path of the binary
#   minio.sh path     prints the path: MINIO_BIN, then PATH, then the cached build; fails where there is none
# Each test starts a server of its own (test/minio.ts), so there is nothing to start or to stop here.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

minio=v0.0.0-20260212201848-7aac2a2c5b7c

bin=$WINNOW_CACHE/minio/minio-$minio/bin

path() {
  if [ -n "${MINIO_BIN:-}" ]; then
    [ -x "$MINIO_BIN" ] || fail "MINIO_BIN=$MINIO_BIN is not a program" "Point it at a MinIO server, or unset it."
    echo "$MINIO_BIN"
  else
    command -v minio || { [ -x "$bin/minio" ] && echo "$bin/minio"; }
  fi
}

build() {
  command -v go >/dev/null || fail "MinIO is built with Go, which is missing" \
    "Install Go 1.26 or newer, or point MINIO_BIN at a MinIO server."
  mkdir -p "$bin"
  # go install puts the binary in place by a rename when it is whole: a build that was cut off leaves none.
  GOBIN=$bin CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOTOOLCHAIN=local \
    nice -n 10 timeout 1800 go install -ldflags '-s -w' "github.com/minio/minio@$minio"
}

case ${1:-path} in
  build)
    path || {
      [ -z "${MINIO_BIN:-}" ] || exit 1
      build
      path
    }
    ;;
  path) path ;;
  *) fail "unknown command $1" "Use build or path." ;;
esac
