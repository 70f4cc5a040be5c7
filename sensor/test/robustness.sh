#!/bin/bash
# The robustness suite natively, without the sensor and at each of its levels. Only the documented differences may show;
# test/sensor/observe.test.ts does the same in containers.
set -euo pipefail
cd "$(dirname "$0")/../build"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WINNOW_SENSOR_KEY=000102030405060708090a0b0c0d0e0f

# One tracer per task; opens through a ring would go unseen; clone3 hides its flags; strict mode needs an unfiltered task;
# one receiver of notifications per task.
declare -A expected=(
    [full]='app_ptrace clone3 io_uring seccomp_notif seccomp_strict'
    [nnp]='app_ptrace clone3 io_uring seccomp_strict'
)

failures() {
    sed -n 's/^\([a-z0-9_]*\) fail.*/\1/p' "$1" | sort | xargs
}

timeout 120 ./robustness > "$work/untraced" || { cat "$work/untraced"; exit 1; }
for level in full nnp; do
    for set in bpf rare; do
        timeout 120 ./sensor-amd64 observe --dir "$work" --name "$level-$set" --level "$level" --set "$set" -- \
            ./robustness > "$work/traced" || true
        found=$(failures "$work/traced")
        echo "level $level, set $set: differs in $found"
        [[ $found == "${expected[$level]}" ]] || { cat "$work/traced"; exit 1; }
    done
done
