#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a capture of 60-byte frames (64 on the wire with their frame check sequence): VLAN, IPv4, UDP to port 2000.

4,096 flows over SLICES VLANs. "runs": up to eight frames of one VLAN follow each other, one per PCP, as bursts of one
sender do. "interleaved": consecutive frames belong to different VLANs, the hardest order for anything that batches.
VLAN v holds the source addresses of 10.0.0.0/8 whose second byte is v modulo 256.

"waiting": after every 512 of these frames comes one of a further VLAN, SLICES + 1.
"only VLAN": of these frames, those of that VLAN; or as many of another that is not among them.

usage: make_capture.py OUT.pcap SLICES runs|interleaved [waiting|only VLAN]
"""
import struct
import sys

FLOWS = 4096
RUN = 8
BETWEEN_WAITING = 512


def frame(vlan, pcp, flow):
    ethernet = bytes.fromhex("0200000000ff") + bytes([2, 0, 0, 0, vlan >> 8, vlan & 255]) \
        + struct.pack("!HHH", 0x8100, pcp << 13 | vlan, 0x0800)
    source = bytes([10, vlan & 255, flow >> 8 & 255, flow & 255])
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 42, 0, 0, 64, 17, 0, source, bytes([10, 200, pcp, vlan & 255]))
    return ethernet + ip + struct.pack("!HHHH", 1000 + pcp, 2000, 22, 0) + bytes(14)


def order(slices, arrangement):
    """(vlan, pcp, flow) of every frame."""
    rounds = FLOWS // slices  # frames of each slice
    run = min(RUN, rounds)
    if arrangement == "runs":
        return [(vlan, pcp, turn) for turn in range(rounds // run) for vlan in range(1, slices + 1)
                for pcp in range(run)]
    return [(vlan, turn % run, turn // run) for turn in range(rounds) for vlan in range(1, slices + 1)]


def with_waiting(frames, vlan):
    """The frames, and one of `vlan` after every 512 of them."""
    for number, each in enumerate(frames):
        yield each
        if number % BETWEEN_WAITING == BETWEEN_WAITING - 1:
            yield vlan, number // BETWEEN_WAITING % RUN, 0


def only(frames, vlan):
    """Those of one VLAN, or 64 of it where it has none."""
    return [each for each in frames if each[0] == vlan] or [(vlan, 0, flow) for flow in range(64)]


def main():
    path, slices, arrangement = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    frames = order(slices, arrangement)
    if sys.argv[4:] == ["waiting"]:
        frames = with_waiting(frames, slices + 1)
    if sys.argv[4:5] == ["only"]:
        frames = only(frames, int(sys.argv[5]))
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for vlan, pcp, flow in frames:
            data = frame(vlan, pcp, flow)
            out.write(struct.pack("<IIII", 0, 0, len(data), len(data)) + data)


if __name__ == "__main__":
    main()
