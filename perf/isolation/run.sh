#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What one slice notices of another: the experiments, beside peers where they have any. Builds nothing.
#
# usage: perf/isolation/run.sh [--quick] [X1 ...]      without names: all; --quick: each once and briefly
# Prints one JSON object a line (experiment, what, ours, unit, beside, theirs, asked, met, note), then a table.
# What a note says of the machine counts: where it took a core away, or the generator could not keep up.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
program=$root/build/release/perf/isolation/isolation_bench
pool=$root/build/release/perf/isolation/pool_bench
bulkhead=$root/build/release/control/bulkhead

[ -x "$program" ] || { echo "no $program: build it first (cmake --preset release && cmake --build --preset release)" >&2; exit 1; }

quick=
names=()
for argument in "$@"; do
  case $argument in
    --quick) quick=--quick ;;
    X[1-9] | X10 | X11) names+=("$argument") ;;
    *) echo "usage: run.sh [--quick] [X1 ...]" >&2; exit 64 ;;
  esac
done
[ ${#names[@]} -gt 0 ] || names=(X1 X2 X3 X4 X5 X6 X7 X8 X9 X10 X11)

. "$root/perf/hugepages.sh"

# shellcheck disable=SC2086  # $quick is one word or none
neighbours() {
  "$program" $quick X6
  "$program" $quick --peer sched
  # No peer has a slice's costly work; in the quick run one attack shows that the peers run.
  for attack in bandwidth minimum-size flooding malformed new-addresses bursts; do
    "$here/memif_ours.sh" "$bulkhead" "$program" "$attack" $quick
    "$here/ovs_policing.sh" "$program" "$attack" $quick
    [ -z "$quick" ] || break
  done
}

# shellcheck disable=SC2086  # $quick is one word or none
pool_of_tasks() {
  "$pool" --lcores=0@0,1@1 --no-pci --in-memory -m 256 --no-telemetry --log-level=lib.eal:error \
    "--file-prefix=bulkhead-pool$$" -- $quick
  rm -rf "/run/dpdk/bulkhead-pool$$"
  "$program" $quick X9
}

# shellcheck disable=SC2086  # $quick is one word or none
crafted_headers() {
  "$program" $quick X8
  # The quick run has seen by then that Open vSwitch runs.
  [ -n "$quick" ] || "$here/ovs_explosion.sh" "$program" 3
}

alone=()
for name in "${names[@]}"; do
  [[ $name = X[689] ]] || alone+=("$name")
done

# shellcheck disable=SC2086  # $quick is one word or none
{
  [ ${#alone[@]} = 0 ] || "$program" $quick "${alone[@]}"
  for name in "${names[@]}"; do
    case $name in
      X6) neighbours ;;
      X8) crafted_headers ;;
      X9) pool_of_tasks ;;
    esac
  done
} | /usr/bin/python3 "$here/table.py"
