"""A bad line: a network interface of our own on which packets get lost, and travel no faster than they may.

Whatever is sent to PEER comes back as if PEER had sent it to HERE. So a server that listens at HERE is reached at PEER,
over real TCP of this kernel, with losses in both directions. Needs /dev/net/tun and the right to configure networks.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import socket
import struct
import threading
import time
from collections import deque

HERE, PEER = "198.18.7.1", "198.18.7.2"
"""Of the network that is set aside for tests of equipment (RFC 2544)."""

_TUNSETIFF, _TUN, _NO_PI = 0x400454CA, 0x0001, 0x1000
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS, _UP = 0x8916, 0x891C, 0x8914, 0x1
_PACKET = 2048
_QUEUE = 50
"""Packets that wait for their turn; what comes on top is lost, as in a router."""


class Line:
    """The line, while it is open.

    loss: part of all packets; rate: bytes per second in each direction, 0 for no limit
    """

    def __init__(self, loss: float = 0.0, rate: float = 0.0, seed: int = 0) -> None:
        self._loss, self._rate = loss, rate
        self._random = random.Random(seed)
        self._tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        name = fcntl.ioctl(self._tun, _TUNSETIFF, struct.pack("16sH22x", b"badline%d", _TUN | _NO_PI))[:16]
        _configure(name)
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._free_at = {True: 0.0, False: 0.0}
        self.passed = self.lost = 0
        self._open = True
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join()
        os.close(self._tun)

    def _serve(self) -> None:
        while self._open:
            now = time.monotonic()
            while self._waiting and self._waiting[0][0] <= now:
                os.write(self._tun, self._waiting.popleft()[1])
            until = self._waiting[0][0] - now if self._waiting else 0.1
            if select.select([self._tun], [], [], min(until, 0.1))[0]:
                self._take(os.read(self._tun, _PACKET))

    def _take(self, packet: bytes) -> None:
        if packet[0] >> 4 != 4:
            return  # the kernel looks for neighbours with IPv6
        if self._random.random() < self._loss or len(self._waiting) >= _QUEUE:
            self.lost += 1
            return
        self.passed += 1
        # Sums of addresses are part of the checksums: exchanged, they stay right.
        turned = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        source, target = struct.unpack("!HH", packet[20:24])
        away = source > target  # which of the two directions; the ports of the two ends differ
        now = time.monotonic()
        self._free_at[away] = max(now, self._free_at[away]) + (len(packet) / self._rate if self._rate else 0.0)
        self._waiting.append((self._free_at[away], turned))
        self._waiting = deque(sorted(self._waiting, key=lambda entry: entry[0]))


def _configure(name: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, address in ((_SIOCSIFADDR, HERE), (_SIOCSIFNETMASK, "255.255.255.252")):
            place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, request, struct.pack("16s16s8x", name, place))
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name, _UP))
