#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A tagged host on a cable, also where the kernel has no 802.1Q of its own (many virtual machines' have not).

Makes the interface eth0 in HOST's network namespace. What HOST sends there leaves eth0 of CABLE's namespace with a
tag, and what arrives at the cable with that tag reaches HOST without it. Runs until it is terminated.

usage: demo_host.py HOST CABLE VID [--pcp PCP] [--mac ADDRESS] [--mtu BYTES]     prints "ready" once eth0 is up
"""
import argparse
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
ETH_P_ALL, SOL_PACKET = 3, 263
PACKET_IGNORE_OUTGOING, SO_ATTACH_FILTER = 23, 26
BURST = 64


def enter(namespace):
    """Moves this process into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}", "rb") as file:
        if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")


def only_vlan(vid):
    """A classic BPF program that passes frames of one VLAN; the kernel has taken the tag off before it runs."""
    program = [(0x20, 0, 0, 0xFFFFF000 + 48),    # A = whether there is a tag (SKF_AD_VLAN_TAG_PRESENT)
               (0x15, 0, 4, 1),                  # if not: refuse
               (0x20, 0, 0, 0xFFFFF000 + 44),    # A = the tag (SKF_AD_VLAN_TAG)
               (0x54, 0, 0, 0xFFF),              # A &= VID
               (0x15, 0, 1, vid),                # if another: refuse
               (0x06, 0, 0, 0x40000),            # accept
               (0x06, 0, 0, 0)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    return code, struct.pack("HL", len(program), ctypes.addressof(code))


def open_cable(vid):
    cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    code, program = only_vlan(vid)
    cable.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    del code
    cable.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    cable.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    cable.bind(("eth0", ETH_P_ALL))
    cable.setblocking(False)
    return cable


def open_host(mac, mtu):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", b"eth0", IFF_TAP | IFF_NO_PI))
    for words in ([] if mac is None else ["address", mac]), ["mtu", str(mtu)], ["up"]:
        if words:
            subprocess.run(["ip", "link", "set", "eth0", *words], check=True)
    return tap


def from_host(tap, cable, tag):
    for _ in range(BURST):
        try:
            frame = os.read(tap, 65536)
            cable.send(frame[:12] + tag + frame[12:])
        except BlockingIOError:
            return
        except OSError:
            pass  # too long for the cable, or its other end is down: lost, as on any cable


def from_cable(tap, cable):
    for _ in range(BURST):
        try:
            os.write(tap, cable.recv(65536))
        except BlockingIOError:
            return
        except OSError:
            pass  # the host's interface is down


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("cable")
    parser.add_argument("vid", type=int)
    parser.add_argument("--pcp", type=int, default=0)
    parser.add_argument("--mac")
    parser.add_argument("--mtu", type=int, default=1500)
    options = parser.parse_args()

    enter(options.cable)
    cable = open_cable(options.vid)
    enter(options.host)
    tap = open_host(options.mac, options.mtu)
    print("ready", flush=True)

    tag = struct.pack("!HH", 0x8100, options.pcp << 13 | options.vid)
    poll = select.poll()
    poll.register(tap, select.POLLIN)
    poll.register(cable, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == tap:
                from_host(tap, cable, tag)
            else:
                from_cable(tap, cable)


if __name__ == "__main__":
    main()
