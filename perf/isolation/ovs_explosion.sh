#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# X8 on Open vSwitch: a replayed victim, alone and beside crafted headers that three rules do not allow.
# usage: ovs_explosion.sh PROGRAM ROUNDS [--quick]     PROGRAM: isolation_bench, which attacks over memif
set -euo pipefail
program=$1 rounds=$2 quick=${3:-}
. "$(dirname "$0")/../ovs_start.sh"
socket=bulkhead-isolation-$$

set_up() {
  "$program" --capture "$directory/frames.pcap"
  start_ovs
  add_ovs_port p0 "net_pcap0,rx_pcap=$directory/frames.pcap,infinite_rx=1"
  add_ovs_port p1 "net_null1,no-rx=1"
  add_ovs_port p2 "net_memif0,role=server,id=0,socket=$socket-0,rsize=12"
  add_ovs_port p3 "net_null3,no-rx=1"
  {
    echo "in_port=p0,actions=output:p1"
    echo "priority=4,in_port=p2,dl_vlan=2000,udp,nw_src=10.0.0.1,actions=output:p3"
    echo "priority=3,in_port=p2,dl_vlan=2000,udp,tp_src=12345,actions=output:p3"
    echo "priority=2,in_port=p2,dl_vlan=2000,udp,tp_dst=80,actions=output:p3"
  } >"$directory/flows"
  ofctl add-flows "$directory/flows"
}

# The worker is never idle: the packets that it processes in a second go by the cycles of one.
cycles() {
  "${appctl[@]}" dpif-netdev/pmd-stats-clear >>"$directory/out"
  sleep 1
  "${appctl[@]}" dpif-netdev/pmd-stats-show |
    awk '/core_id 1/ {on = 1} /main thread/ {on = 0} on && /avg processing cycles per packet/ {print $6}'
}

set_up >"$directory/set_up" 2>&1 || { cat "$directory/set_up" "$directory/vs.log" >&2; exit 1; }
sleep 1
for ((round = 0; round < rounds; round++)); do
  alone=$(cycles)
  # shellcheck disable=SC2086  # one word or none
  timeout 60 "$program" $quick --peer explosion "$socket" >"$directory/attack" 2>&1 &
  attack=$!
  [ -n "$quick" ] || sleep 2.5  # it starts, connects, and its headers arrive
  attacked=$(cycles)
  wait "$attack" || { cat "$directory/attack" >&2; exit 1; }
  echo "$alone $attacked"
  sleep "$([ -n "$quick" ] && echo 0 || echo 11)"  # what was learned is forgotten after 10 s
done | sort -n | awk '{alone[NR] = $1; attacked[NR] = $2}
  END {m = int((NR + 1) / 2)
       printf "{\"experiment\": \"X8\", \"what\": \"Open vSwitch under 0.7 Mbit/s of crafted headers\", \"ours\": %s, \"unit\": \"cycles per packet\", \"beside\": \"alone\", \"theirs\": %s, \"note\": \"victim at %.4f of alone; median of %d\"}\n",
              attacked[m], alone[m], alone[m] / attacked[m], NR}'
