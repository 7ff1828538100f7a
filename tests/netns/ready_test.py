#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""/readyz says what keeps the appliance from its work: here, a worker that is held."""
import ctypes
import os

import appliance

PTRACE_ATTACH = 16
PTRACE_DETACH = 17
WALL = 0x40000000

SLICE = """
[[slice]]
name = "red"
[[slice.flowspace]]
port = ["left", "right"]
"""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def _ptrace(request, thread):
    if _libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")


class HeldThread:
    """Stops one thread of another process, as a debugger does; the others go on."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        _ptrace(PTRACE_ATTACH, self.thread)
        os.waitpid(self.thread, WALL)

    def __exit__(self, *_):
        _ptrace(PTRACE_DETACH, self.thread)


def worker_of(process):
    """The thread that naps for 50 us at a time: it gives its core up far more often than any other."""
    def naps(thread):
        with open(f"/proc/{process}/task/{thread}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("voluntary"))
    return int(max(os.listdir(f"/proc/{process}/task"), key=naps))


class Ready(appliance.Case):
    def test_worker_that_does_not_visit(self):
        self.net.cable("left")
        self.net.cable("right")
        self.box.start(SLICE)
        self.assertEqual(self.box.get("/readyz")[0], 200)
        appliance.until(lambda: self.box.metrics()("worker_idle_seconds_total") > 0.5, "the worker has napped")
        with HeldThread(worker_of(self.box.process.pid)):
            appliance.until(lambda: not self.box.is_ready(), "not ready while the worker is held")
            self.assertRegex(self.box.get("/readyz")[1], r"worker 0 on core \d+ does not visit")
            self.assertEqual(self.box.get("/healthz")[0], 200)
        appliance.until(self.box.is_ready, "ready again")


if __name__ == "__main__":
    appliance.main()
