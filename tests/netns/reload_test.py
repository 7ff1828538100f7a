#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a good file takes effect, a refused one changes nothing and says why."""
import threading

import appliance
import frames

A = "02:00:00:00:00:0a"
B = "02:00:00:00:00:0b"

ONE = """
[[slice]]
name = "red"
forward = "wire"
[[slice.flowspace]]
port = ["left", "right"]
vlan = 100
"""

TWO = ONE + """
[[slice]]
name = "blue"
forward = "wire"
[[slice.flowspace]]
port = ["left", "right"]
vlan = 200
"""

OVERLAPPING = TWO.replace("200", "100")


class Reload(appliance.Case):
    def setUp(self):
        super().setUp()
        self.left, self.right = self.wires("left", "right")
        self.box.start(ONE)
        self.generation = self.box.metrics()("config_generation")

    def pass_frame(self, vlan, text):
        sent = frames.frame(A, B, text, vlan=vlan)
        self.left.send(sent)
        self.assertEqual(self.right.receive(), sent)

    def wait_for_generation(self, generation):
        appliance.until(lambda: self.box.metrics()("config_generation") == generation, f"generation {generation}")

    def test_good_file(self):
        self.pass_frame(100, "before")
        self.box.write(TWO)
        self.box.reload()
        self.wait_for_generation(self.generation + 1)
        appliance.until(self.box.is_ready, "ready after the reload")
        self.pass_frame(100, "red after")
        self.pass_frame(200, "blue after")
        self.box.write(ONE)
        self.box.reload()
        self.wait_for_generation(self.generation + 2)
        appliance.until(self.box.is_ready, "ready after the second reload")
        last = frames.frame(A, B, "last", vlan=100)
        self.left.send(frames.frame(A, B, "blue is gone", vlan=200), last)
        self.assertEqual(self.right.receive_until(last), [])

    def test_refused_file(self):
        self.box.write(OVERLAPPING)
        self.box.reload()
        appliance.until(lambda: 'slice "blue" overlaps slice "red"' in self.box.log.read_text(), "the refusal in the log")
        self.assertIn("appliance.toml:", self.box.log.read_text())
        self.pass_frame(100, "still there")
        self.assertEqual(self.box.metrics()("config_generation"), self.generation)
        self.assertIsNone(self.box.process.poll())

    def test_unreadable_file(self):
        self.box.file.unlink()
        self.box.reload()
        appliance.until(lambda: "appliance.toml" in self.box.log.read_text().split("ready")[-1], "the refusal in the log")
        self.pass_frame(100, "still there")
        self.assertEqual(self.box.metrics()("config_generation"), self.generation)

    def test_neither_the_new_file_nor_the_old_one(self):
        """The device of a port is gone: what was before cannot be restored, and must not seem to be."""
        self.box.file.write_text(self.box.file.read_text().replace("iface=right", "iface=nosuch0"))
        self.net.appliance.run("ip", "link", "delete", "right")
        self.box.reload()
        self.assertEqual(self.box.process.wait(20 * appliance.SLOWNESS), 3)
        self.assertIn("the old configuration could not be restored: port right", self.box.log.read_text())

    def test_many_reloads_with_traffic_and_scrapes(self):
        done = threading.Event()
        scraped = []

        def scrape():
            while not done.is_set():
                scraped.append(self.box.get("/metrics")[0])

        def send():
            wire = self.net.cables["left"].wire()
            while not done.is_set():
                wire.send(*[frames.frame(A, B, "load", vlan=100)] * 16)
            wire.close()

        threads = [threading.Thread(target=scrape), threading.Thread(target=send)]
        for thread in threads:
            thread.start()
        try:
            for number in range(10):
                self.box.write(TWO if number % 2 == 0 else ONE)
                self.box.reload()
                self.wait_for_generation(self.generation + number + 1)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        self.assertEqual(set(scraped), {200})
        self.box.settled()


if __name__ == "__main__":
    appliance.main()
