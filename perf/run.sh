#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measures the appliance beside its peers, in the same run, on the same packets, core and hugepages. Builds nothing.
#
# usage: perf/run.sh [--quick] [NAME]       NAME: only the benchmarks whose name begins so
# Prints one JSON object a line: bench, ours, peer, theirs, ratio (ours / theirs: below 1 is cheaper than the peer),
# unit. Medians of five; --quick: each once and briefly, to see that it runs.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$root/build/release/control/bulkhead

[ -x "$program" ] || { echo "no $program: build it first (cmake --preset release && cmake --build --preset release)" >&2; exit 1; }
. "$root/perf/hugepages.sh"

/usr/bin/python3 "$root/perf/measure.py" "$program" "$@"
