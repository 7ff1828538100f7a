#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sourced: Open vSwitch with DPDK for one measurement, one PMD thread on core 1; taken down at the end of the
# shell. Sets vsctl, appctl, directory; the bridge is br0.
directory=$(mktemp -d)
prefix=bulkhead-perf-ovs$$
export OVS_RUNDIR=$directory OVS_LOGDIR=$directory OVS_DBDIR=$directory OVS_SYSCONFDIR=$directory
vsctl=(ovs-vsctl "--db=unix:$directory/db.sock" --timeout=30)
appctl=(ovs-appctl -t "$directory/vs.ctl")

stop_ovs() {
  for daemon in ovs-vswitchd ovsdb-server; do
    [ -e "$directory/$daemon.pid" ] || continue
    pid=$(cat "$directory/$daemon.pid")
    # With --cleanup, Open vSwitch takes the interfaces br0 and ovs-netdev away that it had made.
    [ "$daemon" = ovs-vswitchd ] && "${appctl[@]}" exit --cleanup 2>/dev/null || kill "$pid" || true
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  done
  rm -rf "$directory" "/run/dpdk/$prefix"
}
trap stop_ovs EXIT

start_ovs() {
  ovsdb-tool create "$directory/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  ovsdb-server "$directory/conf.db" --remote=punix:"$directory/db.sock" --pidfile="$directory/ovsdb-server.pid" \
    --detach --log-file="$directory/db.log" -vconsole:off
  "${vsctl[@]}" --no-wait init
  "${vsctl[@]}" --no-wait set Open_vSwitch . other_config:dpdk-init=true other_config:dpdk-lcore-mask=0x1 \
    other_config:pmd-cpu-mask=0x2 other_config:dpdk-socket-mem=512 \
    other_config:dpdk-extra="--no-pci --in-memory --no-telemetry --file-prefix=$prefix"
  /usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk unix:"$directory/db.sock" --detach \
    --pidfile="$directory/ovs-vswitchd.pid" --log-file="$directory/vs.log" -vconsole:off --unixctl="$directory/vs.ctl"
  "${vsctl[@]}" add-br br0 -- set bridge br0 datapath_type=netdev fail-mode=secure protocols=OpenFlow10,OpenFlow13
}

add_ovs_port() { # NAME DEVICE
  "${vsctl[@]}" add-port br0 "$1" -- set Interface "$1" type=dpdk "options:dpdk-devargs=$2"
}
ofctl() { # COMMAND ARGUMENT
  ovs-ofctl -O OpenFlow13 "$1" "$directory/br0.mgmt" "$2"
}
