#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmarks behind run.sh.    usage: measure.py PROGRAM [--quick] [NAME]"""
import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import appliance

HERE = pathlib.Path(__file__).resolve().parent


class Run:
    """What all benchmarks of one run share."""

    def __init__(self, program, quick, directory):
        self.program = program
        self.directory = directory
        self.quick = quick
        self.repetitions = 1 if quick else 5
        self.seconds = 1 if quick else 3
        self.hertz = time_stamp_hertz()
        self.at_8 = {}  # cycles of the 8-slice benchmark by arrangement, for the growth with the slices

    def fresh_directory(self):
        return tempfile.mkdtemp(dir=self.directory)

    def capture(self, count, *arrangement):
        path = pathlib.Path(self.directory, "-".join([str(count), *arrangement]) + ".pcap")
        if not path.exists():
            subprocess.run([HERE / "make_capture.py", path, str(count), *arrangement], check=True)
        return path

    def ours(self, capture, slices, look=lambda running: None):
        """Cycles of the worker for each packet that left. `look` sees the appliance afterwards, still running."""
        config = appliance.SOURCE_AND_SINK.format(capture=capture) + slices
        with appliance.Appliance(self.program, self.fresh_directory(), config) as running:
            cycles = self.hertz / running.packets_per_second(self.seconds)
            look(running)
            return cycles

    def peer(self, script, *arguments):
        done = subprocess.run([HERE / script, *map(str, arguments), str(self.seconds)], check=True,
                              stdout=subprocess.PIPE, text=True)
        return float(done.stdout)


def time_stamp_hertz():
    """The time stamp counter's frequency, as DPDK measures it for everyone here."""
    prefix = f"bulkhead-perf-hertz{os.getpid()}"
    said = subprocess.run(["dpdk-testpmd", "--no-huge", "-m", "64", "--no-pci", "--no-shconf", "--no-telemetry",
                           f"--file-prefix={prefix}", "--log-level=lib.eal:debug", "--", "--help"],
                          capture_output=True, text=True, check=False)
    shutil.rmtree(f"/run/dpdk/{prefix}", ignore_errors=True)
    return int(re.search(r"TSC frequency is ~(\d+) KHz", said.stdout + said.stderr).group(1)) * 1000


def report(bench, ours, peer, theirs, unit="cycles_per_packet"):
    digits = 1 if unit == "cycles_per_packet" else 6
    print(json.dumps({"bench": bench, "ours": round(ours, digits), "peer": peer, "theirs": round(theirs, digits),
                      "ratio": round(ours / theirs, 3) if theirs else None, "unit": unit}), flush=True)


def wire(run, bench, count, rules, arrangement):
    """Wire slices between a replayed capture and a null sink; every round measures all three after each other."""
    capture = run.capture(count, arrangement)
    ours, switch, floor = [], [], []
    for _ in range(run.repetitions):
        ours.append(run.ours(capture, appliance.slices(count, rules)))
        switch.append(run.peer("ovs.sh", capture, count, rules))
        floor.append(run.peer("testpmd.sh", capture, "macswap"))
    mine = statistics.median(ours)
    report(bench, mine, "ovs", statistics.median(switch))
    report(bench, mine, "testpmd macswap", statistics.median(floor))
    if rules == "vlan" and count == 8:
        run.at_8[arrangement] = mine
    elif rules == "vlan" and arrangement in run.at_8:
        report(bench, mine, "bulkhead with 8 slices", run.at_8[arrangement])


def shaped(run, bench, count, classes, arrangement):
    """The same with guarantees, ceilings and eight classes a slice in force; Open vSwitch shapes nothing."""
    capture = run.capture(count, arrangement, "waiting")
    ours, switch = [], []
    for _ in range(run.repetitions):
        ours.append(run.ours(capture, appliance.shaped(count, classes), only_one_drops))
        switch.append(run.peer("ovs.sh", capture, count + 1, "vlan"))
    report(bench, statistics.median(ours), "ovs", statistics.median(switch))


def only_one_drops(running):
    """Else decisions would not be what was measured, but a port that is too slow or queues that are too short."""
    dropped = {name for name, packets in running.dropped().items() if packets > 0}
    if dropped != {"waiting"}:
        raise RuntimeError(f"one slice was to wait at its ceiling, and no other; dropped packets: {sorted(dropped)}")


