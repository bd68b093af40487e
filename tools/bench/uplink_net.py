"""A network of two: the broker's side, and a truck's in a namespace of its own, on a veth pair with MTU 1400.

In: the right to make namespaces (root, or a kernel that gives it to users: `unshare -rn`). Out: Truck: words that start
    a program on the truck's side, and every IP packet that passed its interface, both ways.
Owns: the namespaces, which end with this process. The whole benchmark lives in one of its own (inside()), so nothing of
    the machine's network is seen or changed.
"""

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

MTU = 1400
_INSIDE = "LACAK_BENCH_NAMESPACE"
_SIOCETHTOOL, _OFFLOADS = 0x8946, (0x1F, 0x24, 0x2C)  # ETHTOOL_STSO, _SGSO, _SGRO: no packet larger than on a real wire
_ETH_P_ALL, _SO_RCVBUFFORCE, _ETHERNET = 3, 33, 14
_MISSING = (
    "bench uplink counts packets in a network namespace, and this system does not let us make one (%s).\n"
    "Run it as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, or "
    "kernel.apparmor_restrict_unprivileged_userns=0."
)


def inside(module):
    """True in the benchmark's own namespace. Else the module is run there, and False is returned when it has ended."""
    if os.environ.get(_INSIDE):
        _ip("link", "set", "lo", "up")
        return True
    unshare = ["unshare", "-nm" if os.geteuid() == 0 else "-rnm", "--kill-child"]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True)
    if tried.returncode:
        raise SystemExit(_MISSING % tried.stderr.strip())
    words = [*unshare, sys.executable, "-m", "bench", module]
    done = subprocess.run(words, env={**os.environ, _INSIDE: "1"})
    if done.returncode:
        raise SystemExit(done.returncode)
    return False


class Truck:
    """The truck's end of a cable: address on the broker's side, the words before a program, packets after it."""

    def __init__(self, number, quick=True):
        self.broker, self.address = "10.77.%d.1" % number, "10.77.%d.2" % number
        self._ours, theirs = "b%d" % number, "t%d" % number
        self._holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"])
        self.words = ["nsenter", "-t", str(self._holder.pid), "-n"]
        _wait_for_namespace(self._holder.pid)
        _ip("link", "add", self._ours, "mtu", str(MTU), "type", "veth", "peer", "name", theirs, "mtu", str(MTU))
        _ip("link", "set", theirs, "netns", str(self._holder.pid))
        _quiet(self._ours)
        _ip("addr", "add", self.broker + "/30", "dev", self._ours)
        _ip("link", "set", self._ours, "up")
        script = "import sys; sys.path[:0] = ['tools']; from bench import uplink_net as net; net.truck_side(%r, %r)"
        there = [*self.words, sys.executable, "-c", script % (theirs, self.address)]
        subprocess.run(there, check=True, cwd=Path(__file__).resolve().parents[2])
        # Linux acknowledges at once what comes after a silence. Where the world's clock jumps over it, it is told to.
        if quick:
            _ip("route", "replace", self.address, "dev", self._ours, "quickack", "1")
        self._count = _Count(self._ours)

    def packets(self):
        """[(up, IP packet)] since the last call."""
        return self._count.taken()

    def close(self):
        self._count.close()
        self._holder.kill()
        self._holder.wait()


def truck_side(name, address):
    _quiet(name)
    _ip("link", "set", "lo", "up")
    _ip("addr", "add", address + "/30", "dev", name)
    _ip("link", "set", name, "up")


class _Count:
    """Packets of one interface, kept whole; the kernel's own counters have to agree."""

    def __init__(self, name):
        self._name = name
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        # Root may have a large buffer. Who is root in here alone gets what the kernel gives; taken() notices a loss.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF if _is_mapped() else _SO_RCVBUFFORCE, 32 << 20)
        self._socket.bind((name, _ETH_P_ALL))
        self._socket.settimeout(0.1)
        self._packets, self._bytes = [], 0
        self._begun = self._kernel()
        self._ended = False
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def taken(self):
        until = time.monotonic() + 5
        while True:
            time.sleep(0.5)  # what is in the socket's buffer, or still under way
            kernel = self._kernel() - self._begun
            if kernel <= self._bytes:  # one that the interface refused was seen, too
                break
            if time.monotonic() > until:
                raise SystemExit("%s: the kernel counted %d bytes, we saw %d" % (self._name, kernel, self._bytes))
        taken, self._packets = self._packets, []
        return taken

    def close(self):
        self._ended = True
        self._thread.join()
        self._socket.close()

    def _take(self):
        while not self._ended:
            try:
                data, (_, protocol, kind, *_) = self._socket.recvfrom(65535)
            except TimeoutError:
                continue
            self._bytes += len(data)
            if protocol == 0x0800:
                self._packets.append((kind != socket.PACKET_OUTGOING, data[_ETHERNET:]))

    def _kernel(self):
        with open("/proc/net/dev") as file:  # of this namespace; /sys shows the one that mounted it
            words = next(line for line in file if line.strip().startswith(self._name + ":")).split(":")[1].split()
        return int(words[0]) + int(words[8])


def _quiet(name):
    """IPv4 alone, no time stamps (lwIP sends none), no larger packets than the wire's."""
    for path, value in (("ipv4/tcp_timestamps", 0), ("ipv6/conf/%s/disable_ipv6" % name, 1)):
        try:
            Path("/proc/sys/net", path).write_text(str(value))
        except FileNotFoundError:
            pass  # a kernel without IPv6
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in _OFFLOADS:
            wish = ctypes.create_string_buffer(struct.pack("II", command, 0))
            ask = struct.pack("16sP", name.encode(), ctypes.addressof(wish))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, ask)


def _is_mapped():
    """Root by a user namespace only."""
    return Path("/proc/self/uid_map").read_text().split()[1:] != ["0", str(0xFFFFFFFF)]


def _wait_for_namespace(pid):
    ours = os.readlink("/proc/self/ns/net")
    until = time.monotonic() + 5
    while os.readlink("/proc/%d/ns/net" % pid) == ours:
        if time.monotonic() > until:
            raise SystemExit("no second namespace")
        time.sleep(0.01)


def _ip(*words):
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run(["ip", *words], capture_output=True, text=True, env={**os.environ, "PATH": path})
    if done.returncode:
        raise SystemExit("ip %s: %s" % (" ".join(words), done.stderr.strip()))
