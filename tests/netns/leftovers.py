#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an appliance could leave: interfaces in its namespace, its sockets, hugepage files, its runtime folder."""
import glob


def found(net, directory):
    """Everything of that kind there is now, as a set of names. Other tests' is not looked at: they run beside."""
    links = net.appliance.run("ip", "-o", "link").stdout.splitlines()
    interfaces = {"interface " + line.split(":")[1].split("@")[0].strip() for line in links}
    files = set()
    for pattern in (f"/dev/hugepages/{net.name}*", f"/run/dpdk/{net.name}", f"/run/dpdk/{net.name}/*",
                    f"{directory}/*.sock"):
        files.update(glob.glob(pattern))
    return interfaces | files
