#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one libFuzzer target from a copy of its kept corpus; what it finds stays in build/fuzz/findings/NAME.
# usage: fuzz.sh PROGRAM NAME
set -eu
program=$1
name=$2
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
findings=$(dirname "$here")/build/fuzz/findings/$name
mkdir -p "$findings"

corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
cp -R "$here/fuzz/corpus/$name/." "$corpus"

"$program" "$corpus" -max_total_time="${BULKHEAD_FUZZ_SECONDS:-60}" -timeout=20 -rss_limit_mb=3000 \
  -print_final_stats=1 -artifact_prefix="$findings/"
