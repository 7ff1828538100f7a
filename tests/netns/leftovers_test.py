#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is left behind is seen where it would be, and nothing that belongs to others."""
import pathlib
import socket

import appliance
import leftovers


class Leftovers(appliance.Case):
    def test_own_leftovers_are_seen_and_others_are_not(self):
        before = leftovers.found(self.net, self.box.directory)
        with socket.socket(socket.AF_UNIX) as own:
            own.bind(f"{self.box.directory}/stats.sock")
        runtime = pathlib.Path(f"/run/dpdk/{self.net.name}")
        (runtime / "config").mkdir(parents=True)
        self.net.appliance.run("ip", "link", "add", "left", "type", "veth", "peer", "name", "right")
        other = pathlib.Path(f"/run/dpdk/other-{self.net.name}")
        other.mkdir()
        self.addCleanup(other.rmdir)
        self.assertEqual(leftovers.found(self.net, self.box.directory) - before,
                         {"interface left", "interface right", f"{self.box.directory}/stats.sock", str(runtime), f"{runtime}/config"})


if __name__ == "__main__":
    appliance.main()
