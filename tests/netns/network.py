#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hosts in network namespaces, on cables that end at the appliance's ports.

A Network owns everything it makes (namespaces, and with them the interfaces) and removes it on close(). The
appliance has a namespace of its own, so that several networks live side by side on one machine.

A cable is a veth pair: one end, named like the port, lies in the appliance's namespace, the other, eth0, in the
namespace of the cable, which is also the untagged host at that port. A tagged host has a namespace of its own and
is connected to that end by demo_host.py, which does what a VLAN interface would.
"""
import ctypes
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess

CLONE_NEWNET = 0x40000000
ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_IGNORE_OUTGOING = 23
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6

TAGGED_HOST = pathlib.Path(__file__).resolve().parents[2] / "control/demo_host.py"

_libc = ctypes.CDLL(None, use_errno=True)


def command(*words, check=True, timeout=60):
    """Runs a command to its end and returns it; what it printed is part of the exception when it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done


class Namespace:
    """A network namespace. Without IPv6 nothing in it speaks unasked, so that counts are exact."""

    def __init__(self, name, ipv6=False):
        self.name = name
        command("ip", "netns", "add", name)
        off = "0" if ipv6 else "1"
        self.run("sysctl", "-qw", f"net.ipv6.conf.all.disable_ipv6={off}", f"net.ipv6.conf.default.disable_ipv6={off}",
                 "net.ipv6.conf.default.router_solicitations=0", "net.ipv6.conf.default.addr_gen_mode=1",
                 "net.ipv6.conf.default.accept_ra=0")
        self.run("ip", "link", "set", "lo", "up")

    def run(self, *words, **options):
        """Runs a command in the namespace to its end."""
        return command("ip", "netns", "exec", self.name, *words, **options)

    def spawn(self, *words, **options):
        """Starts a command in the namespace; the process returned is the command itself."""
        return subprocess.Popen(["ip", "netns", "exec", self.name, *words], **options)

    def socket(self, *arguments):
        """A socket that belongs to the namespace, for this process."""
        with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as there:
            _setns(there)
            try:
                return socket.socket(*arguments)
            finally:
                _setns(home)

    def close(self):
        for pid in command("ip", "netns", "pids", self.name, check=False).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        command("ip", "netns", "delete", self.name, check=False)


def _setns(file):
    if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def quiet_interface(namespace, interface, mtu):
    """Brings an interface up such that frames pass as they are: no offload of tags, checksums or segments."""
    namespace.run("ethtool", "-K", interface, "tx", "off", "tso", "off", "gso", "off", "gro", "off", check=False)
    namespace.run("ethtool", "-K", interface, "rx", "off", "rxvlan", "off", "txvlan", "off", check=False)
    namespace.run("ip", "link", "set", interface, "mtu", str(mtu), "up")


class Host:
    """One station: an interface eth0 in a namespace."""

    def __init__(self, namespace, address=None):
        self.namespace = namespace
        self.run = namespace.run
        self.spawn = namespace.spawn
        self.address = None
        if address:
            self.address = address.split("/")[0]
            self.run("ip", "address", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))

    @property
    def mac(self):
        """The address of eth0, as text."""
        return re.search(r"link/ether (\S+)", self.run("ip", "link", "show", "eth0").stdout).group(1)

    def can_ping(self, address, count=3, size=56):
        """Whether all of `count` echo requests were answered."""
        done = self.run("ping", "-n", "-i", "0.1", "-W", "2", "-c", str(count), "-s", str(size), "-M", "do", address,
                        check=False)
        return f" {count} received" in done.stdout

    def neighbour(self, address):
        """The MAC address that ARP or neighbour discovery found for an address."""
        found = re.search(r"lladdr (\S+)", self.run("ip", "neighbour", "show", address).stdout)
        return found.group(1) if found else None

    def wire(self):
        """Raw frames in and out of eth0."""
        return Wire(self.namespace)


class Wire:
    """Raw frames at an interface. The kernel takes the outer tag off a received frame; it is put back here."""

    def __init__(self, namespace, interface="eth0"):
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((interface, 0))

    def send(self, *frames):
        for frame in frames:
            self.socket.send(frame)

    def receive(self, timeout=10.0):
        """The next frame, or None when none came in time."""
        self.socket.settimeout(timeout)
        try:
            frame, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(20))
        except (TimeoutError, BlockingIOError):
            return None
        for level, kind, data in ancillary:
            if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data[:20])
                if status & TP_STATUS_VLAN_VALID:
                    tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                    frame = frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
        return frame

    def receive_until(self, last, timeout=10.0):
        """All frames up to `last`, without it. Raises where it does not come: then nothing is proved."""
        frames = []
        while (frame := self.receive(timeout)) is not None:
            if frame == last:
                return frames
            frames.append(frame)
        raise AssertionError(f"the last frame did not arrive; before it came {len(frames)} frames")

    def close(self):
        self.socket.close()


class Network:
    """The appliance's namespace, the cables and the hosts."""

    def __init__(self, ipv6=False):
        _remove_leftovers()
        self.name = f"bulkhead-test-{os.getpid()}"
        self.ipv6 = ipv6
        self.namespaces = []
        self.appliance = self._namespace("box", ipv6=False)
        self.cables = {}
        self.relays = []

    def _namespace(self, name, ipv6):
        namespace = Namespace(f"{self.name}-{name}", ipv6)
        self.namespaces.append(namespace)
        return namespace

    def cable(self, port, mtu=1500):
        """Lays a cable to a port of the appliance. Its far end is a silent station without address."""
        self.cables[port] = Host(self._namespace(port, ipv6=False))
        self.lay(port, mtu)
        return self.cables[port]

    def lay(self, port, mtu=1500):
        """Lays the cable again, where one of its ends was deleted."""
        far = self.cables[port].namespace
        self.appliance.run("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", far.name)
        quiet_interface(self.appliance, port, mtu)
        quiet_interface(far, "eth0", mtu)

    def host(self, port, vlan=None, address=None, mac=None):
        """A host at the cable of a port: untagged on the cable itself, or tagged with an interface of its own."""
        far = self.cables[port].namespace
        if vlan is None:
            if self.ipv6:
                far.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
            if mac:
                far.run("ip", "link", "set", "eth0", "address", mac)
            return Host(far, address)
        namespace = self._namespace(f"{port}-{vlan}", self.ipv6)
        relay = subprocess.Popen([TAGGED_HOST, namespace.name, far.name, str(vlan), *(["--mac", mac] if mac else [])],
                                 stdout=subprocess.PIPE, text=True)
        self.relays.append(relay)
        if relay.stdout.readline() != "ready\n":
            raise RuntimeError(f"the tagged host at {port}, VLAN {vlan}, did not come up")
        return Host(namespace, address)

    def close(self):
        for relay in self.relays:
            relay.kill()
            relay.wait()
            relay.stdout.close()
        # Before the namespaces: a host's dying TCP connection can keep its namespace alive for minutes.
        for port in self.cables:
            self.appliance.run("ip", "link", "delete", port, check=False)
        for namespace in reversed(self.namespaces):
            namespace.close()


def _remove_leftovers():
    """Removes what a run left that was killed before it could clean up."""
    for line in command("ip", "netns", "list", check=False).stdout.splitlines():
        found = re.match(r"bulkhead-test-(\d+)-", line)
        if found and not os.path.exists(f"/proc/{found.group(1)}"):
            command("ip", "netns", "delete", line.split()[0], check=False)
