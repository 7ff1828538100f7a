#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What one slice does, another cannot notice; what belongs to none goes nowhere."""
import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"
STRANGER = "02:00:00:00:00:cc"

TWO_SLICES = """
[[slice]]
name = "red"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right", "third"]
vlan = 100

[[slice]]
name = "blue"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right", "third"]
vlan = 200
"""


EVERYTHING = """
[[slice]]
name = "all"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right", "third"]
"""

TALK_ON_LOOPBACK = """
import socket
talker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    talker.sendto(b"not for you", ("127.0.0.1", 9))
"""


class Isolation(appliance.Case):
    def setUp(self):
        super().setUp()
        for port in ("left", "right", "third"):
            self.net.cable(port)

    def wires(self):
        wires = [self.net.cables[port].wire() for port in ("left", "right", "third")]
        for wire in wires:
            self.addCleanup(wire.close)
        return wires

    def test_broadcast_stays_inside_the_slice(self):
        # Hosts of both slices on each port, listening where the frames arrive.
        stations = {(port, vlan): self.net.host(port, vlan) for port in ("right", "third") for vlan in (100, 200)}
        listening = {key: host.wire() for key, host in stations.items()}
        for wire in listening.values():
            self.addCleanup(wire.close)
        left, _, _ = self.wires()
        self.box.start(TWO_SLICES)
        left.send(frames.frame(A, frames.BROADCAST, "to red", vlan=100, size=64),
                  frames.frame(A, frames.BROADCAST, "to blue", vlan=200, size=64))
        for (port, vlan), wire in listening.items():
            colour = {100: "to red", 200: "to blue"}[vlan]
            self.assertEqual(frames.payload(wire.receive()), colour, f"at {port}, VLAN {vlan}")
        # A second round: nothing else lies before its frames.
        left.send(frames.frame(A, frames.BROADCAST, "red again", vlan=100, size=64),
                  frames.frame(A, frames.BROADCAST, "blue again", vlan=200, size=64))
        for (port, vlan), wire in listening.items():
            colour = {100: "red again", 200: "blue again"}[vlan]
            self.assertEqual(frames.payload(wire.receive()), colour, f"at {port}, VLAN {vlan}")

    def test_a_slice_learns_only_its_own_stations(self):
        left, right, third = self.wires()
        self.box.start(TWO_SLICES)
        # In red, B lives on the right. In blue nobody has heard of B, so blue floods, though red would not.
        right.send(frames.frame(B, frames.BROADCAST, "here is B", vlan=100))
        self.assertEqual(frames.payload(left.receive()), "here is B")
        self.assertEqual(frames.payload(third.receive()), "here is B")

        left.send(frames.frame(A, B, "red to B", vlan=100), frames.frame(A, B, "blue to B", vlan=200))
        # Of two slices' frames either may be the first to leave.
        self.assertEqual({frames.payload(right.receive()), frames.payload(right.receive())}, {"red to B", "blue to B"})
        self.assertEqual(frames.payload(third.receive()), "blue to B", "red knows B, blue floods")
        metrics = self.box.settled()
        self.assertEqual(metrics("slice_learned_addresses", slice="red"), 2)
        self.assertEqual(metrics("slice_learned_addresses", slice="blue"), 1)

    def test_same_addresses_side_by_side(self):
        pairs = {}
        for vlan in (100, 200):
            left = self.net.host("left", vlan, "10.1.0.1/24", mac=A)
            # In blue the same MAC address B sits at another port than in red.
            right = self.net.host({100: "right", 200: "third"}[vlan], vlan, "10.1.0.2/24", mac=B)
            pairs[vlan] = (left, right)
        self.box.start(TWO_SLICES)
        for _ in range(3):
            for left, right in pairs.values():
                self.assertTrue(left.can_ping(right.address, count=2))
                self.assertTrue(right.can_ping(left.address, count=2))
        metrics = self.box.settled()
        for slice_name in ("red", "blue"):
            self.assertEqual(metrics("slice_learned_addresses", slice=slice_name), 2)
            self.assertEqual(metrics("slice_dropped_packets_total", slice=slice_name), 0)

    def test_no_way_from_one_slice_into_another(self):
        red = self.net.host("left", 100, "10.1.0.1/24")
        blue = self.net.host("right", 200, "10.1.0.2/24")
        self.box.start(TWO_SLICES)
        self.assertFalse(red.can_ping(blue.address, count=1))
        self.assertIsNone(red.neighbour(blue.address))

    def test_strangers_go_nowhere_and_are_counted(self):
        left, right, third = self.wires()
        self.box.start(TWO_SLICES)
        strangers = [frames.frame(STRANGER, frames.BROADCAST, "VLAN of nobody", vlan=300),
                     frames.frame(STRANGER, frames.BROADCAST, "untagged"),
                     frames.frame(STRANGER, frames.BROADCAST, "priority tag only", vlan=0, pcp=7),
                     frames.frame(STRANGER, B, "unicast", vlan=4094)]
        last = frames.frame(A, frames.BROADCAST, "last", vlan=100)
        left.send(*strangers, last)
        self.assertEqual(right.receive_until(last), [])
        self.assertEqual(third.receive_until(last), [])
        metrics = self.box.settled()
        self.assertEqual(metrics("port_unclaimed_packets_total", port="left"), len(strangers))
        self.assertEqual(metrics("slice_received_packets_total"), 1)

    def test_other_interfaces_of_the_machine_are_not_heard(self):
        """An AF_PACKET socket hears all interfaces until it is bound to its own: also then nothing may come in."""
        talkers = [self.net.appliance.spawn("/usr/bin/python3", "-c", TALK_ON_LOOPBACK) for _ in range(2)]
        try:
            for _ in range(3):
                self.box.start(EVERYTHING)
                metrics = self.box.settled()
                self.assertEqual(metrics.nonzero("port_received_packets_total"), [])
                self.box.close()
        finally:
            for talker in talkers:
                talker.kill()
                talker.wait()

    def test_reserved_addresses_stop_at_the_switch(self):
        left, right, _ = self.wires()
        self.box.start(TWO_SLICES)
        last = frames.frame(A, frames.BROADCAST, "last", vlan=100)
        left.send(frames.frame(A, "01:80:c2:00:00:00", "spanning tree", vlan=100),
                  frames.frame(A, "01:80:c2:00:00:0e", "LLDP", vlan=100), last)
        self.assertEqual(right.receive_until(last), [])
        self.assertEqual(self.box.settled()("slice_dropped_packets_total", slice="red", reason="reserved_address"), 2)


if __name__ == "__main__":
    appliance.main()
