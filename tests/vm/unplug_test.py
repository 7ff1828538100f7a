#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A PCI card is pulled from under the appliance, and put back: the kernel gets it, and then the appliance does.

Two cards behind slots of their own, in a virtual machine; pulling one is what its hot-plug controller makes of a pressed
button, so that it takes the kernel five seconds.
"""
import unittest

import case
import appliance
import frames
import pci_test
from pci_test import A, B, SIDES

DEVICES = {"e1000e": "e1000e", "virtio": "virtio-net-pci,disable-legacy=on,iommu_platform=on"}
SECONDS = 60
VLAN = 100

cables = {}


def card(driver, side):
    """The n-th slot has the n-th bus."""
    return f"{driver}-{side}", f"0000:{1 + list(DEVICES).index(driver) * 2 + SIDES.index(side):02x}:00.0"


def setUpModule():
    def arguments(directory):
        for driver, device in DEVICES.items():
            for side in SIDES:
                name, address = card(driver, side)
                cables[name] = pci_test.Cable(directory, name)
                unittest.addModuleCleanup(cables[name].socket.close)
                bus = int(address.split(":")[1])
                yield from ("-netdev", cables[name].netdev())
                yield from ("-device", f"pcie-root-port,id=slot-{name},chassis={bus},addr={0x10 + bus:#x}")
                yield from ("-device", f"{device},id={name},netdev=cable-{name},bus=slot-{name}")
    vm = case.boot(arguments)
    vm.call("prepare", 120, "vfio_pci")
    vm.call("give_to_vfio", *[card(driver, side)[1] for driver in DEVICES for side in SIDES])


def configuration(driver):
    ports = "".join(f'[[port]]\nname = "{side}"\ndevice = "{card(driver, side)[1]}"\nspeed = "1Gbps"\n' for side in SIDES)
    return f'[appliance]\nworkers = 1\nmemory = "96MiB"\n{ports}' \
           f'[[slice]]\nname = "same"\nforward = "wire"\nflowspace = [{{port = ["left", "right"], vlan = {VLAN}}}]\n'


class Unplug:
    """What each driver's class inherits."""

    DRIVER = ""

    @classmethod
    def setUpClass(cls):
        cls.start(configuration(cls.DRIVER))

    def is_there(self, address):
        return address in self.machine.call("output", "ls", "/sys/bus/pci/devices").split()

    def pass_on(self, text):
        left, right = (cables[f"{self.DRIVER}-{side}"] for side in SIDES)
        for way_in, way_out, ends in ((left, right, (A, B)), (right, left, (B, A))):
            frame = frames.frame(*ends, text, vlan=VLAN, size=64)
            way_in.send(frame)
            self.assertEqual(way_out.receive(1), [frame])

    def test_a_card_is_pulled_and_put_back(self):
        name, address = card(self.DRIVER, "right")
        self.pass_on("before")
        self.machine.ask_monitor("device_del", id=name)
        appliance.until(lambda: not self.is_there(address), "the kernel has taken the card away", SECONDS)
        metrics = self.box.metrics()
        self.assertEqual(metrics("port_in_service", port="right"), 0)
        self.assertEqual(metrics("port_removals_total", port="right"), 1)
        self.assertIn("port right is out of service: removed", self.box.get("/readyz")[1])
        cables[f"{self.DRIVER}-left"].send(*[frames.frame(A, B, "nowhere", vlan=VLAN, size=64)] * 5)
        appliance.until(lambda: self.box.metrics()("slice_dropped_packets_total", reason="transmit_failed") == 5,
                        "what is sent there is dropped")

        driver, *options = DEVICES[self.DRIVER].split(",")
        self.machine.ask_monitor("device_add", driver=driver, id=name, netdev=f"cable-{name}", bus=f"slot-{name}",
                                 **dict(option.split("=") for option in options))
        appliance.until(lambda: self.is_there(address), "the kernel sees the card", SECONDS)
        self.machine.call("give_to_vfio", address)
        appliance.until(lambda: self.box.metrics()("port_in_service", port="right") == 1, "it is in service", SECONDS)
        appliance.until(lambda: self.box.get("/readyz")[0] == 200, "all is well", SECONDS)
        self.pass_on("after")
        self.box.settled()


class E1000e(Unplug, case.Case):
    DRIVER = "e1000e"


class Virtio(Unplug, case.Case):
    DRIVER = "virtio"


if __name__ == "__main__":
    case.main()
