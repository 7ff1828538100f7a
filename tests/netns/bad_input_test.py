#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input: each case ends with the contract's exit status and one sentence that names the thing."""
import subprocess

import appliance
import leftovers

GOOD = """
[[slice]]
name = "red"
forward = "switch"
[[slice.flowspace]]
port = "left"
"""


class BadInput(appliance.Case):
    def setUp(self):
        super().setUp()
        self.net.cable("left")
        self.box.write(GOOD)
        self.run_here = ["run", str(self.box.file), "--socket", str(self.box.socket)]
        self.before = leftovers.found(self.net, self.box.directory)

    def refuse(self, status, *words, arguments=None):
        """Runs the appliance on what lies there: it ends by itself with `status`, saying all the words."""
        done = self.net.appliance.run(appliance.PROGRAM, *(arguments or self.run_here), check=False, timeout=30)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, status, said)
        for word in words:
            self.assertIn(word, said)
        self.assertEqual(leftovers.found(self.net, self.box.directory) - self.before, set(), "left behind")
        # One sentence that says what is wrong, not a wall of text in which it drowns.
        self.assertLessEqual(len([line for line in done.stderr.splitlines() if line.strip()]), 6, said)

    def edit(self, old, new):
        self.box.file.write_text(self.box.file.read_text().replace(old, new))

    def test_no_such_file(self):
        self.box.file.unlink()
        self.refuse(1, str(self.box.file))

    def test_directory_instead_of_a_file(self):
        self.refuse(1, str(self.box.directory), arguments=["run", str(self.box.directory)])

    def test_not_toml(self):
        self.box.file.write_text("[[slice\nname = ")
        self.refuse(1, "appliance.toml:1:")

    def test_all_faults_of_a_file(self):
        self.edit('forward = "switch"', 'forwrad = "switch"\nprecedence = "high"')
        self.refuse(1, "forwrad", "forward", "precedence")

    def test_overlap_in_a_file_with_another_fault(self):
        blue = GOOD.replace("red", "blue")
        self.box.file.write_text(self.box.file.read_text() + blue + blue.replace("blue", "green").replace("port", "prot"))
        self.refuse(1, 'slice "blue" overlaps slice "red"', 'unknown key "prot"')

    def test_no_such_interface(self):
        self.edit("iface=left", "iface=nosuch0")
        self.refuse(3, "port left (device net_af_packet0,iface=nosuch0): there is no interface nosuch0; name one that "
                       "`ip link` shows in this network namespace")

    def test_no_such_pci_device(self):
        self.edit("net_af_packet0,iface=left", "0000:ff:1f.7")
        self.refuse(3, "left", "0000:ff:1f.7")

    def test_no_such_driver(self):
        self.edit("net_af_packet0,iface=left", "net_nosuch0")
        self.refuse(3, "port left (device net_nosuch0): no DPDK driver has this name; write a PCI address such as ")

    def test_argument_that_dpdk_does_not_know(self):
        self.edit('"--no-pci"', '"--no-such-thing"')
        self.refuse(3, "unrecognized option '--no-such-thing'", "DPDK: did not start", "eal")
        done = self.net.appliance.run(appliance.PROGRAM, *self.run_here, check=False)
        self.assertEqual(done.stdout, "")

    def test_without_raw_sockets(self):
        done = self.net.appliance.run("setpriv", "--inh-caps=-net_raw", "--bounding-set=-net_raw", appliance.PROGRAM,
                                      *self.run_here, check=False)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("port left (device net_af_packet0,iface=left): raw sockets cannot be opened: Operation not "
                      "permitted; run as root, or with CAP_NET_RAW", done.stderr)

    def test_too_little_memory(self):
        self.edit('"128MiB"', '"1000GiB"')
        self.refuse(3, "memory")

    def test_busy_stats_port(self):
        with self.net.appliance.socket() as squatter:
            squatter.bind(("127.0.0.1", 9180))
            squatter.listen()
            self.refuse(3, "127.0.0.1:9180", "in use")

    def test_socket_is_not_left_by_a_failed_start(self):
        self.edit("127.0.0.1:9180", f"unix:{self.box.directory}/stats.sock")
        self.edit("iface=left", "iface=nosuch0")
        self.refuse(3, "nosuch0")

    def test_stats_without_token(self):
        self.edit("127.0.0.1:9180", "0.0.0.0:9180")
        self.refuse(1, "token")

    def test_reserve_beyond_the_default_workers(self):
        self.edit("workers = 1\n", "")
        self.box.file.write_text(self.box.file.read_text() + '[slice.cpu]\nreserve = "99999%"\n')
        self.refuse(1, "appliance.toml:", "the CPU reserves sum to 99999%")

    def test_more_workers_than_cores(self):
        self.edit("workers = 1\n", "workers = 60\n")
        self.refuse(1, "60 workers need as many cores", "lower workers")

    def test_core_that_is_not_there(self):
        self.edit("workers = 1\n", 'cores = "500"\n')
        self.refuse(1, "core 500 is not one this process may use")

    def test_too_few_packets(self):
        self.box.file.write_text(self.box.file.read_text() + "[slice.memory]\npackets = 1\n")
        self.refuse(1, "appliance.toml:", 'slice "red" has 1 packets of memory for its 3 queues')

    def test_port_in_hexadecimal(self):
        self.edit("127.0.0.1:9180", "127.0.0.1:0x50")
        self.refuse(1, "appliance.toml:", "has a port that is not one of 0-65535")

    def test_socket_that_is_a_directory(self):
        self.edit("127.0.0.1:9180", "unix:/tmp/x/")
        self.refuse(1, "appliance.toml:", "names a directory")

    def test_rules_in_hardware(self):
        self.edit('speed  = "10Gbps"', 'speed  = "10Gbps"\nflow_rules = "hardware"')
        self.refuse(1, "appliance.toml:", "its device takes no flow rules")

    def test_guarantee_above_the_speed_that_the_device_reports(self):
        self.edit('speed  = "10Gbps"\n', "")
        self.box.file.write_text(self.box.file.read_text() + '[slice.bandwidth]\nguarantee = "11Gbps"\n')
        self.refuse(1, "appliance.toml:", "more than its speed of 10Gbps")

    def test_unreadable_token(self):
        self.edit('listen = "127.0.0.1:9180"', f'listen = "0.0.0.0:9180"\ntoken_file = "{self.box.directory}/none"')
        self.refuse(3, "none")

    def test_same_device_twice(self):
        text = self.box.file.read_text()
        at = text.index("[[port]]")
        again = text[at:text.index("[[slice]]")].replace('"left"', '"again"')
        self.box.file.write_text(text[:at] + again + text[at:])
        self.refuse(1, "appliance.toml:", "same")

    def test_without_permission(self):
        # Without capabilities, as an unprivileged user would be.
        self.box.directory.chmod(0o777)
        done = self.net.appliance.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                                      "--bounding-set=-all", appliance.PROGRAM, *self.run_here, check=False)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)
        self.assertIn("permi", (done.stdout + done.stderr).lower())

    def test_usage(self):
        for arguments in ([], ["run"], ["nosuch"], ["run", "a", "b"]):
            done = subprocess.run([appliance.PROGRAM, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 64, f"{arguments}: {done.stderr}")

    def test_commands_that_are_not_there(self):
        for word, complaint in (("chekc", 'there is no command "chekc"; did you mean "check"?\n'),
                                ("nosuch", 'there is no command "nosuch"; known are run, check, classify, certify, plan, '
                                           'apply, status and top\n')):
            done = subprocess.run([appliance.PROGRAM, word, "a.toml"], capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (64, complaint))

    def test_help_and_version(self):
        for arguments in (["--help"], ["--version"], ["run", "--help"], ["check", "--help"], ["classify", "--help"],
                          ["plan", "--help"], ["apply", "--help"], ["status", "--help"], ["top", "--help"],
                          ["plan", "--version"], ["status", "--version"], ["run", "--version"], ["check", "--version"], ["classify", "--version"]):
            done = subprocess.run([appliance.PROGRAM, *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
            self.assertTrue(done.stdout)

    def test_standard_output_that_is_full(self):
        for arguments in (["check", str(self.box.file)], ["--help"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run([appliance.PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
                                      check=False)
            self.assertEqual(done.returncode, 3, f"{arguments}: {done.stderr}")
            self.assertIn("standard output cannot be written: No space left on device", done.stderr)


if __name__ == "__main__":
    appliance.main()
