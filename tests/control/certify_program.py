#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`bulkhead certify` from file to exit status: what must pass passes, what must fail fails, what is wrong is refused.

Rates, losses and delays are judged by the program, nothing here looks at a clock. Where other work kept the test's
threads from their cores the program says so, and the test that everything passes is skipped.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("BULKHEAD_PROGRAM") or str(
    pathlib.Path(__file__).resolve().parents[2] / "build/release/control/bulkhead")
# Under a sanitizer only that it runs and what it refuses is looked at.
JUDGES = os.environ.get("BULKHEAD_JUDGE", "yes") == "yes"

PORTS = """
[appliance]
memory = "64MiB"
eal = ["--no-huge"]
[[port]]
name = "uplink"
device = "0000:ff:00.0"
speed = "1Gbps"
[[port]]
name = "lab"
device = "net_af_packet0,iface=none"
speed = "100Mbps"
"""
THREE_SLICES = PORTS + """
[[slice]]
name = "production"
forward = "wire"
flowspace = [{port = "uplink", vlan = 10}, {port = "lab", vlan = "untagged"}]
bandwidth = {guarantee = "40Mbps", ceiling = "60Mbps"}
[[slice]]
name = "experiment"
flowspace = [{port = ["uplink", "lab"], vlan = 20, ip_proto = "udp"}]
bandwidth = {guarantee = "20Mbps", ceiling = "80Mbps", weight = 200}
class = [{pcp = [5, 6, 7], strict = true}, {pcp = [0, 1, 2, 3, 4], ceiling = "50Mbps"}]
[[slice]]
name = "island"
flowspace = [{port = "uplink", vlan = 30}]
"""
# A bridge does not forward what is sent to this address, so nothing can arrive.
NOTHING_ARRIVES = PORTS + """
[[slice]]
name = "reserved"
flowspace = [{port = ["uplink", "lab"], eth_dst = "01:80:c2:00:00:0e"}]
bandwidth = {guarantee = "10Mbps", ceiling = "20Mbps"}
class = [{pcp = [0, 1, 2, 3], guarantee = "5Mbps"}]
"""
# More than any machine's cores carry.
TOO_FAST = NOTHING_ARRIVES.replace("reserved", "fast").replace('"1Gbps"', '"400Gbps"').replace(
    "01:80:c2:00:00:0e", "02:00:00:00:00:01").replace('guarantee = "10Mbps", ceiling = "20Mbps"', "").replace(
        'class = [{pcp = [0, 1, 2, 3], guarantee = "5Mbps"}]\n', "")
# The tests of the classes of "experiment".
EXPERIMENT = ["pcp 5-7 strict", "pcp 0-4 overshoot"]
GUARANTEES = PORTS + """
[[slice]]
name = "classes"
flowspace = [{port = ["uplink", "lab"], vlan = 10}]
bandwidth = {guarantee = "20Mbps", ceiling = "20Mbps"}
class = [{pcp = 5, guarantee = "6Mbps", ceiling = "8Mbps"},
         {pcp = [0, 1, 2, 3, 4, 6, 7], weight = 100, guarantee = "4Mbps"}]
[[slice]]
name = "other"
flowspace = [{port = ["uplink", "lab"], vlan = 11}]
"""
ALONE = ["25 % of guarantee", "50 % of guarantee", "75 % of guarantee", "100 % of guarantee", "excess", "overshoot"]