def scheduler(run, _):
    """The egress scheduler alone beside rte_sched, in one process, which reports by itself."""
    program = pathlib.Path(run.program).parents[1] / "perf/scheduler_bench"
    prefix = f"bulkhead-perf-scheduler{os.getpid()}"
    arguments = ["--lcores=0@1", "--no-pci", "--in-memory", "-m", "512", "--no-telemetry",
                 "--log-level=lib.eal:error", f"--file-prefix={prefix}"]
    try:
        subprocess.run([program, *arguments, "--", *(["--quick"] if run.quick else [])], check=True)
    finally:
        shutil.rmtree(f"/run/dpdk/{prefix}", ignore_errors=True)


def htb(run, bench, slowest):
    """Linux HTB and the appliance on veth: how far off its rate the worst slice is, and what a packet costs."""
    rounds = []
    for _ in range(run.repetitions):
        done = subprocess.run([HERE / "htb.py", run.program, str(slowest), str(run.seconds)], check=False,
                              stdout=subprocess.PIPE, text=True)
        if done.returncode == 77:
            print(f"{bench}: SKIPPED, nothing was measured", file=sys.stderr)
            return
        done.check_returncode()
        rounds.append(json.loads(done.stdout))

    def median_of(side, what):
        return statistics.median(what(each[side]) for each in rounds)

    for name, unit, what in (("rate-error", "percent", lambda side: max(map(abs, side["off"]))),
                             ("cpu-all", "microseconds_per_packet", lambda side: side["all"]),
                             ("cpu-work", "microseconds_per_packet", lambda side: side["work"])):
        report(f"{bench}-{name}", median_of("ours", what), "linux htb", median_of("theirs", what), unit)


def check(run, bench, entries, target):
    """`bulkhead check` on a generated file, start of the process and reading included."""
    file = pathlib.Path(run.fresh_directory(), "policy.toml")
    file.write_text(appliance.many_entries(entries))
    took = []
    for _ in range(run.repetitions):
        begin = time.monotonic()
        subprocess.run([run.program, "check", str(file)], check=True, stdout=subprocess.DEVNULL)
        took.append(time.monotonic() - begin)
    report(bench, statistics.median(took), "target", target, "seconds")


def added_entry(run, bench, target):
    """One more flowspace entry proved against 10,000."""
    program = pathlib.Path(run.program).parents[1] / "perf/added_entry"
    took = float(subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout)
    report(bench, took, "target", target, "seconds")


def own_queues(run, bench):
    """Eight slices whose packets hardware steers, as a replayed queue for each stands for, beside software and testpmd."""
    program = pathlib.Path(run.program).parents[1] / "perf/own_queues"
    everybody = run.capture(8, "runs")
    # All are named in one device: short names, without their directory.
    directory = run.fresh_directory()
    *each, nobody = names = [f"{vlan}.pcap" for vlan in range(1, 10)]
    for vlan, name in enumerate(names, 1):
        subprocess.run([HERE / "make_capture.py", pathlib.Path(directory, name), "8", "runs", "only", str(vlan)],
                       check=True)

    def cycles(way, shared):
        done = subprocess.run([program, way, str(run.seconds), shared, *each], check=True, stdout=subprocess.PIPE,
                              text=True, cwd=directory)
        return float(done.stdout.split()[0])

    rounds = [(cycles("queue", nobody), cycles("software", everybody), run.peer("testpmd.sh", everybody, "macswap"))
              for _ in range(run.repetitions)]
    ours, software, floor = map(statistics.median, zip(*rounds))
    report(bench, ours, "bulkhead in software", software)
    report(bench, ours, "testpmd macswap", floor)


def flow_rules(run, bench, entries):
    """A policy proved, compiled to rules and put in force on a simulated NIC; then one entry more, and one less."""
    program = pathlib.Path(run.program).parents[1] / "perf/flow_rules"
    done = subprocess.run([program, str(entries)], check=True, stdout=subprocess.PIPE, text=True)
    took = {line["what"]: line["seconds"] for line in map(json.loads, done.stdout.splitlines())}
    report(bench, took["prove"] + took["compile"] + took["apply"], "target", 5, "seconds")
    report(f"{bench}-one-more", took["one entry more"], "target", 0.005, "seconds")
    report(f"{bench}-one-less", took["one entry less"], "target", 0.005, "seconds")


