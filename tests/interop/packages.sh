#!/usr/bin/env bash
# packages.sh LIST [PURPOSE]: prints a folder with the Python packages of LIST.txt, for PYTHONPATH. They
# come from PyPI, once, into the user's cache folder, beside what Debian has of Python (script/lib.sh,
# PURPOSE or "interop").
set -euo pipefail
# shellcheck source=script/lib.sh
. "$(dirname "$0")/../../script/lib.sh"

list=tests/interop/$1.txt
folder=${XDG_CACHE_HOME:-$HOME/.cache}/spira/interop-$1-$(sha256sum "$list" | head -c 12)
need "${2:-interop}"
if [ ! -d "$folder" ]; then
    mkdir -p "${folder%/*}"
    exec 8>"$folder.lock"
    flock 8
    if [ ! -d "$folder" ]; then
        say "fetching the Python packages of $list into $folder"
        rm -rf "$folder.partial"
        quietly /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir \
            --root-user-action=ignore --no-deps --only-binary :all: --require-hashes \
            --requirement "$list" --target "$folder.partial" ||
            fail "PyPI did not give the packages of $list; SPIRA_WITHOUT_PYPI=1 goes without this test"
        mv -T "$folder.partial" "$folder"
    fi
fi
printf '%s\n' "$folder"
