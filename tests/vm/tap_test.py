#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The appliance on net_tap devices, whose flow rules the kernel executes: what comes out does not depend on who steers.

In a virtual machine, because the kernel's flower classifier is wanted. One scenario, run for each way to steer that
there is, with the same outcome each time, to the frame. And the driver's own fault, step by step: it steers another
VLAN than it was told, the software check stops what comes, and the slice goes on in software.
"""
import json
import struct

import case
import appliance
import frames

# The kernel's part in executing rules, which a kernel with modules does not load by itself for DPDK.
MODULES = ["tun", "8021q", "sch_ingress", "sch_multiq", "cls_flower", "act_gact", "act_mirred", "act_skbedit"]
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
# DPDK 22.11's net_tap keeps the low four bits of a rule's VID, as it swaps the octets of the mask alone, and where none
# of these is set it asks the kernel for no VLAN (tap_flow.c, tap_flow_create_vlan).
MISTAKEN_VLAN = 100 & 0xF


def ports(flow_rules):
    text = '[appliance]\nworkers = 1\nmemory = "128MiB"\neal = ["--no-pci"]\n'
    for number, (port, interface) in enumerate(TAPS.items()):
        text += f"""
[[port]]
name       = "{port}"
device     = "net_tap{number},iface={interface}"
speed      = "1Gbps"
flow_rules = "{flow_rules}"
"""
    return text


def configuration(flow_rules):
    text = ports(flow_rules)
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
            tagged(udp(STRANGER, vlan, "192.0.2.2", "the driver's VLAN", 60), MISTAKEN_VLAN)]


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
        for interface in TAPS.values():
            cls.machine.call("add_vlans", interface, 100, MISTAKEN_VLAN)

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
        # The driver's VLAN came by its queue until the rules were next looked after, then by the shared one.
        stopped = metrics("isolation_violations_total", slice="by-vlan", port="left")
        self.assertGreaterEqual(stopped, 1)
        self.assertEqual(metrics("isolation_violations_total"), stopped)

    def test_rules_are_told_as_testpmd_reads_them(self):
        rules = {(rule["slice"], rule["port"]): rule for rule in self.box.json("/api/v1/rules")["rules"]}
        by_prefix = rules["by-prefix", "left"]
        self.assertEqual(by_prefix["where"], "hardware")
        self.assertEqual(len(by_prefix["testpmd"]), 1)
        self.assertRegex(by_prefix["testpmd"][0],
                         r"^flow create 0 ingress priority \d+ pattern eth dst is 02:00:00:00:02:0b / "
                         r"ipv4 dst spec 10.2.0.0 dst prefix 16 / end actions queue index \d+ / end$")


# For each slice its VLAN, and the one that the driver asks the kernel for (None: any).
VLAN_SLICES = {"vlan-5": (5, 5), "vlan-100": (100, MISTAKEN_VLAN), "vlan-16": (16, None)}
MISLED = ["vlan-100", "vlan-16"]  # whose queues get frames of MISTAKEN_VLAN
STATION = "02:00:00:00:04:{:02x}"  # of the slice of this VLAN
TIMES = 8


class VlanFault(case.Case):
    """Where the driver brings a slice another VLAN's frames, they do not enter it, and it goes on in software."""

    @classmethod
    def setUpClass(cls):
        cls.start(ports("auto") + "".join(f'''
[[slice]]
name = "{name}"
forward = "wire"
[[slice.flowspace]]
port = ["left", "right"]
vlan = {vid}
eth_dst = "{STATION.format(vid)}"
ethertype = "ipv4"
''' for name, (vid, _) in VLAN_SLICES.items()))
        cls.machine.call("listen", *TAPS.values())
        cls.addClassCleanup(cls.machine.call, "close_wires")
        cls.machine.call("add_vlans", TAPS["left"], MISTAKEN_VLAN, *[vid for vid, _ in VLAN_SLICES.values()])

    def send(self, name, vlan, text):
        """Sends a frame of that VLAN to a slice's station, and returns it."""
        frame = tagged(udp(STRANGER, STATION.format(VLAN_SLICES[name][0]), "192.0.2.2", text, 60), vlan)
        self.machine.call("send", TAPS["left"], frame.hex())
        return frame

    def own_frames_pass(self, text):
        """Some frames of each slice's own VLAN leave as they were sent, and nothing before them."""
        sent = [self.send(name, vid, f"{text} {turn}")
                for turn in range(TIMES) for name, (vid, _) in VLAN_SLICES.items()]
        received = self.machine.call("receive", TAPS["right"], len(sent))
        self.assertEqual(by_station(map(bytes.fromhex, received)), by_station(sent))

    def strangers_are_stopped(self, text):
        """One to each slice's station. What leaves next is what was sent behind them."""
        for name in VLAN_SLICES:
            self.send(name, MISTAKEN_VLAN, text)
        self.own_frames_pass(f"behind {text}")
        return self.box.settled()

    def own_queue_packets(self):
        """How many of each slice's packets came by its own queue at the left port."""
        self.box.settled()
        ports_of = {name: self.box.json(f"/api/v1/slices/{name}")["ports"] for name in VLAN_SLICES}
        return {name: port["rx_own_queue_packets"]
                for name, its_ports in ports_of.items() for port in its_ports if port["port"] == "left"}

    def rules(self, port):
        return {rule["slice"]: rule for rule in self.box.json("/api/v1/rules")["rules"] if rule["port"] == port}

    def kernels_vlans(self, port):
        """What the kernel was asked for: {queue: VLAN}."""
        shown = self.machine.call("output", "tc", "-json", "filter", "show", "dev", TAPS[port], "parent", "1:")
        options = [one["options"] for one in json.loads(shown) if "options" in one and one["protocol"] == "802.1Q"]
        return {one["actions"][0]["queue_mapping"]: one["keys"].get("vlan_id") for one in options}

    def test_a_rule_that_brings_another_vlan_is_given_up(self):
        before = self.rules("left")
        asked = {before[name]["queue"]: vlan for name, (_, vlan) in VLAN_SLICES.items()}
        self.assertEqual(self.kernels_vlans("left"), asked)
        self.own_frames_pass("before")
        self.assertEqual(self.own_queue_packets(), {"vlan-5": TIMES, "vlan-100": 0, "vlan-16": TIMES})

        metrics = self.strangers_are_stopped("stranger")
        violations = [({"slice": name, "port": "left"}, 1) for name in MISLED]
        self.assertCountEqual(metrics.nonzero("isolation_violations_total"), violations)
        self.assertEqual(metrics("port_unclaimed_packets_total"), 1)

        appliance.until(lambda: all(self.rules("left")[name]["where"] == "software" for name in MISLED),
                        "the slices are left to software")
        self.assertEqual(self.kernels_vlans("left"), {before["vlan-5"]["queue"]: 5})
        self.assertEqual(self.kernels_vlans("right"), asked)
        by_queue = self.own_queue_packets()
        metrics = self.strangers_are_stopped("stranger once more")
        self.assertCountEqual(metrics.nonzero("isolation_violations_total"), violations)
        self.assertEqual(metrics("port_unclaimed_packets_total"), 1 + len(VLAN_SLICES))
        self.assertEqual(self.own_queue_packets(), by_queue | {"vlan-5": by_queue["vlan-5"] + TIMES})
        for name in VLAN_SLICES:
            self.assertEqual(metrics("slice_received_packets_total", slice=name), 3 * TIMES)
            self.assertEqual(metrics("slice_transmitted_packets_total", slice=name, port="right"), 3 * TIMES)
        self.says_why(before)

    def says_why(self, before):
        said = self.machine.call("output", appliance.PROGRAM, "status", "--rules")
        rules = self.rules("left")
        for name in MISLED:
            why = f"1 packet of others came by its queue {before[name]['queue']}"
            self.assertEqual(rules[name]["why_not_hardware"], why)
            self.assertEqual(rules[name]["suspect_testpmd"], before[name]["testpmd"])
            self.assertIn(f"slice {name} at port left: software; not in hardware: {why}", said)
            self.assertIn(f"  suspect: {before[name]['testpmd'][0]}\n", said)
            self.assertIn(f"slice {name} at port left: {why}; it is left to software from now on; "
                          f"suspect rule: {before[name]['testpmd'][0]}\n", self.box.log())


if __name__ == "__main__":
    case.main()
