#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What an appliance could leave on a machine: interfaces, sockets, hugepage files, runtime folders."""
import glob
import subprocess


def found():
    """Everything of that kind there is now, as a set of names."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    interfaces = {"interface " + line.split(":")[1].strip() for line in links}
    files = set()
    for pattern in ("/dev/hugepages/*", "/run/bulkhead/*", "/run/dpdk/*", "/tmp/bulkhead-test-*/*.sock"):
        files.update(glob.glob(pattern))
    return interfaces | files
