#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What runs in the virtual machine: does what the test on the host asks for, one line of JSON after the other.

A request is [name, argument...], the answer {"value": ...} or {"error": text}. The names are the Agent's methods.
"""
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "netns"))
import frames
import network

CHANNEL = "bulkhead"  # the name of the machine's serial port that leads to the test
PCI = pathlib.Path("/sys/bus/pci")
CONFIGURATION = "/run/appliance.toml"
LOG = "/run/appliance.log"
SECONDS = 20


class Agent:
    """Where a namespace is wanted, this stands for the machine's only one."""

    socket = staticmethod(socket.socket)

    def __init__(self):
        self.process = None
        self.wires = {}

    def prepare(self, hugepages, *modules):
        """Sets hugepages aside and loads modules of the kernel."""
        for module in modules:
            network.command("modprobe", module)
        pages = pathlib.Path("/proc/sys/vm/nr_hugepages")
        pages.write_text(str(hugepages))
        if int(pages.read_text()) < hugepages:
            raise RuntimeError(f"the kernel has not got {hugepages} hugepages")
        os.makedirs("/dev/hugepages", exist_ok=True)
        network.command("mount", "-t", "hugetlbfs", "hugepages", "/dev/hugepages", "-o", "mode=0755")
        network.command("ip", "link", "set", "lo", "up")

    def give_to_vfio(self, *addresses):
        """Binds PCI devices to vfio-pci, as an operator would."""
        for address in addresses:
            device = PCI / "devices" / address
            (device / "driver_override").write_text("vfio-pci")
            if (device / "driver").exists():
                (device / "driver/unbind").write_text(address)
            (PCI / "drivers_probe").write_text(address)
            if (device / "driver").resolve().name != "vfio-pci":
                raise RuntimeError(f"{address} could not be bound to vfio-pci")

    def device_of(self, driver):
        """The address of a PCI device that this driver of the kernel has."""
        return next((PCI / "drivers" / driver).glob("????:*")).name

    def start(self, program, configuration):
        """Starts the appliance; does not wait for it."""
        pathlib.Path(CONFIGURATION).write_text(configuration)
        with open(LOG, "wb") as log:
            self.process = subprocess.Popen([program, "run", CONFIGURATION], stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)

    def reload(self, configuration):
        """Lets the appliance read another configuration; does not wait for it."""
        pathlib.Path(CONFIGURATION).write_text(configuration)
        self.process.send_signal(signal.SIGHUP)

    def now(self):
        """The machine's clock, which is the one in the appliance's answers."""
        return time.time()

    def status(self):
        """The appliance's exit status, or null while it runs."""
        return self.process.poll()

    def log(self):
        return pathlib.Path(LOG).read_text(errors="replace") if os.path.exists(LOG) else ""

    def get(self, path):
        """[status, body] of one request to the appliance's endpoint; [0, why] where nobody listens there."""
        connection = http.client.HTTPConnection("127.0.0.1", 9180, timeout=SECONDS)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return [answer.status, answer.read().decode()]
        except OSError as error:
            return [0, str(error)]
        finally:
            connection.close()

    def stop(self):
        """Ends the appliance in order. Returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def run(self, *words, **options):
        """Runs a command to its end, as a namespace does."""
        return network.command(*words, **options)

    def output(self, *words):
        """What a command prints."""
        return self.run(*words).stdout

    def listen(self, *interfaces):
        """Opens raw sockets at interfaces of the kernel, for send() and receive()."""
        for interface in interfaces:
            network.quiet_interface(self, interface, 1500)
            self.wires[interface] = network.Wire(self, interface)

    def add_vlans(self, interface, *vids):
        """Lets the kernel add these VLANs' tags to what is sent out of an interface.

        A tag that stands in the frame already is none to the kernel's classifier: for a raw socket the network header
        begins behind it (since Linux 5.19: packet_parse_headers), and there flower looks for the tag.
        """
        for vid in vids:
            name = f"{interface}.{vid}"
            network.command("ip", "link", "add", "link", interface, "name", name, "type", "vlan", "id", str(vid))
            self.listen(name)

    def close_wires(self):
        while self.wires:
            self.wires.popitem()[1].close()

    def send(self, interface, *sent):
        """Sends frames, written in hex, out of an interface: to the appliance, where it has the other end."""
        for frame in map(bytes.fromhex, sent):
            tag = frames.tag(frame)
            vlan = self.wires.get(f"{interface}.{tag[0]}") if tag else None
            if vlan:
                vlan.send(frame[:12] + frame[16:])
            else:
                self.wires[interface].send(frame)

    def receive(self, interface, count):
        """The next frames that the appliance sends to an interface, in hex; fewer where no more come."""
        received = []
        while len(received) < count and (frame := self.wires[interface].receive()) is not None:
            received.append(frame.hex())
        return received


def channel():
    """The machine's end of the serial port of that name."""
    for name in pathlib.Path("/sys/class/virtio-ports").glob("*/name"):
        if name.read_text().strip() == CHANNEL:
            return open(f"/dev/{name.parent.name}", "r+b", buffering=0)
    raise RuntimeError(f"this machine has no serial port named {CHANNEL}")


def answer(agent, request):
    name, *arguments = json.loads(request)
    try:
        return {"value": getattr(agent, name)(*arguments)}
    except Exception as error:  # pylint: disable=broad-except  # whatever it was, the test is told
        traceback.print_exc()
        return {"error": f"{name}: {error}"}


def main():
    agent = Agent()
    with channel() as host:
        def say(value):
            left = memoryview(json.dumps(value).encode() + b"\n")
            while left:
                left = left[host.write(left):]
        say({"value": "ready"})
        for request in host:
            say(answer(agent, request))


if __name__ == "__main__":
    main()
