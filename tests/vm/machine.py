#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with Debian's kernel and the host's own files, for tests of DPDK's drivers on real devices.

QEMU translates its code (TCG), so that neither KVM nor root is needed. There is no disk image: the machine sees the
host's root read-only, over 9p, and keeps what it writes in memory. It has an IOMMU, so that devices can be given to
vfio-pci. A test speaks to it through guest.py, which the machine runs.
"""
import contextlib
import gzip
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "netns"))
import appliance

QEMU = "qemu-system-x86_64"
TOOLS = {QEMU: "qemu-system-x86", "busybox": "busybox-static", "cpio": "cpio", "modprobe": "kmod"}
# What the machine needs to reach the host's files and guest.py; everything else it loads from there.
FIRST_MODULES = ["virtio_pci", "9p", "9pnet_virtio", "overlay", "virtio_console"]
BOOT_SECONDS = 120  # takes 6 to 10 on two idle cores
ANSWER_SECONDS = 60
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # modprobe is not on everybody's


def kernels():
    """The installed kernels that have their modules beside them, oldest first."""
    found = []
    for kernel in pathlib.Path("/boot").glob("vmlinuz-*-amd64"):
        version = kernel.name.removeprefix("vmlinuz-")
        if "cloud" not in version and pathlib.Path("/lib/modules", version).is_dir():
            found.append((list(map(int, re.findall(r"\d+", version))), kernel, version))
    return [(kernel, version) for _, kernel, version in sorted(found)]


def missing():
    """The Debian packages that would have to be installed."""
    packages = [package for tool, package in TOOLS.items() if shutil.which(tool, path=PATH) is None]
    return packages + ([] if kernels() else ["linux-image-amd64"])


def initial_file_system(directory, version):
    """Makes the machine's initial file system, and returns its file."""
    root = directory / "root"
    for name in ("bin", "dev", "proc", "sys", "modules", "host", "changes", "root"):
        (root / name).mkdir(parents=True)
    shutil.copy(shutil.which("busybox", path=PATH), root / "bin/busybox")
    shutil.copy(HERE / "init.sh", root / "init")
    (root / "init").chmod(0o755)
    (root / "agent").write_text(str(HERE / "guest.py"))
    order = []
    for module in FIRST_MODULES:
        listed = subprocess.run([shutil.which("modprobe", path=PATH), "-S", version, "--show-depends", module],
                                capture_output=True, text=True, check=True).stdout
        for file in re.findall(r"^insmod (\S+)", listed, re.M):
            if pathlib.Path(file).name not in order:
                order.append(pathlib.Path(file).name)
                shutil.copy(file, root / "modules")
    (root / "modules/order").write_text("".join(f"{name}\n" for name in order))
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    packed = subprocess.run(["cpio", "--null", "--create", "--format=newc", "--quiet"], cwd=root, check=True,
                            input=names.encode(), capture_output=True).stdout
    file = directory / "initial.gz"
    file.write_bytes(gzip.compress(packed, 1))
    return file


def connect(path, process, seconds):
    """A stream to one of QEMU's sockets, which is there soon after it starts."""
    stream = socket.socket(socket.AF_UNIX)
    stream.settimeout(seconds)

    def connected():
        if process.poll() is not None:
            raise AssertionError(f"{QEMU} ended with exit status {process.returncode}")
        with contextlib.suppress(OSError):
            stream.connect(str(path))
            return True
    appliance.until(connected, f"{QEMU} listens at {path}")
    return stream


class Lines:
    """Requests and answers over a stream, one line of JSON each."""

    def __init__(self, stream):
        self.stream = stream
        self.file = stream.makefile("rwb")

    def receive(self):
        line = self.file.readline()
        if not line:
            raise EOFError("the virtual machine has ended")
        return json.loads(line)

    def send(self, value):
        self.file.write(json.dumps(value).encode() + b"\n")
        self.file.flush()

    def close(self):
        self.file.close()
        self.stream.close()


def command(directory, devices):
    """The command that runs the machine; its sockets and the console's text are files of the directory."""
    kernel, version = kernels()[-1]
    return [
        # Also where this process is killed, QEMU ends.
        "setpriv", "--pdeathsig", "KILL", QEMU, "-nodefaults", "-no-reboot", "-display", "none",
        "-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024",
        "-device", "intel-iommu,intremap=on,caching-mode=on",
        "-kernel", str(kernel), "-initrd", str(initial_file_system(directory, version)),
        # Without IPv6 the kernel's interfaces say nothing unasked, so that counts are exact.
        "-append", "console=ttyS0 quiet panic=-1 intel_iommu=on iommu=pt ipv6.disable=1",
        "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
        "-serial", f"file:{directory}/console",
        "-qmp", f"unix:{directory}/monitor,server=on,wait=off",
        "-chardev", f"socket,id=agent,path={directory}/agent,server=on,wait=off",
        "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,name=bulkhead", *devices]


class Machine:
    """A running machine. `devices` are further arguments of QEMU's; `directory` is the test's, for what it needs."""

    def __init__(self, directory, devices):
        self.directory = pathlib.Path(directory)
        self.console = self.directory / "console"
        self.said = self.directory / "qemu"
        self.closing = contextlib.ExitStack()
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(command(self.directory, devices), stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=subprocess.STDOUT)
        self.closing.callback(self._end)
        try:
            self.monitor = self._lines("monitor", ANSWER_SECONDS)
            self.monitor.receive()  # its greeting
            self.ask_monitor("qmp_capabilities")
            self.agent = self._lines("agent", BOOT_SECONDS)
            self._answer()  # that it has booted
            self.agent.stream.settimeout(ANSWER_SECONDS)
        except BaseException:
            self.show_console()
            self.close()
            raise

    def _lines(self, name, seconds):
        lines = Lines(connect(self.directory / name, self.process, seconds))
        self.closing.callback(lines.close)
        return lines

    def _answer(self):
        answer = self.agent.receive()
        if "error" in answer:
            raise AssertionError(f"in the virtual machine: {answer['error']}")
        return answer["value"]

    def call(self, name, *arguments):
        """What the method of that name of guest.py's Agent returns there."""
        self.agent.send([name, *arguments])
        return self._answer()

    def ask_monitor(self, name, /, **arguments):
        self.monitor.send({"execute": name, "arguments": arguments})
        while True:
            answer = self.monitor.receive()
            if "error" in answer:
                raise AssertionError(f"QEMU's monitor: {name}: {answer['error']['desc']}")
            if "return" in answer:  # events come in between
                return answer["return"]

    def set_link(self, device, up):
        """Pulls or plugs the cable of a network device."""
        self.ask_monitor("set_link", name=device, up=up)

    def show_console(self):
        for whose, file in (("QEMU's messages", self.said), ("the virtual machine's console", self.console)):
            if file.exists():
                print(f"--- {whose}:\n{file.read_text(errors='replace')}---", file=sys.stderr)

    def _end(self):
        self.process.kill()  # its files are the host's, read-only: there is nothing to put in order
        self.process.wait()

    def close(self):
        self.closing.close()
