#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds the presets release, asan, tsan and fuzz, runs every test, and ends with one
# ctest summary. The preset debug is for debuggers: its tests are those of the sanitizers' builds.
# A second run installs nothing and builds only what changed.
#
# usage: sh tests/run.sh [CTEST ARGUMENT...]      e.g. -R netns, or -L fuzz
# BULKHEAD_FUZZ_SECONDS: how long each fuzz target runs (default 60).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname "$here")
jobs=$(nproc)
presets="release asan tsan fuzz"

if [ "$(id -u)" != 0 ]; then
  echo "==> not root: the tests that make network namespaces and the benchmarks will fail; use: sudo sh tests/run.sh" >&2
fi

sh "$here/install.sh" product hosts tests perf
# The virtual machine is an x86-64 one; elsewhere its tests say so and are skipped.
[ "$(uname -m)" != x86_64 ] || sh "$here/install.sh" vm

cd "$root"
for preset in $presets; do
  echo "==> building preset $preset in build/$preset ($jobs jobs)"
  # The demonstration may have configured the release preset without tests and benchmarks.
  if [ "$preset" = release ]; then perf=ON; else perf=OFF; fi
  cmake --preset "$preset" -DBULKHEAD_TESTS=ON -DBULKHEAD_PERF=$perf >/dev/null
  cmake --build --preset "$preset" -j "$jobs"
done

# One ctest over all presets, so that there is one summary and one exit status.
mkdir -p build/all
{
  for preset in $presets; do echo "subdirs(\"$root/build/$preset\")"; done
} >build/all/CTestTestfile.cmake

echo "==> running every test: release, then the sanitizers', fuzzing and benchmarks"
export CTEST_OUTPUT_ON_FAILURE=1
exec ctest --test-dir build/all -j "$jobs" "$@"