def start_to_forwarding(run, bench):
    """From the start of the process to the first packet that left, without hugepages."""
    config = appliance.SOURCE_AND_SINK.format(capture=run.capture(8, "runs")) + appliance.slices(8, "vlan")
    took = []
    for _ in range(run.repetitions):
        with appliance.Appliance(run.program, run.fresh_directory(), config, eal=', "--no-huge"') as running:
            while running.transmitted()[0] == 0:
                time.sleep(0.002)
            took.append(time.monotonic() - running.started)
    report(bench, statistics.median(took), "target", 1.5, "seconds")


def idle_nap(run, bench):
    """What an appliance costs that has nothing to do: two ports without traffic, eight slices."""
    config = """
[[port]]
name = "source"
device = "net_null1,no-rx=1"
speed = "100Gbps"
[[port]]
name = "sink"
device = "net_null0,no-rx=1"
speed = "100Gbps"
""" + appliance.slices(8, "vlan")
    used = []
    for _ in range(run.repetitions):
        with appliance.Appliance(run.program, run.fresh_directory(), config, idle="nap") as running:
            time.sleep(1)
            begin, before = time.monotonic(), running.cpu_seconds()
            time.sleep(2 if run.repetitions == 1 else 10)
            used.append(100 * (running.cpu_seconds() - before) / (time.monotonic() - begin))
    report(bench, statistics.median(used), "target", 5, "percent_of_a_core")


BENCHES = {
    "wire-vlan-8": (wire, 8, "vlan", "runs"),
    "wire-vlan-8-interleaved": (wire, 8, "vlan", "interleaved"),
    "wire-vlan-64": (wire, 64, "vlan", "runs"),
    "wire-vlan-64-interleaved": (wire, 64, "vlan", "interleaved"),
    "wire-vlan-1024": (wire, 1024, "vlan", "runs"),
    "wire-vlan-1024-interleaved": (wire, 1024, "vlan", "interleaved"),
    "wire-l4-8": (wire, 8, "l4", "runs"),
    "wire-l4-8-interleaved": (wire, 8, "l4", "interleaved"),
    "shaped-8x8": (shaped, 8, "strict", "runs"),
    "shaped-8x8-weighted": (shaped, 8, "weighted", "runs"),
    "shaped-8x8-interleaved": (shaped, 8, "strict", "interleaved"),
    "shaped-64x8": (shaped, 64, "strict", "runs"),
    "shaped-64x8-weighted": (shaped, 64, "weighted", "runs"),
    "shaped-64x8-interleaved": (shaped, 64, "strict", "interleaved"),
    "scheduler": (scheduler,),
    "htb-90M": (htb, 2.5),
    "htb-900M": (htb, 25),
    "check-10k": (check, 10_000, 0.5),
    "check-100k": (check, 100_000, 5),
    "add-one-to-10k": (added_entry, 0.001),
    "flow-rules-100k": (flow_rules, 100_000),
    "own-queues-8": (own_queues,),
    "start-to-forwarding": (start_to_forwarding,),
    "idle-nap": (idle_nap,),
}
# Enough to see that everything runs: the others differ in their numbers only.
QUICK = ["wire-vlan-8", "wire-l4-8", "shaped-8x8", "scheduler", "htb-90M", "check-10k", "add-one-to-10k",
         "flow-rules-100k", "own-queues-8", "start-to-forwarding", "idle-nap"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("name", nargs="?", default="")
    options = parser.parse_intermixed_args()
    names = [name for name in BENCHES if name.startswith(options.name)]
    if not names:
        parser.error(f"no benchmark begins with {options.name}; there are: " + ", ".join(BENCHES))
    if options.quick and not options.name:
        names = QUICK
    with tempfile.TemporaryDirectory(prefix="bulkhead-perf-") as directory:
        run = Run(options.program, options.quick, directory)
        for name in names:
            bench, *arguments = BENCHES[name]
            bench(run, name, *arguments)


if __name__ == "__main__":
    main()
