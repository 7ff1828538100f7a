#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Linux HTB and the appliance as a box between two veth cables, on the same flood: eight slices of eight classes.

HTB's box is a bridge, whose port to the sink has a qdisc with the same rates and bursts; a classic BPF program finds
the class from VLAN and PCP. Every slice is offered a quarter more than it may send, every class an eighth of that. What
arrives is counted by the kernel. The flood, which needs a good part of core 0, is there all the time; what the whole
machine is busy beyond that, with nobody to take the flood, is the box's. The worker has core 1.

usage: htb.py PROGRAM MBPS SECONDS      MBPS: the slowest slice's rate; the others' are 2 to 8 times that
exit 77: the kernel has no namespaces, no HTB or no BPF classifier, and nothing was measured.
Prints one JSON object: for both sides how many percent each slice is `off` its rate, the `packets` that arrive in a
second, and the microseconds of processor time for each of them, `all`; of ours also `work`, without the time in which
the worker looked for packets and found none, or napped.
"""
import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

import appliance

NAME = f"bulkhead-perf-htb{os.getpid()}"
SLICES, CLASSES = 8, 8
SIZE, OVERHEAD = 1000, 24
LARGEST = 1522 + OVERHEAD
OFFERED = 1.25  # of what may pass

FLOOD = pathlib.Path(__file__).resolve().parents[1] / "tests/netns/flood.py"

# A socket for each VLAN, which nobody reads: the kernel counts what its filter lets through, room or not.
COUNTER = """
import ctypes, json, socket, struct, sys, time
sockets = []
for vlan in range(1, int(sys.argv[1]) + 1):
    # A = tag & 0xfff; equal to vlan: accept a byte, else nothing
    steps = [(0x20, 0, 0, 0xFFFFF000 + 44), (0x54, 0, 0, 0xFFF), (0x15, 0, 1, vlan), (0x06, 0, 0, 1), (0x06, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    each = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)
    each.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", len(steps), ctypes.addressof(code)))  # SO_ATTACH_FILTER
    each.bind(("eth0", 3))  # ETH_P_ALL
    sockets.append(each)
for line in sys.stdin:
    counts = [struct.unpack("II", each.getsockopt(263, 6, 8))[0] for each in sockets]  # PACKET_STATISTICS
    print(json.dumps([*counts, time.monotonic()]), flush=True)
"""


def rates(slowest):
    """Bits a second of each slice; together below the port's gigabit."""
    return [(number + 1) * slowest for number in range(SLICES)]


def default_burst(rate):
    """Bytes, as the appliance has it: 2 ms at the ceiling, at least two frames."""
    return max(2 * LARGEST, rate // 8 * 2 // 1000)


def run(*words, text=None):
    return subprocess.run(words, check=True, capture_output=True, text=True, input=text).stdout


def inside(host, *words, text=None):
    return run("ip", "netns", "exec", f"{NAME}-{host}", *words, text=text)


class Hosts:
    """Namespaces from, box and to, with a cable to each side of the box; a flood that never ends."""

    def __init__(self, slowest):
        self.slowest = slowest
        self.processes = []

    def __enter__(self):
        try:
            return self.set_up()
        except BaseException:
            self.__exit__()
            raise

    def set_up(self):
        for host in ("from", "box", "to"):
            run("ip", "netns", "add", f"{NAME}-{host}")
            inside(host, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        for host, port in (("from", "source"), ("to", "sink")):
            inside("box", "ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", f"{NAME}-{host}")
            inside("box", "ip", "link", "set", port, "up")
            inside(host, "ip", "link", "set", "eth0", "promisc", "on", "up")
            for place, interface in (("box", port), (host, "eth0")):
                inside(place, "ethtool", "-K", interface, "tx", "off", "gro", "off", "rxvlan", "off", "txvlan", "off")
        self.counter = self.start("to", "taskset", "-c", "0", "/usr/bin/python3", "-c", COUNTER, str(SLICES))
        frames = [frame(vlan, pcp).hex()
                  for pcp in range(CLASSES) for vlan in range(1, SLICES + 1) for _ in range(vlan)]
        offered = OFFERED * sum(rates(self.slowest))
        flood = self.start("from", "taskset", "-c", "0", "/usr/bin/python3", FLOOD, str(offered), *frames)
        flood.stdout.readline()
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        self.remove()

    def start(self, host, *words):
        process = subprocess.Popen(["ip", "netns", "exec", f"{NAME}-{host}", *words], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.processes.append(process)
        return process

    @staticmethod
    def remove():
        for host in ("from", "box", "to"):
            subprocess.run(["ip", "netns", "delete", f"{NAME}-{host}"], check=False, stderr=subprocess.DEVNULL)

    def arrived(self):
        """(packets of each slice since the last call, the moment)."""
        self.counter.stdin.write(b"\n")
        self.counter.stdin.flush()
        *packets, moment = json.loads(self.counter.stdout.readline())
        return packets, moment


def frame(vlan, pcp):
    head = bytes.fromhex("02000000000b02000000000a") + struct.pack("!HHH", 0x8100, pcp << 13 | vlan, 0x88B5)
    return head.ljust(SIZE, b"\0")


class Htb:
    """A bridge with one class a slice, its rate as ceiling, below it eight by priority."""

    def __init__(self, slowest):
        self.slowest = slowest

    def __enter__(self):
        inside("box", "ip", "link", "add", "bridge0", "type", "bridge")
        for port in ("source", "sink"):
            inside("box", "ip", "link", "set", port, "master", "bridge0")
        inside("box", "ip", "link", "set", "bridge0", "up")
        inside("box", "tc", "-batch", "-", text="\n".join(self.commands()))

    def __exit__(self, *_):
        inside("box", "tc", "qdisc", "del", "dev", "sink", "root")
        inside("box", "ip", "link", "del", "bridge0")

    def commands(self):
        yield "qdisc add dev sink root handle 1: htb"
        for number, rate in enumerate(rates(self.slowest), 1):
            burst = default_burst(rate)
            # What HTB sees has no tag: 4 bytes more.
            rest = f"burst {burst} cburst {burst} overhead {OVERHEAD + 4}"
            yield f"class add dev sink parent 1: classid 1:{number:x} htb rate {rate} ceil {rate} {rest}"
            for pcp in range(CLASSES):
                minor = number * 16 + pcp
                yield f"class add dev sink parent 1:{number:x} classid 1:{minor:x} htb rate {rate // CLASSES} " \
                      f"ceil {rate} prio {CLASSES - 1 - pcp} {rest}"
                yield f"qdisc add dev sink parent 1:{minor:x} handle {minor + 0x100:x}: pfifo limit 128"
        # A = tag; A = VID * 16 + PCP + 0x10000: the class's handle
        program = [(0x20, 0, 0, 0xFFFFF000 + 44), (0x02, 0, 0, 0), (0x54, 0, 0, 0xFFF), (0x64, 0, 0, 4), (0x07, 0, 0, 0),
                   (0x60, 0, 0, 0), (0x74, 0, 0, 13), (0x0C, 0, 0, 0), (0x04, 0, 0, 0x10000), (0x16, 0, 0, 0)]
        code = ",".join([str(len(program)), *(" ".join(map(str, step)) for step in program)])
        yield f"filter add dev sink parent 1: protocol all bpf bytecode '{code}'"


def our_config(slowest):
    text = "".join(f'[[port]]\nname = "{port}"\ndevice = "net_af_packet{number},iface={port}"\nspeed = "1Gbps"\n'
                   for number, port in enumerate(("source", "sink")))
    for number, rate in enumerate(rates(slowest), 1):
        text += f'[[slice]]\nname = "slice-{number}"\nforward = "wire"\n' \
                f'[[slice.flowspace]]\nport = ["source", "sink"]\nvlan = {number}\n' \
                f'[slice.bandwidth]\nguarantee = "{rate}bps"\nceiling = "{rate}bps"\n'
    return text


def busy_seconds():
    """What of the time the cores were not idle: idle time is measured, while busy time is counted in ticks, with which
    a flood once a millisecond would keep step."""
    idle, waiting = map(int, pathlib.Path("/proc/stat").read_text().split()[4:6])
    return os.cpu_count() * time.monotonic() - (idle + waiting) / os.sysconf("SC_CLK_TCK")


def measure(hosts, seconds, worker=lambda: 0.0):
    """What arrives and what the machine does for it, a second. `worker`: its processor time that was not work."""
    time.sleep(1.5)  # bursts that were saved up
    (_, begin), busy, idling = hosts.arrived(), busy_seconds(), worker()
    time.sleep(seconds)
    (packets, end), busy, idling = hosts.arrived(), busy_seconds() - busy, worker() - idling
    took = end - begin
    arrived = [count * (SIZE + OVERHEAD) * 8 / took for count in packets]
    off = [100 * (each / rate - 1) for each, rate in zip(arrived, rates(hosts.slowest))]
    return {"off": [round(each, 3) for each in off], "packets": sum(packets) / took, "busy": busy / took,
            "idling": idling / took}


def measure_ours(hosts, seconds, program):
    with tempfile.TemporaryDirectory() as directory:
        # In the box's namespace: its endpoint is a unix socket, which every namespace can reach.
        launcher = pathlib.Path(directory, "bulkhead")
        launcher.write_text(f'#!/bin/sh\nexec ip netns exec {NAME}-box {program} "$@"\n')
        launcher.chmod(0o755)
        with appliance.Appliance(str(launcher), directory, our_config(hosts.slowest), idle="nap") as running:
            return measure(hosts, seconds, lambda: running.cpu_seconds() - running.worker_busy_seconds())


def costs(side, base):
    beyond = side["busy"] - base["busy"]
    side["all"] = 1e6 * beyond / side["packets"]
    side["work"] = 1e6 * (beyond - side["idling"]) / side["packets"]
    return side


def main():
    program, slowest, seconds = sys.argv[1], int(float(sys.argv[2]) * 1e6), float(sys.argv[3])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with Hosts(slowest) as hosts:
            base = measure(hosts, seconds)
            with Htb(slowest):
                theirs = measure(hosts, seconds)
            ours = measure_ours(hosts, seconds, program)
    except subprocess.CalledProcessError as error:
        # What this kernel has not got (namespaces, HTB, BPF classifiers) is nobody's fault.
        print(f"{' '.join(error.cmd[:8])} ...: {error.stderr.strip()}", file=sys.stderr)
        sys.exit(77)
    print(json.dumps({"base": base["busy"], "ours": costs(ours, base), "theirs": costs(theirs, base)}))


if __name__ == "__main__":
    main()
