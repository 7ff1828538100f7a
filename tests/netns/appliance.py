#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One running appliance in a network, and a test case that owns both."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import network

PROGRAM = os.environ.get("BULKHEAD_PROGRAM") or str(
    pathlib.Path(__file__).resolve().parents[2] / "build/release/control/bulkhead")
# Sanitizers slow the appliance down; what it promises in seconds holds for the release.
SLOWNESS = float(os.environ.get("BULKHEAD_SLOWNESS", "1"))


def until(condition, what, seconds=20.0):
    """Waits until the condition holds and returns its value; fails, saying what was awaited, when it never does."""
    end = time.monotonic() + seconds * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.02)


class Metrics:
    """One scrape of /metrics."""

    LINE = re.compile(r"^bulkhead_(\w+?)(?:\{(.*)\})? (\S+)$")
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.samples = []
        for line in text.splitlines():
            found = self.LINE.match(line)
            if found:
                labels = dict(self.LABEL.findall(found.group(2) or ""))
                self.samples.append((found.group(1), labels, float(found.group(3))))

    def __call__(self, name, **labels):
        """The sum over all series of that name that carry these labels."""
        return sum(value for series, have, value in self.samples
                   if series == name and labels.items() <= have.items())

    def nonzero(self, name):
        """(labels, value) of every series of that name that is not zero."""
        return [(labels, value) for series, labels, value in self.samples if series == name and value]

    def missing(self):
        """Conservation: packets that came in and are neither out, nor queued, nor dropped under some reason.

        Returns (at the ports, in the slices); both are zero when every packet is accounted for.
        """
        ports = self("port_received_packets_total") - self("slice_received_packets_total") \
            - self("port_unclaimed_packets_total") - self("isolation_violations_total")
        slices = self("slice_received_packets_total") + self("slice_replicated_packets_total") \
            - self("slice_transmitted_packets_total") - self("slice_dropped_packets_total") \
            - self("slice_queued_packets") - self("slice_input_queued_packets")
        return int(ports), int(slices)


class Appliance:
    """`bulkhead run` on a configuration made of the network's cables and the slices given."""

    def __init__(self, net, directory, port_options=""):
        self.net = net
        self.directory = pathlib.Path(directory)
        self.file = self.directory / "appliance.toml"
        self.log = self.directory / "log"
        self.socket = self.directory / "control.sock"
        self.port_options = port_options
        self.speed = "10Gbps"
        self.eal = ""
        self.process = None

    def write(self, slices, listen="127.0.0.1:9180"):
        """Writes the configuration file; a running appliance reads it again on SIGHUP."""
        text = f"""
[appliance]
workers = 1
memory  = "128MiB"
eal     = ["--no-pci", "--file-prefix={self.net.name}"{self.eal}]

[stats]
listen = "{listen}"
"""
        for number, port in enumerate(self.net.cables):
            text += f"""
[[port]]
name   = "{port}"
device = "net_af_packet{number},iface={port}{self.port_options}"
speed  = "{self.speed}"
"""
        self.file.write_text(text + slices)

    def start(self, slices, **options):
        """Starts on a fresh file and waits until it is ready."""
        self.write(slices, **options)
        with self.log.open("wb") as log:
            self.process = self.net.appliance.spawn(PROGRAM, "run", str(self.file), "--socket", str(self.socket),
                                                    stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        until(self.is_ready, "the appliance is ready", 30)

    def command(self, *words, **options):
        """Runs one of the commands that talk to the running appliance; returns it when it has ended."""
        return subprocess.run([PROGRAM, *map(str, words), "--socket", str(self.socket)], capture_output=True, text=True,
                              check=False, timeout=60 * SLOWNESS, **options)

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the appliance ended with exit status {self.process.returncode}")
        try:
            return self.get("/readyz")[0] == 200
        except OSError:
            return False

    def get(self, path):
        """(status, body) of one request to the endpoint."""
        connection = http.client.HTTPConnection("127.0.0.1", 9180, timeout=10)
        connection.sock = self.net.appliance.socket()
        connection.sock.settimeout(10)
        try:
            connection.sock.connect(("127.0.0.1", 9180))
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def metrics(self):
        return Metrics(self.get("/metrics")[1])

    def json(self, path):
        return json.loads(self.get(path)[1])

    def settled(self):
        """The metrics, counted after this call, once every packet is accounted for; fails where some never are."""
        asked = time.time()

        def all_accounted_for():
            if self.json("/api/v1/ports")["taken_unix_seconds"] <= asked:
                return None
            metrics = self.metrics()
            return metrics if metrics.missing() == (0, 0) else None
        return until(all_accounted_for, "received = transmitted + queued + dropped")

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        """Ends in order, as the service manager would. Returns (exit status, seconds it took)."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20 * SLOWNESS)
        return status, time.monotonic() - begin

    def close(self):
        """Every test ends with an orderly stop, so that a sanitizer has its last word; kills where that fails."""
        if self.process is None or self.process.poll() is not None:
            return
        try:
            status, _ = self.stop()
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        if status != 0:
            raise AssertionError(f"the appliance stopped with exit status {status}")


class Case(unittest.TestCase):
    """A test with a network and an appliance of its own. Whatever happens, both are gone afterwards."""

    IPV6 = False

    def setUp(self):
        directory = tempfile.mkdtemp(prefix="bulkhead-test-")
        self.addCleanup(shutil.rmtree, directory)
        self.net = network.Network(self.IPV6)
        self.addCleanup(self.net.close)
        self.box = Appliance(self.net, directory)
        self.addCleanup(self._show_log_of_failure)
        self.addCleanup(self._remove_runtime_folder)
        self.addCleanup(self.box.close)

    def wires(self, *names):
        """Wires at new cables with these names, closed at the test's end."""
        wires = [self.net.cable(name).wire() for name in names]
        for wire in wires:
            self.addCleanup(wire.close)
        return wires

    def _remove_runtime_folder(self):
        """DPDK's, which stays where a test killed the appliance."""
        shutil.rmtree(f"/run/dpdk/{self.net.name}", ignore_errors=True)

    def _show_log_of_failure(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors) and self.box.log.exists():
            print(f"--- {self.id()}: the appliance said:\n{self.box.log.read_text(errors='replace')}---", file=sys.stderr)


def main():
    """Runs the calling file's tests. A termination signal cleans up like any other end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if os.geteuid() != 0:
        sys.exit("these tests make network namespaces, which needs root")
    unittest.main(verbosity=2)
