#!/bin/sh
# Makes an S3 server for the tests, outside the checkout, and prints the program's path.
#
# versitygw (Apache-2.0, an S3 front for a folder) where Go is, moto_server from PyPI otherwise.
# Quick when it is there already.
set -eu
version=v1.8.0
cache="${PASSLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/passline}/s3"
server="$cache/versitygw-$version"
moto="$cache/moto-venv"
if [ -x "$server" ]; then
    echo "$server"
elif command -v go >/dev/null; then
    mkdir -p "$cache/build"
    GOBIN="$cache/build" go install "github.com/versity/versitygw/cmd/versitygw@$version" >&2
    mv "$cache/build/versitygw" "$server"
    echo "$server"
else
    if [ ! -x "$moto/bin/moto_server" ]; then
        mkdir -p "$cache"
        if ! python3 -m venv "$moto" >&2; then
            echo "setup.sh: Go, or python3 with the venv module, is needed" >&2
            exit 1
        fi
        "$moto/bin/pip" install --quiet --disable-pip-version-check 'moto[server,s3]==5.1.22' >&2
    fi
    echo "$moto/bin/moto_server"
fi
