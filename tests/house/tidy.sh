#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over every product file, as configured in .clang-tidy.    usage: tidy.sh BUILD_DIRECTORY
# What was clean and has not changed since is not looked at again: it takes minutes.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
clean=$1/tidy.clean
if [ -e "$clean" ] && [ -z "$(find nic classifier shaper control .clang-tidy -newer "$clean")" ]; then
  echo "clean, and unchanged since $(date -r "$clean")"
  exit 0
fi
touch "$clean.next"
# g++'s own warnings are unknown to clang; it is not the one that builds the product.
run-clang-tidy-19 -quiet -p "$1" -j "$(nproc)" -extra-arg=-Wno-unknown-warning-option \
  "^$root/(nic|classifier|shaper|control)/.*\.cpp$"
mv "$clean.next" "$clean"
