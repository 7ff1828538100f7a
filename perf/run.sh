#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the appliance beside its peers, in the same run, on the same packets, core and hugepages. Builds nothing.
#
# usage: perf/run.sh [--quick] [NAME]       NAME: only the benchmarks whose name begins so
# Prints one JSON object a line: bench, ours, peer, theirs, ratio (ours / theirs: below 1 is cheaper than the peer),
# unit. Medians of five; --quick: each once and briefly, to see that it runs.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$root/build/release/control/bulkhead
pages=/proc/sys/vm/nr_hugepages

[ -x "$program" ] || { echo "no $program: build it first (cmake --preset release && cmake --build --preset release)" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "hugepages and pinned cores need root" >&2; exit 1; }
# What the machine has not got is nobody's fault: a test runner knows 77 as "skipped".
skip() { echo "SKIPPED, nothing was measured: $*" >&2; exit 77; }
[ "$(nproc)" -ge 2 ] || skip "two cores are needed, one measured, one for everything else"

# 1 GiB for whoever is measured, whatever the size of a page.
size_kib=$(awk '/^Hugepagesize:/ {print $2}' /proc/meminfo)
needed=$((1024 * 1024 / size_kib))
before=$(cat "$pages")
free=$(awk '/^HugePages_Free:/ {print $2}' /proc/meminfo)
if [ "$free" -lt "$needed" ]; then
  trap 'echo "$before" >"$pages" || true' EXIT
  echo $((before + needed - free)) >"$pages" || skip "hugepages cannot be reserved here"
  free=$(awk '/^HugePages_Free:/ {print $2}' /proc/meminfo)
  [ "$free" -ge "$needed" ] || skip "only $free of $needed hugepages are free: free memory, or reboot and try first"
fi

/usr/bin/python3 "$root/perf/measure.py" "$program" "$@"
