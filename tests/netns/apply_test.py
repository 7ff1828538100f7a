#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The running appliance's commands: `plan` tells what `apply` does, `apply` does all of it or nothing, `status` shows
what is there; and a slice that does not change notices nothing."""
import json
import os
import pathlib
import signal
import stat
import subprocess
import threading
import time

import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"


def wire(name, vlan, more=""):
    return f"""
[[slice]]
name = "{name}"
forward = "wire"
flowspace = [{{port = ["left", "right"], vlan = {vlan}}}]
{more}"""


ONE = wire("red", 100)
TWO = ONE + wire("blue", 200)
OVERLAPPING = ONE + wire("blue", 100)


class Apply(appliance.Case):
    def setUp(self):
        super().setUp()
        self.left, self.right = self.wires("left", "right")
        self.box.start(ONE)

    def file(self, slices, name="next.toml"):
        """Another file for the same ports beside the one that `run` was given."""
        path, self.box.file = self.box.file, self.box.directory / name
        self.box.write(slices)
        path, self.box.file = self.box.file, path
        return path

    def answer(self, status, *words):
        """What a command prints, on standard output where all is well and on standard error where not."""
        done = self.box.command(*words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        said, silent = (done.stdout, done.stderr) if status in (0, 2) else (done.stderr, done.stdout)
        self.assertEqual(silent, "")
        return said

    def pass_frame(self, vlan, text):
        sent = frames.frame(A, B, text, vlan=vlan)
        self.left.send(sent)
        self.assertEqual(self.right.receive(), sent)

    def generation(self):
        """As the metrics say it, counted after this call: a scrape may be a tenth of a second old."""
        asked = time.time()
        appliance.until(lambda: self.box.json("/api/v1/ports")["taken_unix_seconds"] > asked, "a fresh snapshot")
        return self.box.metrics()("config_generation")

    def test_plan_then_apply(self):
        file = self.file(TWO)
        self.assertEqual(self.answer(0, "plan", self.box.file), f"{self.box.file}: nothing changes\n")
        expected = (f"{file}: 1 change; 2 ports and 1 slice go on as they are\n"
                    "slice blue added: wire at left, right\n")
        self.assertEqual(self.answer(2, "plan", file), expected)
        self.assertEqual(self.generation(), 1)  # only said, not done
        self.assertEqual(self.answer(0, "apply", file), f"{file}: in force, generation 2\n")
        self.assertIn(f"info: {file}: in force, generation 2\n", self.box.log.read_text())
        self.assertEqual(self.answer(0, "plan", file), f"{file}: nothing changes\n")
        self.pass_frame(200, "blue is there")
        self.assertEqual(self.answer(0, "apply", self.file(ONE)), f"{file}: in force, generation 3\n")
        last = frames.frame(A, B, "last", vlan=100)
        self.left.send(frames.frame(A, B, "blue is gone", vlan=200), last)
        self.assertEqual(self.right.receive_until(last), [])
        self.assertEqual(self.generation(), 3)

    def test_names_are_as_typed(self):
        """A relative name belongs to who typed it, and may be any text."""
        self.file(OVERLAPPING, "my lab & more.toml")
        done = self.box.command("plan", "my lab & more.toml", cwd=self.box.directory)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("my lab & more.toml:"), done.stderr)

    def test_refused(self):
        self.pass_frame(100, "before")
        restarting = self.file(ONE.replace("name", "precedence = 1\nname"), "memory.toml")
        restarting.write_text(restarting.read_text().replace("128MiB", "256MiB"))
        missing = self.box.directory / "nosuch.toml"
        for file, complaint in ((self.file(OVERLAPPING), 'slice "blue" overlaps slice "red"'),
                                (self.file(ONE.replace("vlan", "vlam"), "typo.toml"), "vlam"),
                                (restarting, "[appliance] and [stats] cannot change while the appliance runs"),
                                (missing, "No such file or directory")):
            for command in ("plan", "apply"):
                said = self.answer(1, command, file)
                self.assertTrue(said.startswith(str(file)), said)
                self.assertIn(complaint, said)
        self.assertEqual(self.generation(), 1)
        self.pass_frame(100, "still there")
        self.assertEqual(self.answer(0, "status", "--config"), self.box.file.read_text())

    def test_a_device_that_fails(self):
        file = self.file(ONE)
        third = '[[port]]\nname = "third"\ndevice = "net_af_packet7,iface=nosuch0"\nspeed = "1Gbps"\n'
        file.write_text(file.read_text() + third)
        self.assertIn("port third opened: net_af_packet7", self.answer(2, "plan", file))
        said = self.answer(3, "apply", file)
        self.assertIn("port third", said)
        self.assertIn("the old configuration is in force", said)
        self.assertEqual(self.generation(), 1)
        self.pass_frame(100, "still there")

    def test_neither_the_new_file_nor_the_old_one(self):
        """The client is told before the appliance ends."""
        file = self.file(ONE)
        file.write_text(file.read_text().replace("iface=right", "iface=nosuch0"))
        self.net.appliance.run("ip", "link", "delete", "right")
        self.assertIn("the old configuration could not be restored: port right", self.answer(3, "apply", file))
        self.assertEqual(self.box.process.wait(20 * appliance.SLOWNESS), 3)
        self.assertFalse(self.box.socket.exists())
        self.box.process = None

    def test_status(self):
        self.pass_frame(100, "one")
        table = self.answer(0, "status")
        self.assertRegex(table, r"^bulkhead \S+, generation 1, ready\n\nslice +rx pkt/s")
        self.assertRegex(table, r"\nred +\d.* +0/0/2\n")
        self.assertRegex(table, r"\nleft .* up\n")
        snapshot = json.loads(self.answer(0, "status", "--json"))
        endpoint = self.box.json("/api/v1/slices")["slices"][0]
        self.assertEqual(snapshot["slices"][0].keys(), endpoint.keys())
        self.assertEqual(snapshot["slices"][0]["rx_packets"], 1)
        self.assertEqual(snapshot["config_generation"], 1)

    def test_rates_of_status(self):
        done = threading.Event()

        def send():
            sender = self.net.cables["left"].wire()
            while not done.is_set():
                sender.send(*[frames.frame(A, B, "load", vlan=100)] * 16)
            sender.close()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            rate = json.loads(self.answer(0, "status", "--json"))["slices"][0]["rx_packets_per_second"]
        finally:
            done.set()
            thread.join()
        self.assertGreater(rate, 0)

    def test_running_configuration_can_be_read_back(self):
        self.assertEqual(self.answer(0, "status", "--config"), self.box.file.read_text())
        file = self.file("# a word from the operator: gr\u00fc\u00df Gott\n" + TWO)
        self.answer(0, "apply", file)
        text = file.read_text()
        file.unlink()
        self.assertEqual(self.answer(0, "status", "--config"), text)
        back = self.box.directory / "back.toml"
        back.write_text(text)
        self.assertEqual(self.answer(0, "plan", back), f"{back}: nothing changes\n")

    def test_sighup_reads_the_file_of_run_again(self):
        self.answer(0, "apply", self.file(TWO))
        self.box.reload()
        appliance.until(lambda: self.generation() == 3, "the reload")
        self.assertEqual(self.answer(0, "status", "--config"), self.box.file.read_text())
        self.assertEqual([it["name"] for it in self.box.json("/api/v1/slices")["slices"]], ["red"])

    def test_applies_at_once(self):
        """All are done, one after the other, and each is told its own generation."""
        files = [self.file(ONE + wire("blue", 200 + number), f"{number}.toml") for number in range(8)]
        command = [appliance.PROGRAM, "apply", "--socket", str(self.box.socket)]
        clients = [subprocess.Popen([*command, str(file)], stdout=subprocess.PIPE, text=True) for file in files]
        said = [client.communicate()[0] for client in clients]
        self.assertEqual([client.returncode for client in clients], [0] * 8)
        generations = sorted(int(text.split()[-1]) for text in said)
        self.assertEqual(generations, list(range(2, 10)))
        last = next(file for file, text in zip(files, said) if text.endswith(" 9\n"))
        self.assertEqual(self.answer(0, "plan", last), f"{last}: nothing changes\n")
        self.assertEqual(self.answer(0, "status", "--config"), last.read_text())

    def test_a_slice_that_does_not_change_notices_nothing(self):
        """Neighbours come, begin anew, get other rates and go: its frames all arrive, in order, and it counts on."""
        neighbours = [wire("blue", 200), wire("blue", 201), wire("blue", 201, 'bandwidth = {guarantee = "1Gbps"}'), ""]
        expected = ["added", "begins anew", "goes on", "removed"]
        sent = 0
        for number, (neighbour, word) in enumerate(zip(neighbours * 3, expected * 3)):
            file = self.file(ONE + neighbour)
            self.assertIn(f"slice blue {word}", self.answer(2, "plan", file))
            burst = [frames.frame(A, B, f"{number}.{i}", vlan=100) for i in range(200)]
            half = len(burst) // 2
            self.left.send(*burst[:half])
            self.answer(0, "apply", file)
            self.left.send(*burst[half:])
            sent += len(burst)
            self.assertEqual([self.right.receive() for _ in burst], burst)
        red = self.box.settled()
        self.assertEqual(red("slice_received_packets_total", slice="red"), sent)
        self.assertEqual(red("slice_transmitted_packets_total", slice="red"), sent)
        self.assertEqual(red("slice_dropped_packets_total", slice="red"), 0)

    def test_top(self):
        top = [appliance.PROGRAM, "top", "--socket", str(self.box.socket)]
        with subprocess.Popen(top, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            first = [process.stdout.readline() for _ in range(4)]
            process.send_signal(signal.SIGINT)
            rest, complaint = process.communicate()
            self.assertEqual((process.returncode, complaint), (0, ""))
        self.assertRegex("".join(first), r"^bulkhead \S+, generation 1, ready\n\nslice .*\nred ")
        self.assertNotIn("\x1b", "".join(first) + rest)

    def test_top_that_is_not_answered(self):
        self.box.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.box.process.send_signal, signal.SIGCONT)
        top = subprocess.Popen([appliance.PROGRAM, "top", "--socket", str(self.box.socket)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        self.addCleanup(top.communicate)
        self.addCleanup(top.kill)

        def has_connected():
            try:
                return any(os.readlink(file).startswith("socket:") for file in pathlib.Path(f"/proc/{top.pid}/fd").iterdir())
            except FileNotFoundError:  # one that was closed meanwhile
                return False
        appliance.until(has_connected, "a connection")
        top.send_signal(signal.SIGINT)
        self.assertEqual(top.communicate(timeout=60), ("", ""))
        self.assertEqual(top.returncode, -signal.SIGINT)

    def test_top_ends_with_the_appliance(self):
        top = [appliance.PROGRAM, "top", "--socket", str(self.box.socket)]
        with subprocess.Popen(top, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            self.box.stop()
            complaint = process.communicate()[1]
            self.assertEqual(process.returncode, 4)
        self.assertIn("no appliance is running", complaint)

    def test_not_running(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.box.socket).st_mode), 0o600)
        self.box.stop()
        self.assertFalse(self.box.socket.exists())
        for words in (["status"], ["status", "--json"], ["status", "--config"], ["top"], ["plan", self.box.file],
                      ["apply", self.box.file]):
            self.assertEqual(self.answer(4, *words),
                             f"no appliance is running at {self.box.socket}; start one with `bulkhead run FILE`, or name "
                             "its socket with --socket\n")

    def test_a_second_appliance_is_refused(self):
        self.box.file.write_text(self.box.file.read_text().replace("9180", "9181"))
        done = self.net.appliance.run(appliance.PROGRAM, "run", str(self.box.file), "--socket", str(self.box.socket),
                                      check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"control socket: cannot listen on unix:{self.box.socket}: address already in use", done.stderr)
        self.answer(0, "status")

    def test_killed_and_started_again(self):
        self.box.process.kill()
        self.box.process.wait()
        self.assertTrue(self.box.socket.exists())
        self.answer(4, "status")
        self.box.start(ONE)
        self.answer(0, "status")

    def test_usage(self):
        for words in (["plan"], ["apply"], ["status", "--json", "--config"], ["status", "file"], ["top", "file"]):
            done = self.box.command(*words)
            self.assertEqual((done.returncode, done.stdout), (64, ""), words)


if __name__ == "__main__":
    appliance.main()
