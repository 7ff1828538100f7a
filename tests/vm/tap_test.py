#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The appliance on net_tap devices, whose flow rules the kernel executes: what comes out does not depend on who steers.

In a virtual machine, because the kernel's flower classifier is wanted. One scenario, run for each way to steer that
there is, with the same outcome each time, to the frame.
"""
import struct

import case
import frames

# The kernel's part in executing rules, which a kernel with modules does not load by itself for DPDK.
MODULES = ["tun", "sch_ingress", "sch_multiq", "cls_flower", "act_gact", "act_mirred", "act_skbedit"]
TAPS = {"left": "dtap0", "right": "dtap1"}
SIZES = [64, 65, 128, 512, 1024, 1514]
WINDOW = 32  # frames on their way at once: a tap holds 500
ROUNDS = 6

# A slice's stations, at the left port and at the right one.
STATIONS = {"by-mac": ("02:00:00:00:01:0a", "02:00:00:00:01:0b"),
            "by-prefix": ("02:00:00:00:02:0a", "02:00:00:00:02:0b"),
            "by-vlan": ("02:00:00:00:03:0a", "02:00:00:00:03:0b")}
FIELDS = {"by-mac": ("", ""), "by-prefix": ('ip_dst = "10.2.0.0/16"', 'ip_dst = "10.1.0.0/16"'),
          "by-vlan": ('vlan = 100\nethertype = "ipv4"', 'vlan = 100\nethertype = "ipv4"')}
STRANGER = "02:00:00:00:09:0b"


def configuration(flow_rules):
    text = '[appliance]\nworkers = 1\nmemory = "128MiB"\neal = ["--no-pci"]\n'
    for number, (port, interface) in enumerate(TAPS.items()):
        text += f"""
