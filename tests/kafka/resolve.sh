#!/usr/bin/env bash
# Brings the jars of Apache Kafka into a cache folder outside the checkout and prints its name.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
cache="${PASSLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/passline}/kafka"
jars="$cache/$(cksum <"$here/pom.xml" | cut -d' ' -f1)"
if [ ! -d "$jars" ]; then
    mkdir -p "$cache"
    incoming="$(mktemp -d "$cache/incoming.XXXXXX")"
    trap 'rm -rf "$incoming"' EXIT
    mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$incoming" >&2
    # Another run may have been faster.
    mv -T "$incoming" "$jars" 2>/dev/null || [ -d "$jars" ]
fi
echo "$jars"
