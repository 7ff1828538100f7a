#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The demonstration: three slices with real hosts through one running appliance, in about 30 seconds.
# Installs what is missing, builds the appliance (without tests), and leaves nothing behind but the build.
#
# usage: sh control/demo.sh [--stay]     --stay: keeps everything running until Ctrl-C, to look at
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname "$here")
program=$root/build/release/control/bulkhead
id=bulkhead-demo-$$
stay=no
case ${1:-} in
  '') ;;
  --stay) stay=yes ;;
  *) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 64 ;;
esac

say() { printf '\n==> %s\n' "$*"; }
demo() { /usr/bin/python3 "$here/demo.py" "$@"; }
namespace() { echo "$id-$1"; }
in_host() { host=$1; shift; ip netns exec "$(namespace "$host")" "$@"; }
interface() { echo "bh$$$(echo "$1" | cut -c1-2)"; }  # at most 15 characters

directory=
appliance=
helpers=
namespaces=
links=
cleanup() {
  trap - EXIT INT TERM
  for pid in $helpers $appliance; do kill "$pid" 2>/dev/null || true; done
  for pid in $helpers $appliance; do wait "$pid" 2>/dev/null || true; done
  # Before the namespaces: a host's dying TCP connection can keep its namespace alive for minutes.
  for link in $links; do ip link delete "$link" 2>/dev/null || true; done
  for name in $namespaces; do
    # What runs in there and is not known here, such as a ping under way, would go on without its namespace.
    ip netns pids "$name" 2>/dev/null | xargs -r kill 2>/dev/null || true
    ip netns delete "$name" 2>/dev/null || true
  done
  if [ -n "$directory" ]; then rm -rf "$directory"; fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build() {
  sh "$root/tests/install.sh" product hosts
  say "building the appliance in build/release"
  cd "$root"
  [ -e build/release/build.ninja ] || cmake --preset release -DBULKHEAD_TESTS=OFF -DBULKHEAD_PERF=OFF >/dev/null
  cmake --build build/release --target bulkhead
}

# --- the hosts ---------------------------------------------------------------------------------------------------

add_namespace() {
  ip netns add "$(namespace "$1")" || return 1
  namespaces="$namespaces $(namespace "$1")"
  # Hosts that speak only when asked, so that the table shows nothing but the demonstration.
  in_host "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  in_host "$1" ip link set lo up
}

# Frames must reach the appliance as a wire would carry them: whole, with tag and checksum.
no_offloads() {
  "$@" -K "$end" tx off tso off gso off gro off >/dev/null 2>&1 || true
  "$@" -K "$end" rx off rxvlan off txvlan off >/dev/null 2>&1 || true
}

cable() {  # cable PORT: from a port of the appliance to eth0 of a namespace of that name
  add_namespace "$1"
  ip link add "$(interface "$1")" type veth peer name eth0 netns "$(namespace "$1")"
  links="$links $(interface "$1")"
  sysctl -qw "net.ipv6.conf.$(interface "$1").disable_ipv6=1" 2>/dev/null || true
  end=$(interface "$1"); no_offloads ethtool
  end=eth0; no_offloads in_host "$1" ethtool
  ip link set "$(interface "$1")" up
  in_host "$1" ip link set eth0 up
}

until_true() {  # until_true WHAT PID COMMAND...: waits for the command to succeed, while the process lives, 20 s at most
  what=$1; pid=$2; shift 2
  tries=0
  until "$@"; do
    if [ "$tries" = 400 ] || ! kill -0 "$pid" 2>/dev/null; then
      echo "$what did not come up" >&2
      exit 1
    fi
    tries=$((tries + 1))
    sleep 0.05
  done
}

says_ready() { grep -q ready "$directory/$1.ready" 2>/dev/null; }
serves() { in_host "$1" ss -Hltn | grep -q :5201; }

tagged_host() {  # tagged_host NAME PORT VLAN PCP ADDRESS
  add_namespace "$1"
  "$here/demo_host.py" "$(namespace "$1")" "$(namespace "$2")" "$3" --pcp "$4" >"$directory/$1.ready" &
  helpers="$helpers $!"
  until_true "the host $1" $! says_ready "$1"
  in_host "$1" ip address add "$5/24" dev eth0
}

lay_cables() {
  say "laying cables: network namespaces as hosts, veth pairs as cables, AF_PACKET ports of the appliance"
  for port in uplink office lab phones; do cable "$port"; done
  in_host office ip address add 10.10.0.1/24 dev eth0
  in_host lab ip address add 10.20.0.1/24 dev eth0
  tagged_host phone phones 30 5 10.30.0.1
  tagged_host far-production uplink 10 0 10.10.0.2
  tagged_host far-experiment uplink 20 0 10.20.0.2
  tagged_host far-voice uplink 30 6 10.30.0.2
  cat <<'END'
    production   office 10.10.0.1  (untagged)        --+            +--  10.10.0.2  VLAN 10
    experiment   lab    10.20.0.1  (untagged)        --+ appliance  +--  10.20.0.2  VLAN 20   behind one uplink
    voice        phone  10.30.0.1  (VLAN 30, PCP 5)  --+            +--  10.30.0.2  VLAN 30, PCP 6
END
}

# --- the appliance -----------------------------------------------------------------------------------------------

start_appliance() {
  say "starting: bulkhead run demo.toml"
  "$program" run "$directory/demo.toml" --socket "$directory/control.sock" &
  appliance=$!
  demo ready "$url" "$appliance" || { echo "the appliance did not start; it said why above" >&2; exit 1; }
}

stop_appliance() {
  say "stopping in order (SIGTERM); the last report accounts for every packet"
  kill "$appliance"
  status=0
  wait "$appliance" || status=$?
  appliance=
  [ "$status" = 0 ] || { echo "the appliance ended with exit status $status" >&2; exit 1; }
}

stay_if_asked() {
  [ "$stay" = yes ] || return 0
  say "everything keeps running until Ctrl-C. Look at:"
  echo "    $url/metrics    $url/api/v1/slices    $url/api/v1/ports"
  echo "    $program top --socket $directory/control.sock"
  for name in $namespaces; do echo "    ip netns exec $name sh"; done
  trap 'exit 0' INT TERM
  wait "$appliance"
  appliance=
}

# --- what happens ------------------------------------------------------------------------------------------------

ping_in() {  # ping_in SLICE HOST ADDRESS
  printf '    %-12s %-8s -> %-10s ' "$1" "$2" "$3"
  in_host "$2" ping -n -q -c 5 -i 0.2 -W 1 "$3" | sed -n 's/^\(.* received\).*/\1/p; s/^rtt/rtt/p' | paste -sd ' '
}

serve() {
  in_host "$1" iperf3 --server --one-off >/dev/null &
  helpers="$helpers $!"
  until_true "iperf3 at $1" $! serves "$1"
}

traffic() {  # traffic SLICE HOST ADDRESS OPTION...: iperf3 in the background, its result in a file
  slice=$1; host=$2; address=$3; shift 3
  in_host "$host" iperf3 --client "$address" --time 14 "$@" >"$directory/$slice.iperf" 2>&1 &
  helpers="$helpers $!"
  clients="$clients $!"
}

intrude() {
  say "the lab reaches for voice: a host on the lab's cable tags itself VLAN 30, PCP 5, and takes a phone's address"
  before=$(demo strangers "$url" lab)
  tagged_host intruder lab 30 5 10.30.0.66
  if in_host intruder ping -n -q -c 3 -i 0.2 -W 1 10.30.0.2 >/dev/null; then
    echo "    it got through: the slices are not isolated" >&2
    exit 1
  fi
  after=$(demo strangers "$url" lab)
  [ "$after" -gt "$before" ] || { echo "    it did not get through, but was not counted" >&2; exit 1; }
  echo "    no answer; bulkhead_port_unclaimed_packets_total{port=\"lab\"} went from $before to $after"
}

with_hosts() {
  lay_cables
  for port in uplink office lab phones; do echo "s/iface=bh-$port\"/iface=$(interface "$port")\"/"; done >"$directory/names"
  sed -f "$directory/names" -e "s/127.0.0.1:9180/$listen/; s/file-prefix=bulkhead-demo/file-prefix=$id/" \
    "$here/demo.toml" >"$directory/demo.toml"
  start_appliance
  say "ping inside each slice"
  ping_in production office 10.10.0.2
  ping_in experiment lab 10.20.0.2
  ping_in voice phone 10.30.0.2
  intrude
  say "iperf3 in all three slices at once: production TCP, experiment 80 Mbit/s UDP, voice 2 Mbit/s of small UDP"
  clients=
  for host in far-production far-experiment far-voice; do serve "$host"; done
  traffic production office 10.10.0.2
  traffic experiment lab 10.20.0.2 --udp --bitrate 80M
  traffic voice phone 10.30.0.2 --udp --bitrate 2M --length 160
  demo table "$url" 14
  for pid in $clients; do wait "$pid" || { cat "$directory"/*.iperf >&2; exit 1; }; done
  say "what iperf3's receivers saw"
  for slice in production experiment voice; do
    printf '    %-12s %s\n' "$slice" "$(grep receiver "$directory/$slice.iperf" | sed 's/^\[ *[0-9]*\] *//')"
  done
  stay_if_asked
}

without_hosts() {
  say "network namespaces are not allowed here: a capture is replayed through pcap and null devices instead, in one process"
  demo capture "$directory/demo.pcap"
  cat >"$directory/demo.toml" <<END
[appliance]
workers = 1
memory  = "128MiB"
eal     = ["--no-pci", "--file-prefix=$id"]
[stats]
listen = "$listen"
[[port]]
name   = "uplink"
device = "net_pcap0,rx_pcap=$directory/demo.pcap,infinite_rx=1"
speed  = "10Gbps"
[[port]]
name   = "access"
device = "net_null0,no-rx=1"
speed  = "10Gbps"
$(for slice in production:10 experiment:20 voice:30; do
    printf '[[slice]]\nname = "%s"\nforward = "wire"\n[[slice.flowspace]]\nport = ["uplink", "access"]\nvlan = %s\n' \
      "${slice%:*}" "${slice#*:}"
  done)
END
  start_appliance
  demo table "$url" 20
  echo "    VLAN 99 belongs to no slice: bulkhead_port_unclaimed_packets_total is $(demo strangers "$url" uplink)"
  stay_if_asked
}

build
directory=$(mktemp -d)
listen=127.0.0.1:$(demo free-port 9180)
url=http://$listen
if [ "$(id -u)" = 0 ] && ip netns add "$id-probe" 2>/dev/null; then
  ip netns delete "$id-probe"
  with_hosts
else
  without_hosts
fi
[ -z "$appliance" ] || stop_appliance
say "done"
