#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One attack of X6 on the appliance as a process of its own, over memif as its peers have it.
# usage: memif_ours.sh BULKHEAD PROGRAM ATTACK [--quick]
set -euo pipefail
bulkhead=$1 program=$2 attack=$3 quick=${4:-}
directory=$(mktemp -d)
socket=bulkhead-isolation-$$
pid=
stop() {
  [ -z "$pid" ] || { kill "$pid" && wait "$pid"; } || true
  rm -rf "$directory"
}
trap stop EXIT
{
  printf '[appliance]\nworkers = 1\nmemory = "384MiB"\nidle = "poll"\n'
  printf 'eal = ["--no-pci", "--file-prefix=%s"]\n[stats]\nlisten = "unix:%s/stats.sock"\n' "$socket" "$directory"
  "$program" --config "$attack" "$socket"
} >"$directory/appliance.toml"
"$bulkhead" run "$directory/appliance.toml" --socket "$directory/control.sock" >"$directory/log" 2>&1 &
pid=$!
for _ in $(seq 100); do
  grep -q ready: "$directory/log" && break
  kill -0 "$pid" 2>/dev/null || { cat "$directory/log" >&2; exit 1; }
  sleep 0.1
done
# shellcheck disable=SC2086  # one word or none
timeout 60 "$program" $quick --peer "Bulkhead, memif" "$socket" "$attack" 1 || { cat "$directory/log" >&2; exit 1; }
