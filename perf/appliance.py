#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A running appliance to be measured, and the configurations it is measured with."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

SOURCE_AND_SINK = """
[[port]]
name = "source"
device = "net_pcap0,rx_pcap={capture},infinite_rx=1"
speed = "100Gbps"
[[port]]
name = "sink"
device = "net_null0,no-rx=1"
speed = "100Gbps"
"""


class Appliance:
    """`bulkhead run`, ready. Its endpoint is a unix socket, so that nothing else on the machine is in the way."""

    def __init__(self, program, directory, ports_and_slices, idle="poll", eal=""):
        self.socket = str(pathlib.Path(directory, "stats.sock"))
        config = pathlib.Path(directory, "appliance.toml")
        config.write_text(f"""
[appliance]
workers = 1
cores = "1"
memory = "512MiB"
idle = "{idle}"
eal = ["--no-pci", "--file-prefix=bulkhead-perf{os.getpid()}"{eal}]
[stats]
listen = "unix:{self.socket}"
""" + ports_and_slices)
        self.log = pathlib.Path(directory, "log")
        self.started = time.monotonic()
        self.process = subprocess.Popen([program, "run", str(config), "--socket", str(pathlib.Path(directory, "control.sock"))],
                                        stdout=self.log.open("wb"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def __enter__(self):
        while not self.ready():
            time.sleep(0.002)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the appliance ended with {self.process.returncode}: {self.log.read_text()}")
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def get(self, path):
        connection = http.client.HTTPConnection("appliance")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        try:
            connection.sock.connect(self.socket)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def transmitted(self):
        """(packets that left by the sink, the moment of that count in seconds)."""
        answer = json.loads(self.get("/api/v1/ports")[1])
        sink = next(port for port in answer["ports"] if port["name"] == "sink")
        return sink["tx_packets"], answer["taken_unix_seconds"]

    def packets_per_second(self, seconds):
        time.sleep(1)  # caches and tables fill
        packets, begin = self.transmitted()
        time.sleep(seconds)
        while True:
            more, end = self.transmitted()
            if end - begin >= seconds:
                return (more - packets) / (end - begin)
            time.sleep(0.05)

    def dropped(self):
        """Packets that each slice has dropped, by its name."""
        answer = json.loads(self.get("/api/v1/slices")[1])
        return {each["name"]: sum(each["dropped_packets"].values()) for each in answer["slices"]}

    def worker_busy_seconds(self):
        """Time of rounds in which the worker moved packets."""
        return float(re.search(r'^bulkhead_worker_busy_seconds_total\{worker="0"\} (\S+)$',
                               self.get("/metrics")[1].decode(), re.MULTILINE).group(1))

    def cpu_seconds(self):
        """Processor time of the whole process, workers and all."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def slices(count, rules):
    """`count` wire slices from source to sink: a VLAN each, or its VLAN, addresses, protocol and port."""
    text = ""
    for vlan in range(1, count + 1):
        text += f'[[slice]]\nname = "slice-{vlan}"\nforward = "wire"\n' \
                f'[[slice.flowspace]]\nport = ["source", "sink"]\nvlan = {vlan}\n'
        if rules == "l4":
            text += f'ip_src = "10.{vlan % 256}.0.0/16"\nip_proto = "udp"\nl4_dst = 2000\n'
    return text


def shaped(count, classes):
    """`count` wire slices as above, each with a guarantee, a ceiling and eight classes, "strict" or "weighted"; and one
    that always waits at its ceiling.

    So the scheduler decides about every packet, by every rule, while the port is not what limits: while anybody waits,
    nobody may pass the queues by. Together the slices are guaranteed 8 Gbit/s, less than one core forwards: some
    packets leave by guarantee, others by share. Their ceilings are looked at and charged for every run, and not reached.
    """
    text = ""
    for vlan in range(1, count + 2):
        waits = vlan == count + 1
        guarantee, ceiling = (1, "1Mbps") if waits else (8000 // count, "99Gbps")
        text += f'[[slice]]\nname = "{"waiting" if waits else f"slice-{vlan}"}"\nforward = "wire"\n' \
                f'[[slice.flowspace]]\nport = ["source", "sink"]\nvlan = {vlan}\n' \
                f'[slice.bandwidth]\nguarantee = "{guarantee}Mbps"\nceiling = "{ceiling}"\n'
        if classes == "weighted":
            text += "".join(f"[[slice.class]]\npcp = [{pcp}]\nweight = {pcp + 1}\n" for pcp in range(8))
    return text


def many_entries(count):
    """A policy of `count` flowspace entries, twenty to a slice, of every kind: VLANs, prefixes, port ranges, addresses."""
    text = """
[appliance]
memory = "2GiB"  # for the queues of five thousand slices
[[port]]
name = "uplink"
device = "0000:00:00.0"
speed = "100Gbps"
"""
    for number in range(count):
        if number % 20 == 0:
            text += f'[[slice]]\nname = "slice-{number // 20}"\n'
        vlan = number // 40 % 4094 + 1
        place, quarter = number % 40 // 4, number % 4
        high, low = number // 163760 % 16, place
        text += f'[[slice.flowspace]]\nport = "uplink"\nvlan = {vlan}\n' + [
            f'ip_src = "10.{high}.{low}.0/24"\nip_proto = "udp"\nl4_dst = 2000\n',
            f'ip_src = "11.{high}.{low}.0/24"\nip_proto = "tcp"\nl4_dst = "{1000 * place + 1000}-{1000 * place + 1999}"\n',
            f'eth_src = "02:00:00:{high:02x}:{low:02x}:01"\nethertype = 0x88b5\n',
            f'ip_dst = "fd00:{high:x}:{low:x}::/48"\nethertype = "ipv6"\n'][quarter]
    return text
