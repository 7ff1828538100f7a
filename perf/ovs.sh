#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures Open vSwitch with DPDK on a capture replayed without end: one PMD thread on core 1, null sink.
# usage: ovs.sh CAPTURE SLICES vlan|l4 SECONDS      prints cycles per packet, as Open vSwitch counts them
set -euo pipefail
capture=$(readlink -f "$1")
slices=$2
rules=$3
seconds=$4

. "$(dirname "$0")/ovs_start.sh"

set_up() {
  start_ovs
  add_ovs_port p0 "net_pcap0,rx_pcap=$capture,infinite_rx=1"
  add_ovs_port p1 "net_null1,no-rx=1"
  for ((v = 1; v <= slices; v++)); do
    case $rules in
      vlan) echo "in_port=p0,dl_vlan=$v,actions=output:p1" ;;
      l4) echo "in_port=p0,dl_vlan=$v,udp,nw_src=10.$((v % 256)).0.0/16,tp_dst=2000,actions=output:p1" ;;
      *) echo "unknown rules: $rules" >&2; exit 64 ;;
    esac
  done >"$directory/flows"
  ofctl add-flows "$directory/flows"
}
set_up >"$directory/set_up" 2>&1 || { cat "$directory/set_up" "$directory/vs.log" >&2; exit 1; }

sleep 2  # its caches fill
"${appctl[@]}" dpif-netdev/pmd-stats-clear
sleep "$seconds"
"${appctl[@]}" dpif-netdev/pmd-stats-show |
  awk '/core_id 1/ {on = 1} /main thread/ {on = 0} on && /avg processing cycles per packet/ {print $6; found = 1}
       END {exit !found}'
