#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM and SIGINT end the appliance in order: in time, all packets accounted for, nothing left behind."""
import signal
import threading

import appliance
import frames
import leftovers

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


class Stop(appliance.Case):
    def setUp(self):
        super().setUp()
        self.net.cable("left")
        self.net.cable("right")

    def test_stop_under_load(self):
        before = leftovers.found(self.net, self.box.directory)
        self.box.start(SLICE)
        done = threading.Event()

        def send():
            wire = self.net.cables["left"].wire()
            while not done.is_set():
                wire.send(*[frames.frame(A, B, "load", vlan=100)] * 16)
            wire.close()

        sender = threading.Thread(target=send)
        sender.start()
        try:
            appliance.until(lambda: self.box.metrics()("slice_transmitted_packets_total") > 1000, "traffic flows")
            status, seconds = self.box.stop()
        finally:
            done.set()
            sender.join()
        self.assertEqual(status, 0)
        self.assertLess(seconds, 2 * appliance.SLOWNESS)
        self.assertEqual(leftovers.found(self.net, self.box.directory) - before, set())

    def test_interrupt_while_idle(self):
        self.box.start(SLICE)
        self.box.process.send_signal(signal.SIGINT)
        self.assertEqual(self.box.process.wait(2 * appliance.SLOWNESS), 0)

    def test_start_again_after_being_killed(self):
        """What a killed process leaves does not keep the next one from starting."""
        self.box.start(SLICE)
        self.box.process.kill()
        self.box.process.wait()
        self.box.start(SLICE)
        self.assertEqual(self.box.stop()[0], 0)


if __name__ == "__main__":
    appliance.main()
