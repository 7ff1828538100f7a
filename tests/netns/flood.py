#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends one frame again and again from eth0 of its network namespace, until it is terminated.

Once a millisecond it sends what has become due. What it could not send in time, because others had the processor, it
sends late, but never more than 20 ms' worth: a flood does not get longer by being interrupted.

usage: flood.py BITS_PER_SECOND FRAME      the rate counts frames on the wire (+ 24 bytes); the frame is hexadecimal
"""
import socket
import sys
import time

OVERHEAD = 24


def main():
    rate, frame = float(sys.argv[1]), bytes.fromhex(sys.argv[2])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(("eth0", 0))
    each = (len(frame) + OVERHEAD) * 8 / rate
    due = time.monotonic()
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        due = max(due, now - 0.02)
        while due <= now:
            try:
                wire.send(frame)
            except OSError:
                pass  # the cable's other end is full or down: lost, as on any cable
            due += each
        time.sleep(0.001)


if __name__ == "__main__":
    main()
