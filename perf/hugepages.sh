#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the benchmarks: refuses what cannot be measured here, reserves 1 GiB of hugepages for whoever is
# measured, whatever the size of a page, and gives back at the end of the shell what it took.
[ "$(id -u)" = 0 ] || { echo "hugepages and pinned cores need root" >&2; exit 1; }
# What the machine has not got is nobody's fault: a test runner knows 77 as "skipped".
skip() { echo "SKIPPED, nothing was measured: $*" >&2; exit 77; }
[ "$(nproc)" -ge 2 ] || skip "two cores are needed, one measured, one for everything else"

pages=/proc/sys/vm/nr_hugepages
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
