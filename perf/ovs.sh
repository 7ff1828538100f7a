#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures Open vSwitch with DPDK on a capture replayed without end: one PMD thread on core 1, null sink.
# usage: ovs.sh CAPTURE SLICES vlan|l4 SECONDS      prints cycles per packet, as Open vSwitch counts them
set -euo pipefail
capture=$(readlink -f "$1")
slices=$2
rules=$3
seconds=$4

directory=$(mktemp -d)
prefix=bulkhead-perf-ovs$$
export OVS_RUNDIR=$directory OVS_LOGDIR=$directory OVS_DBDIR=$directory OVS_SYSCONFDIR=$directory
vsctl=(ovs-vsctl "--db=unix:$directory/db.sock" --timeout=30)
appctl=(ovs-appctl -t "$directory/vs.ctl")

stop() {
  for daemon in ovs-vswitchd ovsdb-server; do
    [ -e "$directory/$daemon.pid" ] || continue
    pid=$(cat "$directory/$daemon.pid")
    # With --cleanup, Open vSwitch takes the interfaces br0 and ovs-netdev away that it had made.
    [ "$daemon" = ovs-vswitchd ] && "${appctl[@]}" exit --cleanup 2>/dev/null || kill "$pid" || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  done
  rm -rf "$directory" "/run/dpdk/$prefix"
}
trap stop EXIT

{
  ovsdb-tool create "$directory/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  ovsdb-server "$directory/conf.db" --remote=punix:"$directory/db.sock" --pidfile="$directory/ovsdb-server.pid" \
    --detach --log-file="$directory/db.log" -vconsole:off
  "${vsctl[@]}" --no-wait init
  "${vsctl[@]}" --no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:dpdk-lcore-mask=0x1 \
    other_config:pmd-cpu-mask=0x2 other_config:dpdk-socket-mem=512 \
    other_config:dpdk-extra="--no-pci --in-memory --no-telemetry --file-prefix=$prefix"
  /usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk unix:"$directory/db.sock" --detach \
    --pidfile="$directory/ovs-vswitchd.pid" --log-file="$directory/vs.log" -vconsole:off --unixctl="$directory/vs.ctl"
  "${vsctl[@]}" add-br br0 -- set bridge br0 datapath_type=netdev fail-mode=secure
  "${vsctl[@]}" add-port br0 p0 -- set Interface p0 type=dpdk \
    options:dpdk-devargs="net_pcap0,rx_pcap=$capture,infinite_rx=1"
  "${vsctl[@]}" add-port br0 p1 -- set Interface p1 type=dpdk options:dpdk-devargs="net_null1,no-rx=1"
  for ((v = 1; v <= slices; v++)); do
    case $rules in
      vlan) echo "in_port=p0,dl_vlan=$v,actions=output:p1" ;;
      l4) echo "in_port=p0,dl_vlan=$v,udp,nw_src=10.$((v % 256)).0.0/16,tp_dst=2000,actions=output:p1" ;;
      *) echo "unknown rules: $rules" >&2; exit 64 ;;
    esac
  done >"$directory/flows"
  ovs-ofctl add-flows "$directory/br0.mgmt" "$directory/flows"
} >"$directory/out" 2>&1 || { cat "$directory/out" "$directory/vs.log" >&2; exit 1; }

sleep 2  # its caches fill
"${appctl[@]}" dpif-netdev/pmd-stats-clear
sleep "$seconds"
"${appctl[@]}" dpif-netdev/pmd-stats-show |
  awk '/core_id 1/ {on = 1} /main thread/ {on = 0} on && /avg processing cycles per packet/ {print $6; found = 1}
       END {exit !found}'
