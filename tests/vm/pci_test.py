#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The appliance on PCI devices under DPDK's own drivers: every frame is accounted for, and a cable may be pulled.

Two devices of each driver, given to vfio-pci in a virtual machine with an IOMMU. Their cables end in this process,
where one datagram of a socket is one frame.
"""
import socket
import unittest

import case
import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"
SPANNING_TREE = "01:80:c2:00:00:00"
SIDES = ("left", "right")
# QEMU's devices, virtio with what an IOMMU asks of it; and the number on the bus of the left one of two.
DEVICES = {"virtio": ("virtio-net-pci,disable-legacy=on,iommu_platform=on", 0x10), "e1000e": ("e1000e", 0x12),
           "vmxnet3": ("vmxnet3", 0x14)}

SIZES = [64, 65, 128, 512, 1024, 1518]  # with a tag, without frame check sequence
ROUNDS = 2 * len(SIZES)
BURST = 8  # frames of a slice that are sent at once; of three slices, fewer than any device's ring holds

SLICES = """
[[slice]]
name = "same"
forward = "wire"
[[slice.flowspace]]
port = ["left", "right"]
vlan = 100

[[slice]]
name = "other"
forward = "wire"
[[slice.flowspace]]
port = "left"
vlan = 200
[[slice.flowspace]]
port = "right"
vlan = "untagged"

[[slice]]
name = "switched"
forward = "switch"
[[slice.flowspace]]
port = ["left", "right"]
vlan = 300
"""
NAMES = ("same", "other", "switched")


class Cable:
    """The far end of a device's cable, a pair of datagram sockets. Where one is full its sender waits, QEMU too."""

    SECONDS = 20

    def __init__(self, directory, name):
        self.name = name
        self.here = f"{directory}/{name}.test"
        self.there = f"{directory}/{name}.qemu"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.here)
        self.socket.settimeout(self.SECONDS)

    def netdev(self):
        """QEMU's argument for its end."""
        ends = f"local.type=unix,local.path={self.there},remote.type=unix,remote.path={self.here}"
        return f"dgram,id=cable-{self.name},{ends}"

    def send(self, *offered):
        for frame in offered:
            self.socket.sendto(frame, self.there)

    def receive(self, count):
        """That many frames; raises where fewer come."""
        arrived = []
        while len(arrived) < count:
            try:
                arrived.append(self.socket.recv(65536))
            except TimeoutError:
                raise AssertionError(f"{self.name}: of {count} frames {len(arrived)} arrived") from None
        return arrived

    def receive_until(self, last):
        """All frames up to `last`, with it."""
        arrived = self.receive(1)
        while arrived[-1] != last:
            arrived += self.receive(1)
        return arrived


cables = {}


def address(driver, side):
    return f"0000:00:{DEVICES[driver][1] + SIDES.index(side):02x}.0"


def setUpModule():
    def arguments(directory):
        for driver, (device, _) in DEVICES.items():
            for side in SIDES:
                name = f"{driver}-{side}"
                cables[name] = Cable(directory, name)
                unittest.addModuleCleanup(cables[name].socket.close)
                slot = address(driver, side).split(":")[2]
                yield from ("-netdev", cables[name].netdev())
                yield from ("-device", f"{device},id={name},netdev=cable-{name},addr={slot}")
    vm = case.boot(arguments)
    vm.call("prepare", 120, "vfio_pci")
    vm.call("give_to_vfio", *[address(driver, side) for driver in DEVICES for side in SIDES])


def configuration(driver, eal="", speed='speed = "1Gbps"'):
    ports = "".join(f"""
[[port]]
name   = "{side}"
device = "{address(driver, side)}"
{speed}
""" for side in SIDES)
    return f'[appliance]\nworkers = 1\nmemory = "96MiB"\neal = [{eal}]\n{ports}{SLICES}'