[[port]]
name       = "{port}"
device     = "net_tap{number},iface={interface}"
speed      = "1Gbps"
flow_rules = "{flow_rules}"
"""
    for name, (left, right) in STATIONS.items():
        text += f'\n[[slice]]\nname = "{name}"\nforward = "wire"\n'
        for port, destination, field in (("left", right, FIELDS[name][0]), ("right", left, FIELDS[name][1])):
            text += f'[[slice.flowspace]]\nport = "{port}"\neth_dst = "{destination}"\n{field}\n'
    return text


def udp(source, destination, address, text, size):
    """A frame with a UDP datagram to an IPv4 address. No checksums: nobody on its way reads them."""
    data = text.encode().ljust(size - 14 - 20 - 8, b"\0")
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]),
                       bytes(map(int, address.split("."))))
    return (frames.mac_bytes(destination) + frames.mac_bytes(source) + b"\x08\x00" + head +
            struct.pack("!HHHH", 1024, 53, 8 + len(data), 0) + data)


def tagged(frame, vlan):
    return frame[:12] + struct.pack("!HH", 0x8100, vlan) + frame[12:]


def slices_frames(side, turn):
    """What the slices' stations at one side send in one turn, one frame of each slice after the other."""
    size = SIZES[turn % len(SIZES)]
    here, there = side, 1 - side
    for number in range(WINDOW // len(STATIONS)):
        text = f"{turn} {number}"
        for name, stations in STATIONS.items():
            ends = stations[here], stations[there]
            if name == "by-prefix":
                yield udp(*ends, f"10.{2 - side}.0.{number}", text, size)
            elif name == "by-vlan":
                yield tagged(udp(*ends, "192.0.2.2", text, size - 4), 100)
            else:
                yield frames.frame(*ends, text, size=size)


def strangers():
    """What belongs to no slice, though each frame is near to one's."""
    _, prefix = STATIONS["by-prefix"]
    _, vlan = STATIONS["by-vlan"]
    return [frames.frame(STRANGER, STRANGER, "unknown station"),
            udp(STRANGER, prefix, "10.9.0.1", "another prefix", 64),
            frames.frame(STRANGER, prefix, "no IP"),
            frames.frame(STRANGER, vlan, "untagged"),
            frames.frame(STRANGER, vlan, "another VLAN", vlan=101),
            # What DPDK 22.11's net_tap takes for VLAN 100.
            tagged(udp(STRANGER, vlan, "192.0.2.2", "the driver's VLAN", 64), 4)]


def by_station(arrived):
    """The frames by destination: within a slice and a direction their order is kept, between slices it is not."""
    stations = {}
    for frame in arrived:
        stations.setdefault(frame[:6], []).append(frame)
    return stations


def setUpModule():
    case.boot().call("prepare", 120, *MODULES)


class Scenario:
    """The same for each way to steer."""

    FLOW_RULES = ""

    def check_steering(self, metrics, in_slice):
        """By which way packets came, `in_slice` of each slice at each port."""

    @classmethod
    def setUpClass(cls):
        cls.start(configuration(cls.FLOW_RULES))
        cls.machine.call("listen", *TAPS.values())
        cls.addClassCleanup(cls.machine.call, "close_wires")

    def pass_on(self, side, offered):
        """Sends frames to one port and returns as many that left by the other, each as it was sent."""
        ways = list(TAPS.values())
        self.machine.call("send", ways[side], *[frame.hex() for frame in offered])
        return [bytes.fromhex(frame) for frame in self.machine.call("receive", ways[1 - side], len(offered))]

    def test_every_frame_leaves_or_is_accounted_for(self):
        nobodys = strangers()
        for turn in range(ROUNDS):
            self.machine.call("send", TAPS["left"], *[frame.hex() for frame in nobodys])
            for side in (0, 1):
                offered = list(slices_frames(side, turn))
                self.assertEqual(by_station(self.pass_on(side, offered)), by_station(offered))
        metrics = self.box.settled()
        in_slice = ROUNDS * (WINDOW // len(STATIONS))
        for name in STATIONS:
            for port in TAPS:
                self.assertEqual(metrics("slice_received_packets_total", slice=name, port=port), in_slice)
                self.assertEqual(metrics("slice_transmitted_packets_total", slice=name, port=port), in_slice)
        self.assertEqual(metrics.nonzero("slice_dropped_packets_total"), [])
        # Nobody's, whether the shared queue had them or a slice's own.
        stopped = metrics("isolation_violations_total")
        self.assertEqual(metrics("port_unclaimed_packets_total", port="left", reason="not_in_flowspace") + stopped,
                         ROUNDS * len(nobodys))
        self.assertEqual(metrics("port_unclaimed_packets_total") + stopped, ROUNDS * len(nobodys))
        self.check_steering(metrics, in_slice)
        for port in TAPS:
            self.assertEqual(metrics("port_transmitted_packets_total", port=port), in_slice * len(STATIONS))
        self.assertEqual(metrics.nonzero("port_missed_packets_total"), [])


class Software(Scenario, case.Case):
    FLOW_RULES = "software"

    def check_steering(self, metrics, in_slice):
        self.assertEqual(metrics("isolation_violations_total"), 0)

    def test_all_steering_is_said_to_be_software(self):
        metrics = self.box.metrics()
        for name in STATIONS:
            for port in TAPS:
                self.assertEqual(metrics("slice_flow_rules", slice=name, port=port, where="software"), 1)
        self.assertEqual(metrics("slice_flow_rules", where="hardware"), 0)


class Hardware(Scenario, case.Case):
    FLOW_RULES = "auto"

    def check_steering(self, metrics, in_slice):
        for name in ("by-mac", "by-prefix"):
            slice_ports = self.box.json(f"/api/v1/slices/{name}")["ports"]
            # All by the slice's own queues: the demultiplexer had nothing to do for it.
            self.assertEqual([port["rx_own_queue_packets"] for port in slice_ports], [in_slice] * len(TAPS), name)
            self.assertEqual(metrics("isolation_violations_total", slice=name), 0)

    def test_rules_are_told_as_testpmd_reads_them(self):
        rules = {(rule["slice"], rule["port"]): rule for rule in self.box.json("/api/v1/rules")["rules"]}
        by_prefix = rules["by-prefix", "left"]
        self.assertEqual(by_prefix["where"], "hardware")
        self.assertEqual(len(by_prefix["testpmd"]), 1)
        self.assertRegex(by_prefix["testpmd"][0],
                         r"^flow create 0 ingress priority \d+ pattern eth dst is 02:00:00:00:02:0b / "
                         r"ipv4 dst spec 10.2.0.0 dst prefix 16 / end actions queue index \d+ / end$")


if __name__ == "__main__":
    case.main()
