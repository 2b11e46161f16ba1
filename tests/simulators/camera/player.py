"""One client that plays a camera: its outlets, and exactly which frames it was sent."""

from __future__ import annotations

import asyncio
import collections
import itertools
import random
import time
from typing import Any, Callable

from tests.simulators.camera import rtp

BACKLOG = 4 << 20  # bytes that may wait for a client that does not read; then frames are skipped, as cameras do
_COUNTER = itertools.count(1)


class Outlet:
    """One track on its way to one client: a channel of the RTSP connection, or a pair of UDP ports."""

    def __init__(self, send: Callable[[bytes], None], control: Callable[[bytes], None], channel: int = 0) -> None:
        self.send = send
        self.control = control
        self.channel = channel
        self.source = random.getrandbits(32)
        self.sequence = random.getrandbits(15)
        self.packets = 0
        self.octets = 0

    def address(self, packets: rtp.Packets, timestamp: int) -> bytes:
        """Return the packets with this client's headers, and count them."""
        data = rtp.address(packets, self.channel, self.sequence, timestamp, self.source)
        count = len(packets.offsets)
        self.sequence += count
        self.packets += count
        self.octets += len(data) - count * rtp.HEADER
        return bytes(data)

    def report(self, wall: float, timestamp: int) -> None:
        """Send a sender report."""
        self.control(rtp.sender_report(self.channel + 1, self.source, wall, timestamp, self.packets, self.octets))


class Player:
    """A client between PLAY and the end of its connection.

    joined: a key frame has come by since PLAY, the streams flow
    rolling: video frames are sent; False until the next key frame
    """

    def __init__(self, outlets: dict[str, Outlet], waiting: Callable[[], int], agent: str) -> None:
        self.number = next(_COUNTER)
        self.outlets = outlets
        self.agent = agent
        self.joined = False
        self.rolling = False
        self.next_report = 0.0
        self.started = time.time()
        self.ended: float | None = None
        self._waiting = waiting
        self._runs: list[list[Any]] = []
        self._paced: collections.deque[bytes] = collections.deque()
        self._timer: asyncio.TimerHandle | None = None

    def video(self, packets: rtp.Packets, timestamp: int, number: int, wall: float, spread: float) -> None:
        """Send a frame and note that it was; over `spread` seconds, one packet at a time, unless it is 0."""
        outlet = self.outlets.get("video")
        if outlet is None or self._overrun():
            return
        self.flush()
        data = outlet.address(packets, timestamp)
        if spread:
            self._paced.extend(rtp.split(data))
            self._pump(spread / len(packets.offsets))
        else:
            outlet.send(data)
        self._note(number, wall)

    def audio(self, packets: rtp.Packets, timestamp: int) -> None:
        """Send audio."""
        outlet = self.outlets.get("audio")
        if outlet is not None and not self._overrun():
            outlet.send(outlet.address(packets, timestamp))

    def flush(self) -> None:
        """Send at once what pacing has left of the frame before."""
        if self._timer is not None:
            self._timer.cancel()
        if self._paced:
            self.outlets["video"].send(b"".join(self._paced))
            self._paced.clear()

    def end(self) -> None:
        """Note that the client is gone."""
        self.ended = self.ended or time.time()
        self._paced.clear()

    @property
    def frames(self) -> int:
        """How many frames were sent."""
        return sum(last - first + 1 for first, last, *_ in self._runs)

    def as_dict(self) -> dict[str, Any]:
        """Return what was sent, ready for JSON."""
        return {
            "number": self.number,
            "started": self.started,
            "ended": self.ended,
            "agent": self.agent,
            "runs": self._runs,
        }

    def _overrun(self) -> bool:
        if self._waiting() > BACKLOG:
            self.rolling = False
            return True
        return False

    def _note(self, number: int, wall: float) -> None:
        if self._runs and self._runs[-1][1] == number - 1:
            self._runs[-1][1], self._runs[-1][3] = number, wall
        else:
            self._runs.append([number, number, wall, wall])

    def _pump(self, gap: float) -> None:
        if self._paced:
            self.outlets["video"].send(self._paced.popleft())
            self._timer = asyncio.get_running_loop().call_later(gap, self._pump, gap)