def on_wire(slice_name, side, ends, text, size=64):
    """A frame of a slice as it is on the cable of that side."""
    vlan = {"same": 100, "other": 200 if side == 0 else None, "switched": 300}[slice_name]
    return frames.frame(*ends, text, vlan=vlan, size=size if vlan else size - 4)


class Device(case.Case):
    """Tests' common part: an appliance on two devices of one driver, and their cables."""

    DRIVER = ""
    OPTIONS = {}

    @classmethod
    def setUpClass(cls):
        cls.start(configuration(cls.DRIVER, **cls.OPTIONS))

    def pass_on(self, driver, side, text, size=64, dropped=()):
        """Sends frames of all slices into one side, behind those to be dropped. They come out of the other, as their
        slices have them there and in their order; of different slices, one may overtake the other."""
        way_in, way_out = (cables[f"{driver}-{SIDES[which]}"] for which in (side, 1 - side))
        ends = (A, B) if side == 0 else (B, A)
        sent, expected = ([on_wire(name, which, ends, f"{name} {text} {number}", size)
                           for number in range(BURST) for name in NAMES] for which in (side, 1 - side))
        way_in.send(*dropped, *sent)

        def by_slice(some):
            return {name: [frame for frame in some if frames.payload(frame).startswith(name)] for name in NAMES}
        self.assertEqual(by_slice(way_out.receive(len(expected))), by_slice(expected))

    def every_frame(self):
        """Frames of all sizes in both directions, and the appliance's own account of each."""
        for turn in range(ROUNDS):
            size = SIZES[turn % len(SIZES)]
            for side, ends in enumerate(((A, B), (B, A))):
                self.pass_on(self.DRIVER, side, str(turn), size, dropped=[
                    frames.frame(*ends, "of nobody's VLAN", vlan=400, size=size),
                    frames.frame(ends[0], SPANNING_TREE, "goes no further", vlan=300, size=size)])
        metrics = self.box.settled()
        for port in SIDES:
            for name in NAMES:
                mine = {"slice": name, "port": port}
                reserved = ROUNDS if name == "switched" else 0
                self.assertEqual(metrics("slice_received_packets_total", **mine), ROUNDS * BURST + reserved)
                self.assertEqual(metrics("slice_transmitted_packets_total", **mine), ROUNDS * BURST)
            self.assertEqual(metrics("port_received_packets_total", port=port), ROUNDS * (BURST * len(NAMES) + 2))
            self.assertEqual(metrics("port_transmitted_packets_total", port=port), ROUNDS * BURST * len(NAMES))
            self.assertEqual(metrics("port_unclaimed_packets_total", port=port, reason="not_in_flowspace"), ROUNDS)
        self.assertEqual(metrics.nonzero("slice_dropped_packets_total"),
                         [({"slice": "switched", "reason": "reserved_address"}, 2 * ROUNDS)])
        self.assertEqual(metrics("port_unclaimed_packets_total"), 2 * ROUNDS)
        for lost in ("port_missed_packets_total", "port_transmit_failed_packets_total", "isolation_violations_total"):
            self.assertEqual(metrics.nonzero(lost), [])


