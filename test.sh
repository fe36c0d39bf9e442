#!/usr/bin/env bash
# Installs what the tests need and runs them all: ./test.sh [arguments for cargo test]
#
# Needs Rust and a C compiler. The readers and peers that Passline is compared with (Python
# packages) go into a cache folder outside the checkout.
set -euo pipefail
cd "$(dirname "$0")"
source ./.ci/environment

if ! tests/peers/setup.sh; then
    echo "test.sh: the Python peers could not be installed; the tests that need them will say so" >&2
    [ -z "${CI:-}" ] || exit 1
fi

# The tests run the program as its users do.
cargo build --bin passline
cargo test --workspace "$@"
