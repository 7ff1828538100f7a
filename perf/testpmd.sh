#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures dpdk-testpmd on a capture replayed without end: one core, null sink. The floor for anything that forwards.
# usage: testpmd.sh CAPTURE io|macswap SECONDS      prints cycles (time stamp counter) per packet
set -euo pipefail
capture=$(readlink -f "$1")
mode=$2
seconds=$3
prefix=bulkhead-perf-testpmd$$
trap 'rm -rf "/run/dpdk/$prefix"' EXIT

# The first seconds are its start; the best of the following ones is what the core can do.
{ timeout -s INT $((seconds + 5)) dpdk-testpmd --lcores '0@0,1@1' --no-pci --in-memory -m 320 --no-telemetry \
    --file-prefix="$prefix" --log-level=lib.eal:debug \
    --vdev="net_pcap0,rx_pcap=$capture,infinite_rx=1" --vdev=net_null1,no-rx=1 -- --stats-period=1 --nb-cores=1 \
    --burst=32 --mbcache=512 --port-topology=chained --forward-mode="$mode" --total-num-mbufs=16384 </dev/null 2>&1 || true; } |
  awk '/TSC frequency is/ {for (i = 1; i < NF; ++i) if ($i == "is") {khz = $(i + 1); sub("~", "", khz)}}
       /Tx-pps:/ {if ($2 > best) best = $2}
       END {if (!best || !khz) exit 1; printf "%.1f\n", khz * 1000 / best}'
