#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Frames of every size pass bit by bit: minimum, full and jumbo."""
import random

import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"

SLICE = """
[[slice]]
name = "plain"
forward = "wire"
[[slice.flowspace]]
port = ["left", "right"]
vlan = "untagged"
"""


class Sizes(appliance.Case):
    def pass_frames(self, sizes):
        """Sends one frame of random content of each size and sees it come out unchanged."""
        left, right = (self.net.cables[port].wire() for port in ("left", "right"))
        self.addCleanup(left.close)
        self.addCleanup(right.close)
        generator = random.Random(4711)
        for size in sizes:
            sent = frames.frame(A, B, size=14)[:14] + generator.randbytes(size - 14)
            left.send(sent)
            self.assertEqual(right.receive(), sent, f"frame of {size} bytes")
        metrics = self.box.settled()
        self.assertEqual(metrics("port_transmitted_packets_total", port="right"), len(sizes))
        self.assertEqual(metrics("port_transmitted_bytes_total", port="right"), sum(sizes))

    def test_minimum_to_full(self):
        self.net.cable("left")
        self.net.cable("right")
        self.box.start(SLICE)
        self.pass_frames([60, 61, 63, 64, 65, 127, 128, 129, 590, 1000, 1513, 1514])

    def test_jumbo(self):
        self.net.cable("left", mtu=9000)
        self.net.cable("right", mtu=9000)
        left = self.net.host("left", address="10.1.0.1/24")
        right = self.net.host("right", address="10.1.0.2/24")
        self.box.port_options = ",blocksz=65536,framesz=16384,framecnt=256"
        self.box.start(SLICE)
        self.pass_frames([60, 1514, 2000, 2048, 2049, 4096, 8000, 9013, 9014])
        self.assertTrue(left.can_ping(right.address, size=8972))
        self.assertTrue(right.can_ping(left.address, size=8972))

    def test_too_long_for_the_way_out_is_counted(self):
        """A jumbo port feeds a port of ordinary MTU: such frames are dropped under a reason, the others pass."""
        self.net.cable("left", mtu=9000)
        self.net.cable("right", mtu=1500)
        self.box.port_options = ",blocksz=65536,framesz=16384,framecnt=256"
        self.box.start(SLICE)
        left, right = (self.net.cables[port].wire() for port in ("left", "right"))
        self.addCleanup(left.close)
        self.addCleanup(right.close)
        last = frames.frame(A, B, "last")
        left.send(frames.frame(A, B, "long", size=5000), last)
        self.assertEqual(right.receive_until(last), [])
        self.assertEqual(self.box.settled()("slice_dropped_packets_total"), 1)


if __name__ == "__main__":
    appliance.main()
