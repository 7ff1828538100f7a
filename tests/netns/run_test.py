#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`bulkhead run` says what it does: that it is ready, and a last account."""
import appliance

SLICE = """
[[slice]]
name = "red"
[[slice.flowspace]]
port = "left"
[slice.cpu]
reserve = "10%"
[slice.bandwidth]
guarantee = "1Gbps"
[slice.memory]
packets = 1024
"""


class Run(appliance.Case):
    def setUp(self):
        super().setUp()
        self.net.cable("left")

    def test_what_is_said_from_start_to_stop(self):
        self.box.start(SLICE)
        self.assertEqual(self.box.stop()[0], 0)
        said = self.box.log.read_text()
        self.assertNotIn("not yet enforced", said)
        self.assertIn("ready: 1 slice on 1 port, 1 worker, packets in ", said)
        self.assertIn("slice red: received 0 and copied 0, transmitted 0, dropped 0", said)
        self.assertTrue(said.endswith("info: stopped\n"), said)


if __name__ == "__main__":
    appliance.main()
