#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ordinary hosts reach each other: ARP, neighbour discovery, ping; tagged and untagged."""
import appliance

UNTAGGED = """
[[slice]]
name = "plain"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right"]
vlan = "untagged"
"""

TAGGED = """
[[slice]]
name = "lab"
forward = "FORWARD"
[[slice.flowspace]]
port = ["left", "right"]
vlan = 100
"""


class Ping(appliance.Case):
    def hosts(self, vlan, prefix="10.1.0"):
        self.net.cable("left")
        self.net.cable("right")
        return (self.net.host("left", vlan, f"{prefix}.1/24"), self.net.host("right", vlan, f"{prefix}.2/24"))

    def assert_reach(self, left, right):
        self.assertTrue(left.can_ping(right.address))
        self.assertTrue(right.can_ping(left.address))
        self.assertEqual(left.neighbour(right.address), right.mac, "what ARP found")
        metrics = self.box.settled()
        self.assertEqual(metrics.nonzero("slice_dropped_packets_total"), [])
        self.assertEqual(metrics.nonzero("port_unclaimed_packets_total"), [])
        self.assertGreaterEqual(metrics("slice_received_packets_total", port="left"), 7)

    def test_untagged(self):
        left, right = self.hosts(None)
        self.box.start(UNTAGGED)
        self.assert_reach(left, right)

    def test_without_hugepages(self):
        left, right = self.hosts(None)
        self.box.eal = ', "--no-huge"'
        self.box.start(UNTAGGED)
        self.assertIn("ordinary pages", self.box.log.read_text())
        self.assert_reach(left, right)

    def test_tagged_through_switch(self):
        left, right = self.hosts(100)
        self.box.start(TAGGED.replace("FORWARD", "switch"))
        self.assert_reach(left, right)

    def test_tagged_through_wire(self):
        left, right = self.hosts(100)
        self.box.start(TAGGED.replace("FORWARD", "wire"))
        self.assert_reach(left, right)


class NeighbourDiscovery(appliance.Case):
    IPV6 = True

    def test_ipv6(self):
        self.net.cable("left")
        self.net.cable("right")
        left = self.net.host("left", 100, "fd00::1/64")
        right = self.net.host("right", 100, "fd00::2/64")
        self.box.start(TAGGED.replace("FORWARD", "switch"))
        self.assertTrue(left.can_ping(right.address))
        self.assertEqual(left.neighbour(right.address), right.mac, "what neighbour discovery found")
        self.box.settled()


if __name__ == "__main__":
    appliance.main()
