#!/bin/sh
# Builds every fuzz target and runs each for some seconds: fuzz/run-briefly.sh [SECONDS]
#
# Leaves nothing in the checkout: what is built goes to $CARGO_TARGET_DIR (or a temporary folder),
# inputs found and crashes to a temporary folder, which is kept, and named, after a crash.
set -eu
seconds=${1:-5}
cd "$(dirname "$0")/.."

work=$(mktemp -d "${TMPDIR:-/tmp}/passline-fuzz.XXXXXX")
target=${CARGO_TARGET_DIR:-$work/target}
target=$(mkdir -p "$target" && cd "$target" && pwd)
trap 'rm -rf "$work"' EXIT

# cargo-fuzz asks for compiler flags that the stable compiler has but hides.
export RUSTC_BOOTSTRAP=1
tools=$target/fuzz-tools
PATH=$tools/bin:$PATH
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "Installing cargo-fuzz into $tools" >&2
    RUSTC_BOOTSTRAP=0 cargo install --quiet --locked --root "$tools" cargo-fuzz
fi

cargo fuzz build --target-dir "$target/fuzz"
host=$(rustc -vV | sed -n 's/^host: //p')
for name in $(cargo fuzz list); do
    echo "Fuzzing $name for $seconds s" >&2
    mkdir -p "$work/$name/corpus" "$work/$name/artifacts"
    # Texts that chance would not find in a short time.
    case $name in
        mission_toml) seeds=$(ls tests/missions/*/mission.toml) ;;
        xtce) seeds=$(ls fuzz/decommutate.xml schemas/missions/*/*.xml) ;;
        orbits) seeds=$(ls tests/orbits/iss.* tests/orbits/node.*) ;;
        stations_toml) seeds=$(ls tests/orbits/*.toml) ;;
        *) seeds= ;;
    esac
    for seed in $seeds; do
        cp "$seed" "$work/$name/corpus/$(echo "$seed" | tr / _)"
    done
    # "cargo fuzz run" would leave folders in the checkout.
    if ! "$target/fuzz/$host/release/$name" "$work/$name/corpus" \
        -max_total_time="$seconds" -artifact_prefix="$work/$name/artifacts/" \
        -rss_limit_mb=1024 -timeout=20 -print_final_stats=1 >"$work/$name/log" 2>&1; then
        trap - EXIT
        tail -n 40 "$work/$name/log" >&2
        echo "fuzz target $name failed; the input is in $work/$name/artifacts" >&2
        exit 1
    fi
    sed -n 's/^stat::number_of_executed_units: */  inputs tried: /p' "$work/$name/log" >&2
done
