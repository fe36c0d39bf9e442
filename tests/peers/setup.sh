#!/bin/sh
# Installs the Python peers into a virtual environment outside the checkout and prints its path.
# Quick when they are there already: the requirements' checksum is kept beside them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv="${PASSLINE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/passline}/peers-venv"
wanted=$(cksum <"$here/requirements.txt")
if [ "$(cat "$venv/requirements.cksum" 2>/dev/null || true)" != "$wanted" ]; then
    rm -rf "$venv"
    mkdir -p "$(dirname "$venv")"
    if ! python3 -m venv "$venv" >&2; then
        echo "setup.sh: python3 with the venv module is needed (Debian: apt install python3-venv)" >&2
        exit 1
    fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    printf '%s\n' "$wanted" >"$venv/requirements.cksum"
fi
echo "$venv"
