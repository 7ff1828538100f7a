#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every tracked C++ file is as clang-format would write it.
set -eu
cd "$(dirname "$0")/../.."
files=$(find nic classifier shaper control tests perf -name '*.[ch]pp')
# shellcheck disable=SC2086  # a list of words
clang-format-19 --dry-run -Werror $files
