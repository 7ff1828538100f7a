#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""iperf3 through the appliance: real TCP with its bursts and acknowledgements, and a paced UDP stream."""
import json
import subprocess

import appliance

SLICE = """
[[slice]]
name = "plain"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right"]
vlan = "untagged"
"""


class Iperf(appliance.Case):
    def setUp(self):
        super().setUp()
        self.net.cable("left")
        self.net.cable("right")
        self.left = self.net.host("left", address="10.1.0.1/24")
        self.right = self.net.host("right", address="10.1.0.2/24")
        self.box.start(SLICE)

    def iperf(self, *options):
        """Runs one test from left to right and returns iperf3's report."""
        server = self.right.spawn("iperf3", "--server", "--one-off", "--forceflush", stdout=subprocess.PIPE, text=True)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        while "listening" not in server.stdout.readline():
            self.assertIsNone(server.poll(), "iperf3's server ended")
        report = self.left.run("iperf3", "--client", self.right.address, "--json", *options)
        server.wait(20)
        return json.loads(report.stdout)["end"]

    def test_tcp(self):
        report = self.iperf("--bytes", "20M")
        # The client ends when the last byte is written, not when it has arrived.
        self.assertGreaterEqual(report["sum_received"]["bytes"], 10_000_000)
        metrics = self.box.settled()
        self.assertGreaterEqual(metrics("slice_received_bytes_total", port="left"),
                                report["sum_received"]["bytes"])

    def test_udp(self):
        report = self.iperf("--udp", "--bitrate", "10M", "--time", "2", "--length", "1400")
        self.assertGreater(report["sum"]["packets"], 1000)
        # At a thousandth of what it can do, the appliance itself drops nothing.
        metrics = self.box.settled()
        self.assertEqual(metrics("slice_dropped_packets_total"), 0)
        self.assertGreaterEqual(metrics("slice_transmitted_packets_total", port="right"), report["sum"]["packets"])


if __name__ == "__main__":
    appliance.main()