def certify(text, *options):
    """The program's exit status, output and complaints."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory, "lab.toml")
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([PROGRAM, "certify", file, *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


class Certify(unittest.TestCase):
    """One run of the program each."""

    def test_passes(self):
        status, out, complaints = certify(THREE_SLICES, "--seconds", "0.1", "--json")
        self.assertIn(status, (0, 1), complaints)
        report = json.loads(out)
        ways = [(name, port) for name in ("production", "experiment") for port in ("uplink", "lab")]
        self.assertEqual([(row["slice"], row["port"], row["test"]) for row in report["rows"]],
                         [("island", "uplink", None)] +
                         [(*way, test) for way in ways
                          for test in ALONE + (EXPERIMENT if way[0] == "experiment" else [])] +
                         [(*way, "together") for way in ways] +
                         [(*way, "together: pcp 5-7 strict") for way in ways[2:]])
        self.assert_passes(status, out)

    @unittest.skipUnless(JUDGES, "one run shows what a sanitizer can see")
    def test_guarantees_of_classes_pass(self):
        status, out, complaints = certify(GUARANTEES, "--seconds", "0.1", "--slice", "classes", "--json")
        self.assertNotEqual(out, "", complaints)
        tests = [row["test"] for row in json.loads(out)["rows"] if row["port"] == "lab" and row["class_pcps"]]
        self.assertEqual(tests, ["pcp 5 guarantee", "pcp 5 overshoot", "pcp 0-4,6-7 guarantee",
                                 "together: pcp 5 guarantee", "together: pcp 0-4,6-7 guarantee"])
        self.assert_passes(status, out)

    def assert_passes(self, status, out):
        """Every row passes; skips the test where the cores had other work."""
        report = json.loads(out)
        self.assertEqual(status, 0 if report["passed"] else 1)
        tested = [row for row in report["rows"] if row["test"]]
        self.assertEqual([row for row in report["rows"] if (row["result"] == "not_tested") != (not row["test"])], [])
        for row in tested:
            self.assertEqual(row["measured"]["reordered_packets"], 0)
            self.assertGreater(row["measured"]["sent_packets"], row["measured"]["lost_packets"])
        if not JUDGES:
            return
        missed = [row for row in report["rows"] if row["result"] not in ("pass", "not_tested")]
        self.assertEqual([row for row in missed if row["result"] != "inconclusive"], [])
        if missed:
            self.skipTest("other work has the cores: " + "; ".join(row["why"] for row in missed))
        self.assertEqual(status, 0, out)

    @unittest.skipUnless(JUDGES, "one run shows what a sanitizer can see")
    def test_one_slice_only(self):
        _, out, complaints = certify(THREE_SLICES, "--seconds", "0.1", "--slice", "experiment")
        self.assertNotIn("production", out)
        self.assertNotIn("island", out)
        self.assertIn("of 20 rows passed", out, complaints)
        self.assertIn("18 tests", complaints)

    def test_fails(self):
        status, out, complaints = certify(NOTHING_ARRIVES, "--seconds", "0.1")
        self.assertEqual(status, 1, out + complaints)
        self.assertIn("frames arrived", out)
        self.assertIn("0 of 18 rows passed, 18 FAILED", out)

    @unittest.skipUnless(JUDGES, "one run shows what a sanitizer can see")
    def test_what_the_machine_cannot_carry_does_not_pass(self):
        status, out, complaints = certify(TOO_FAST, "--seconds", "0.1", "--json")
        self.assertEqual(status, 1, out + complaints)
        rows = [row for row in json.loads(out)["rows"] if row["port"] == "uplink"]
        self.assertEqual([row["test"] for row in rows], ["excess", "overshoot", "together"])
        for row in rows:
            self.assertIn(row["result"], ("fail", "inconclusive"))

    def test_refuses(self):
        for text, options, expected, complaint in [
                (THREE_SLICES.replace("20Mbps", "2Mbps/s"), [], 1, "guarantee"),
                (THREE_SLICES.replace('speed = "1Gbps"\n', ""), [], 1, 'port "uplink" has no speed'),
                (THREE_SLICES, ["--slice", "island"], 1, "nothing to certify: the slice has one port"),
                (THREE_SLICES, ["--slice", "experimant"], 64, 'did you mean "experiment"?'),
                (THREE_SLICES, ["--seconds", "soon"], 64, "--seconds")]:
            status, out, complaints = certify(text, *options)
            self.assertEqual(status, expected, complaints)
            self.assertIn(complaint, complaints)
            self.assertEqual(out, "")


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    # A busy machine is told to ctest as a skipped test, not as a passed one.
    sys.exit(1 if not result.wasSuccessful() else 77 if JUDGES and result.skipped else 0)
