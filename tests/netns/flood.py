#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends frames again and again, in turn, from eth0 of its network namespace, until it is terminated.

Once a millisecond it sends what has become due. What it could not send in time, because others had the processor, it
sends late, but never more than 20 ms' worth: a flood does not get longer by being interrupted.

usage: flood.py BITS_PER_SECOND FRAME...   the rate of all together counts frames on the wire (+ 24 bytes); a frame is
                                           hexadecimal
"""
import socket
import sys
import time

OVERHEAD = 24
SO_SNDBUFFORCE = 32


def main():
    rate, frames = float(sys.argv[1]), [bytes.fromhex(text) for text in sys.argv[2:]]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    wire.bind(("eth0", 0))
    # What waits in a queue on the way still counts as the sender's, whom it would hold back.
    wire.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 64 << 20)
    each = sum(len(frame) + OVERHEAD for frame in frames) * 8 / rate
    due = time.monotonic()
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        due = max(due, now - 0.02)
        while due <= now:
            for frame in frames:
                try:
                    wire.send(frame)
                except OSError:
                    pass  # the cable's other end is full or down: lost, as on any cable
            due += each
        time.sleep(0.001)


if __name__ == "__main__":
    main()
