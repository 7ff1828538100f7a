#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A frame leaves each port with the VLAN that the slice has there; PCP and DEI stay."""
import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"

TRANSLATED = """
[[slice]]
name = "lab"
forward = "wire"
[[slice.flowspace]]
port = "left"
vlan = 100
[[slice.flowspace]]
port = "right"
vlan = VLAN
"""

RANGES = """
[[slice]]
name = "range"
forward = "wire"
[[slice.flowspace]]
port = "left"
vlan = "100-199"
[[slice.flowspace]]
port = "right"
vlan = "150-160"
"""

TRUNK_AND_ACCESS = """
[[slice]]
name = "campus"
forward = "switch"
[[slice.flowspace]]
port = "left"
vlan = 100
[[slice.flowspace]]
port = "right"
vlan = 200
[[slice.flowspace]]
port = "desk"
vlan = "untagged"
"""


class Vlan(appliance.Case):
    def wires(self, *ports):
        for port in ports:
            self.net.cable(port)
        wires = [self.net.cables[port].wire() for port in ports]
        for wire in wires:
            self.addCleanup(wire.close)
        return wires

    def test_tag_is_rewritten(self):
        left, right = self.wires("left", "right")
        self.box.start(TRANSLATED.replace("VLAN", "200"))
        for pcp, dei in [(0, 0), (5, 0), (7, 1)]:
            left.send(frames.frame(A, B, "east", vlan=100, pcp=pcp, dei=dei))
            self.assertEqual(right.receive(), frames.frame(A, B, "east", vlan=200, pcp=pcp, dei=dei))
            right.send(frames.frame(B, A, "west", vlan=200, pcp=pcp, dei=dei))
            self.assertEqual(left.receive(), frames.frame(B, A, "west", vlan=100, pcp=pcp, dei=dei))

    def test_tag_is_removed_and_added(self):
        left, right = self.wires("left", "right")
        self.box.start(TRANSLATED.replace("VLAN", '"untagged"'))
        left.send(frames.frame(A, B, "east", vlan=100, pcp=5, size=100))
        self.assertEqual(right.receive(), frames.frame(A, B, "east", size=96))
        right.send(frames.frame(B, A, "west", size=96))
        self.assertEqual(left.receive(), frames.frame(B, A, "west", vlan=100, size=100))

    def test_hosts_on_both_sides_of_a_translation(self):
        self.net.cable("left")
        self.net.cable("right")
        tagged = self.net.host("left", 100, "10.1.0.1/24")
        untagged = self.net.host("right", None, "10.1.0.2/24")
        self.box.start(TRANSLATED.replace("VLAN", '"untagged"'))
        self.assertTrue(tagged.can_ping(untagged.address, size=1400))
        self.assertTrue(untagged.can_ping(tagged.address, size=1400))

    def test_own_vlan_is_kept_or_refused(self):
        left, right = self.wires("left", "right")
        self.box.start(RANGES)
        last = frames.frame(A, B, "last", vlan=155, pcp=3)
        left.send(frames.frame(A, B, "no such VLAN there", vlan=120), last)
        self.assertEqual(right.receive_until(last), [])
        self.assertEqual(self.box.settled()("slice_dropped_packets_total", slice="range", reason="egress_vlan"), 1)

    def test_flood_gives_every_port_its_own_tag(self):
        left, right, desk = self.wires("left", "right", "desk")
        self.box.start(TRUNK_AND_ACCESS)
        left.send(frames.frame(A, frames.BROADCAST, "all", vlan=100, pcp=4, size=100))
        self.assertEqual(right.receive(), frames.frame(A, frames.BROADCAST, "all", vlan=200, pcp=4, size=100))
        self.assertEqual(desk.receive(), frames.frame(A, frames.BROADCAST, "all", size=96))
        self.box.settled()


if __name__ == "__main__":
    appliance.main()
