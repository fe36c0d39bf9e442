#!/usr/bin/env bash
# Installs what the tests need and runs them all: ./test.sh [arguments for cargo test]
#
# Needs Rust, a C and C++ compiler, make and perl; Java and Maven for a real Kafka. The readers and
# peers that Passline is compared with (Python packages), an S3 server (Go, or else Python) and
# Kafka's jars go into a cache folder outside the checkout.
set -euo pipefail
cd "$(dirname "$0")"
source ./.ci/environment

missing=()
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
command -v java >/dev/null || missing+=(default-jre-headless)
command -v mvn >/dev/null || missing+=(maven)
if [ ${#missing[@]} -gt 0 ] && command -v apt-get >/dev/null; then
    echo "test.sh: installing ${missing[*]}" >&2
    sudo=$([ "$(id -u)" = 0 ] || command -v sudo || true)
    { $sudo apt-get update -q && $sudo apt-get install -qy "${missing[@]}"; } >&2 || true
fi
if ! tests/peers/setup.sh >/dev/null; then
    echo "test.sh: the Python peers could not be installed; the tests that need them will say so" >&2
    [ -z "${CI:-}" ] || exit 1
fi
if ! tests/kafka/resolve.sh >/dev/null; then
    echo "test.sh: Apache Kafka's jars cannot be had; the tests that need it will say so" >&2
    [ -z "${CI:-}" ] || exit 1
fi
if ! tests/s3/setup.sh >/dev/null; then
    echo "test.sh: no S3 server could be installed; the tests that need one will say so" >&2
    [ -z "${CI:-}" ] || exit 1
fi

cargo test --workspace "$@"
