#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One attack of X6 on Open vSwitch, which polices each aggressor to its guarantee with a meter.
# usage: ovs_policing.sh PROGRAM ATTACK [--quick]      PROGRAM: isolation_bench, which attacks over memif
set -euo pipefail
program=$1 attack=$2 quick=${3:-}
. "$(dirname "$0")/../ovs_start.sh"
socket=bulkhead-isolation-$$
read -r ports learns rate < <("$program" --policing "$attack")

set_up() {
  start_ovs
  for ((p = 0; p < ports; p++)); do
    add_ovs_port "p$p" "net_memif$p,role=server,id=$p,socket=$socket-$p,rsize=12"
  done
  ofctl add-flow "in_port=p0,dl_vlan=1,actions=output:p1"
  for ((v = 2; v <= 8; v++)); do
    ofctl add-meter "meter=$v,kbps,band=type=drop,rate=$rate"
    output=output:p1
    [ "$learns" = 0 ] || output=NORMAL
    ofctl add-flow "in_port=p0,dl_vlan=$v,actions=meter:$v,$output"
  done
}
set_up >"$directory/set_up" 2>&1 || { cat "$directory/set_up" "$directory/vs.log" >&2; exit 1; }
# shellcheck disable=SC2086  # one word or none
timeout 60 "$program" $quick --peer "Open vSwitch with policing, memif" "$socket" "$attack" 2  # each of its threads has a queue
