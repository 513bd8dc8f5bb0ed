#!/usr/bin/env bash
# make_corpus.sh SCRIPT FOLDER: makes the demo corpus, unless it is there and newer than its script.
set -euo pipefail
if [ ! "$2" -nt "$1" ]; then
    rm -rf "$2"
    "$1" "$2"
fi
