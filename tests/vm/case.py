#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""One appliance in the virtual machine, and a test case around it. All tests of a file share the machine."""
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import unittest

import machine
import appliance

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class Box:
    """The appliance in the machine."""

    def __init__(self, vm):
        self.machine = vm

    def start(self, configuration):
        """Starts it, and waits until it is ready."""
        self.machine.call("start", appliance.PROGRAM, configuration)
        appliance.until(self.is_ready, "the appliance is ready", 60)

    def is_ready(self):
        status = self.machine.call("status")
        if status is not None:
            raise AssertionError(f"the appliance ended with exit status {status}")
        return self.get("/readyz")[0] == 200

    def get(self, path):
        return self.machine.call("get", path)

    def json(self, path):
        return json.loads(self.get(path)[1])

    def metrics(self):
        return appliance.Metrics(self.get("/metrics")[1])

    def settled(self):
        """The metrics, counted after this call, once every packet is accounted for; fails where some never are."""
        asked = self.machine.call("now")

        def all_accounted_for():
            if self.json("/api/v1/ports")["taken_unix_seconds"] <= asked:
                return None
            metrics = self.metrics()
            return metrics if metrics.missing() == (0, 0) else None
        return appliance.until(all_accounted_for, "received = transmitted + queued + dropped")

    def log(self):
        return self.machine.call("log")

    def stop(self):
        return self.machine.call("stop")


_machine = None


def boot(devices=lambda directory: ()):
    """For setUpModule: boots the machine of all the module's tests, which ends with them. `devices` makes further
    arguments of QEMU's, given a directory with a short name for sockets."""
    global _machine  # pylint: disable=global-statement  # unittest hands nothing on from a module's set-up
    directory = tempfile.mkdtemp(prefix="bulkhead-vm-")
    unittest.addModuleCleanup(shutil.rmtree, directory)
    _machine = machine.Machine(directory, devices(directory))
    unittest.addModuleCleanup(_machine.close)
    return _machine


class Case(unittest.TestCase):
    """A class of tests around one appliance in the module's machine."""

    @classmethod
    def start(cls, configuration):
        """For setUpClass: one appliance for all tests of the class. It ends in order with them."""
        cls.machine = _machine
        cls.box = Box(_machine)
        cls.addClassCleanup(cls._stop)
        try:
            cls.box.start(configuration)
        except BaseException:
            cls.show()
            raise

    @classmethod
    def _stop(cls):
        status = cls.box.stop()
        if status != 0:
            cls.show()
            raise AssertionError(f"the appliance stopped with exit status {status}")

    @classmethod
    def show(cls):
        cls.machine.show_console()
        print(f"--- {cls.__name__}: the appliance said:\n{cls.box.log()}---", file=sys.stderr)

    def tearDown(self):
        result = self._outcome.result
        if any(test is self for test, _ in result.failures + result.errors):
            self.show()


class Unstarted(unittest.TestCase):
    """Tests of what the appliance does not start with."""

    def setUp(self):
        self.machine = _machine

    def refused(self, configuration, expected):
        """What the appliance says before it ends with the expected exit status."""
        self.machine.call("start", appliance.PROGRAM, configuration)
        try:
            appliance.until(lambda: self.machine.call("status") is not None, "the appliance refuses to start")
        finally:
            status = self.machine.call("stop")
        self.assertEqual(status, expected)
        return self.machine.call("log")


def main():
    """Runs the calling file's tests, or says why this host cannot: a failure in CI, else the tests are skipped."""
    if platform.machine() != "x86_64":
        print(f"not on this architecture: the virtual machine is an x86-64 one, this host is {platform.machine()}")
        sys.exit(SKIPPED)
    if packages := machine.missing():
        print("this host cannot run the virtual machine; install: " + " ".join(packages))
        sys.exit(1 if os.environ.get("CI") else SKIPPED)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    unittest.main(verbosity=2)
