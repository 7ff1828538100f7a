#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the demonstration shows of the endpoint, and what it replays where it has no hosts.

usage: demo.py ready URL PID         waits until the appliance is ready; fails when the process PID ends before, or
                                     after a minute
       demo.py table URL SECONDS     a line of rates every second
       demo.py strangers URL PORT    how many packets of nobody arrived at a port
       demo.py free-port NUMBER      NUMBER if nobody listens there, else a free port
       demo.py capture FILE          a capture with packets of the three slices, and some of nobody
"""
import json
import os
import socket
import struct
import sys
import time
import urllib.error
import urllib.request


def fetch(url, path):
    with urllib.request.urlopen(url + path, timeout=5) as answer:
        return json.load(answer)


def ready(url, pid):
    end = time.monotonic() + 60
    while os.path.exists(f"/proc/{pid}/exe") and time.monotonic() < end:
        try:
            urllib.request.urlopen(url + "/readyz", timeout=5).close()
            return 0
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    return 1


def unclaimed(ports, name=None):
    return sum(sum(port["unclaimed_packets"].values()) for port in ports if name in (None, port["name"]))


def strangers(url, name):
    """The count now: the endpoint's snapshot may be a second old, so a newer one is awaited."""
    asked = time.time()
    while (answer := fetch(url, "/api/v1/ports"))["taken_unix_seconds"] <= asked:
        time.sleep(0.05)
    return unclaimed(answer["ports"], name)


def row(slices):
    cells = []
    for part in slices:
        cells.append(f"{part['rx_bits_per_second'] / 1e6:9.1f}{part['tx_bits_per_second'] / 1e6:9.1f}"
                     f"{sum(part['dropped_packets'].values()):9d}")
    return " |".join(cells)


def table(url, seconds):
    slices = fetch(url, "/api/v1/slices")["slices"]
    print("        " + " |".join(f"{part['name']:>27}" for part in slices) + " |     of", flush=True)
    print(" second " + " |".join("  Mbit/s in     out  dropped" for _ in slices) + " | nobody", flush=True)
    for second in range(1, seconds + 1):
        time.sleep(1)
        slices, ports = fetch(url, "/api/v1/slices")["slices"], fetch(url, "/api/v1/ports")["ports"]
        print(f"{second:7d} {row(slices)} |{unclaimed(ports):7d}", flush=True)


def free_port(wanted):
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
            except OSError:
                continue
    return wanted


def udp_frame(vlan, pcp, length):
    tag = struct.pack("!HH", 0x8100, pcp << 13 | vlan)
    address = bytes([10, vlan, 0, 1]), bytes([10, vlan, 0, 2])
    udp = struct.pack("!HHHH", 5004, 5004, 8 + length, 0) + bytes(length)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, *address)
    return bytes.fromhex("02000000000b02000000000a") + tag + b"\x08\x00" + ip + udp


def capture(path):
    frames = [udp_frame(10, 0, 1000), udp_frame(20, 0, 400), udp_frame(30, 5, 160), udp_frame(99, 0, 60)] * 16
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            file.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def main(arguments):
    match arguments:
        case ["ready", url, pid]:
            return ready(url, pid)
        case ["table", url, seconds]:
            table(url, int(seconds))
        case ["strangers", url, port]:
            print(strangers(url, port))
        case ["free-port", number]:
            print(free_port(int(number)))
        case ["capture", path]:
            capture(path)
        case _:
            print(__doc__, file=sys.stderr)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
