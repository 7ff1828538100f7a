#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Raw Ethernet frames for the namespace tests."""
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
ETHERTYPE_TEST = 0x88B5  # IEEE 802, local experimental ethertype 1: no host's stack answers it


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(source, destination, text="", vlan=None, pcp=0, dei=0, size=60):
    """A frame of at least `size` bytes (without frame check sequence) that says `text`."""
    tag = b"" if vlan is None else struct.pack("!HH", 0x8100, pcp << 13 | dei << 12 | vlan)
    head = mac_bytes(destination) + mac_bytes(source) + tag + struct.pack("!H", ETHERTYPE_TEST)
    return (head + text.encode()).ljust(size, b"\0")


def payload(data):
    """The text of a frame made by frame()."""
    start = 18 if data[12:14] == b"\x81\x00" else 14
    return data[start:].rstrip(b"\0").decode()


def tag(data):
    """(vid, pcp, dei) of the outer tag, or None."""
    if data[12:14] != b"\x81\x00":
        return None
    tci = struct.unpack("!H", data[14:16])[0]
    return tci & 0xFFF, tci >> 13, tci >> 12 & 1


def ip(source, destination, dscp, version=4, vlan=None, pcp=0):
    """A frame with an empty IP packet of that DSCP."""
    tag_bytes = b"" if vlan is None else struct.pack("!HH", 0x8100, pcp << 13 | vlan)
    head = mac_bytes(destination) + mac_bytes(source) + tag_bytes
    if version == 4:
        packet = struct.pack("!HBBHHHBBH4s4s", 0x0800, 0x45, dscp << 2, 20, 0, 0, 64, 253, 0, bytes([10, 1, 0, 1]),
                             bytes([10, 1, 0, 2]))
    else:
        packet = struct.pack("!HIHBB16s16s", 0x86DD, 6 << 28 | dscp << 22, 0, 59, 64, bytes(15) + b"\1", bytes(15) + b"\2")
    return (head + packet).ljust(60 if vlan is None else 64, b"\0")