class OnDriver:
    """What each driver's class inherits. The tests run in the order of their names; counts start with the first."""

    def test_1_every_frame_is_accounted_for(self):
        self.every_frame()

    def test_2_all_steering_is_said_to_be_software(self):
        self.assertEqual({(rule["slice"], rule["port"], rule["hardware"], rule["mark"], rule["software"])
                          for rule in self.box.json("/api/v1/rules")["rules"]},
                         {(name, port, 0, 0, 1) for name in NAMES for port in SIDES})
        metrics = self.box.metrics()
        self.assertEqual({(labels["slice"], labels["port"], labels["where"], value)
                          for labels, value in metrics.nonzero("slice_flow_rules")},
                         {(name, port, "software", 1) for name in NAMES for port in SIDES})

    def await_link(self, up):
        appliance.until(lambda: self.box.metrics()("port_link_up", port="right") == up, f"port_link_up is {up}")
        appliance.until(lambda: (self.box.get("/readyz")[0] == 200) == bool(up), f"ready is {up}")

    def test_3_a_pulled_cable(self):
        left, right = (cables[f"{self.DRIVER}-{side}"] for side in SIDES)

        def left_of_same(metrics):
            return metrics("slice_received_packets_total", slice="same", port="left")

        before = self.box.settled()
        self.addCleanup(self.machine.set_link, right.name, True)
        self.machine.set_link(right.name, False)
        self.await_link(0)
        self.assertIn("port right has no link", self.box.get("/readyz")[1])
        self.assertEqual(self.box.metrics()("port_link_up", port="left"), 1)
        left.send(*[on_wire("same", 0, (A, B), f"no way {number}") for number in range(BURST)])
        appliance.until(lambda: left_of_same(self.box.metrics()) == left_of_same(before) + BURST, "they are received")
        self.box.settled()

        self.machine.set_link(right.name, True)
        self.await_link(1)
        # A device may have kept frames and send them now.
        again = on_wire("same", 0, (A, B), "again")
        left.send(again)
        right.receive_until(again)
        for side in (0, 1):
            self.pass_on(self.DRIVER, side, "after all")
        self.box.settled()


class Virtio(OnDriver, Device):
    DRIVER = "virtio"


class E1000e(OnDriver, Device):
    DRIVER = "e1000e"


class Vmxnet3(OnDriver, Device):
    DRIVER = "vmxnet3"


class OrdinaryPages(Device):
    """Where the system has no hugepages, devices find packets all the same, through the IOMMU."""

    DRIVER = "e1000e"
    OPTIONS = {"eal": '"--no-huge"'}

    def test_every_frame_is_accounted_for(self):
        self.assertIn("packets in ordinary pages", self.box.log())
        self.every_frame()


class NegotiatedSpeed(Device):
    """Of a device that has no link yet when it starts, and none again later."""

    DRIVER = "e1000e"
    OPTIONS = {"speed": ""}

    def test_it_is_what_the_device_reports(self):
        def ports():
            return {port["name"]: (port["link_up"], port["speed_bits_per_second"])
                    for port in self.box.json("/api/v1/ports")["ports"]}
        self.assertEqual(ports(), {"left": (True, 10**9), "right": (True, 10**9)})
        self.addCleanup(self.machine.set_link, "e1000e-right", True)
        self.machine.set_link("e1000e-right", False)
        appliance.until(lambda: not ports()["right"][0], "the right port has no link")
        self.assertEqual(ports(), {"left": (True, 10**9), "right": (False, 10**9)})
        self.machine.set_link("e1000e-right", True)
        appliance.until(lambda: ports()["right"][0], "the right port has a link")
        self.pass_on(self.DRIVER, 0, "on a negotiated link")


class KernelsDevice(case.Unstarted):
    def test_it_is_refused_with_the_remedy(self):
        """The machine's own serial port, which its kernel's driver has."""
        device = self.machine.call("device_of", "virtio-pci")
        said = self.refused(configuration("virtio").replace(address("virtio", "left"), device), 3)
        self.assertIn(f"port left (device {device}): the kernel's driver virtio-pci has it; give it to DPDK", said)


class Reload(Device):
    DRIVER = "virtio"

    def test_ports_move_to_other_devices_and_back(self):
        for generation, driver in enumerate(("e1000e", "vmxnet3", "virtio", "e1000e"), 1):
            before = self.box.metrics()("config_generation")
            self.machine.call("reload", configuration(driver))
            appliance.until(lambda: self.box.metrics()("config_generation") == before + 1, f"{driver} is in force")
            for side in (0, 1):
                self.pass_on(driver, side, f"{driver} {generation}")
        self.box.settled()


if __name__ == "__main__":
    case.main()
