#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An interface or a cable that goes down shows at the endpoint, and so do the packets that are lost with it."""
import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"

SLICE = """
[[slice]]
name = "red"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right"]
vlan = 100
"""


class Link(appliance.Case):
    def setUp(self):
        super().setUp()
        self.net.cable("left", mtu=1600)
        self.net.cable("right")
        self.box.start(SLICE)

    def wire(self, port):
        """At the far end of the port's cable, closed at the test's end."""
        wire = self.net.cables[port].wire()
        self.addCleanup(wire.close)
        return wire

    def await_link(self, up):
        """Waits until the endpoint says so of the right port."""
        appliance.until(lambda: self.box.metrics()("port_link_up", port="right") == up, f"port_link_up is {up}")
        appliance.until(lambda: (self.box.get("/readyz")[0] == 200) == bool(up), f"ready is {up}")

    def test_other_end_of_the_cable_goes_down(self):
        far = self.net.cables["right"]
        far.run("ip", "link", "set", "eth0", "down")
        self.await_link(0)
        self.assertIn("port right has no link", self.box.get("/readyz")[1])
        far.run("ip", "link", "set", "eth0", "up")
        self.await_link(1)

    def test_interface_goes_down(self):
        self.net.appliance.run("ip", "link", "set", "right", "down")
        self.await_link(0)
        self.wire("left").send(*[frames.frame(A, B, "lost", vlan=100)] * 10)
        failed = appliance.until(lambda: self.box.metrics()("port_transmit_failed_packets_total", port="right"),
                                 "the packets are counted as failed")
        self.assertLessEqual(failed, 10)
        self.assertEqual(self.box.metrics()("port_transmit_failed_packets_total", port="left"), 0)
        self.net.appliance.run("ip", "link", "set", "right", "up")
        self.await_link(1)

    def test_interface_is_removed_and_comes_back(self):
        left = self.wire("left")
        self.net.appliance.run("ip", "link", "delete", "right")
        removals = appliance.until(lambda: self.box.metrics()("port_removals_total", port="right"), "it is noticed")
        self.assertEqual(removals, 1)
        self.assertIn("port right is out of service: removed", self.box.get("/readyz")[1])
        left.send(*[frames.frame(A, B, "nowhere", vlan=100)] * 10)
        appliance.until(lambda: self.box.metrics()("slice_dropped_packets_total", reason="transmit_failed") == 10,
                        "the packets are dropped")
        metrics = self.box.settled()
        self.assertEqual(metrics("port_in_service", port="right"), 0)
        self.assertEqual(metrics("port_in_service", port="left"), 1)

        self.net.lay("right")
        self.await_link(1)
        metrics = self.box.metrics()
        self.assertEqual((metrics("port_in_service", port="right"), metrics("port_removals_total", port="right")), (1, 1))
        right = self.wire("right")
        again = frames.frame(A, B, "again", vlan=100)
        left.send(again)
        self.assertEqual(right.receive(), again)
        self.box.settled()

    def test_interface_comes_back_with_a_larger_mtu(self):
        """What the port was opened for still counts: its scheduler never lets go of a longer frame."""
        left = self.wire("left")
        self.net.appliance.run("ip", "link", "delete", "right")
        appliance.until(lambda: self.box.metrics()("port_removals_total", port="right"), "it is noticed")
        self.net.lay("right", mtu=1600)
        self.await_link(1)
        right = self.wire("right")
        self.box.write(SLICE + SLICE.replace("red", "green").replace("100", "200"))
        self.box.reload()
        appliance.until(lambda: self.box.metrics()("config_generation") == 2, "the new slice is in force")
        longest = frames.frame(A, B, "longest", vlan=200, size=1522)
        left.send(frames.frame(A, B, vlan=200, size=1523), longest)
        self.assertEqual(right.receive(), longest)
        metrics = self.box.settled()
        self.assertEqual(metrics("slice_dropped_packets_total", slice="green", reason="frame_too_long"), 1)


if __name__ == "__main__":
    appliance.main()
