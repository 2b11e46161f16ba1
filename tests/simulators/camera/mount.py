"""One camera: its clock, its numbered frames, its faults, and who watches."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import Any, Callable

from tests.simulators.camera import rtp
from tests.simulators.camera.auth import Login
from tests.simulators.camera.clips import CLOCK, Clip
from tests.simulators.camera.player import Player
from tests.support import nal

REPORT_INTERVAL = 5.0

_SILENCES_VIDEO = {"freeze", "rtcponly", "novideo"}
_SILENCES_AUDIO = {"freeze", "rtcponly", "noaudio"}


class Mount:
    """A camera that runs whether or not anybody watches: frame n is due at `epoch` + n / fps.

    epoch: time of the event loop's clock at which frame 0 was due
    pace: send each RTP packet by itself, spread over the frame, as a real camera does
    start: "next" key frame, or "current": at once, with the frames since the last key frame
    """

    def __init__(
        self, name: str, path: str, clip: Clip, login: Login | None, epoch: float, pace: bool, start: str
    ) -> None:
        self.name = name
        self.path = path
        self.login = login
        self.clip = clip
        self.faults: dict[str, Any] = {}
        self.sessions: list[Player] = []
        self.counts = {"connections": 0, "logins_refused": 0, "requests": 0, "keepalives": 0, "tls_refused": 0}
        self.parked: list[Callable[[], None]] = []
        self._players: list[Player] = []
        self._epoch = epoch
        self._pace = pace
        self._start = start
        self._anchor = 0
        self._switch: tuple[int, Clip] | None = None
        self._base = random.getrandbits(31)
        self._jumped = 0.0
        self._stuck: int | None = None
        self._next = 0
        self._next_audio = 0
        self._timer: asyncio.TimerHandle | None = None

    def play(self, player: Player) -> None:
        """Let a client watch."""
        self.sessions.append(player)
        self._players.append(player)
        if self._timer is None:
            self._next = self._due() + 1
            self._next_audio = self._audio_due() + 1
            self._schedule()
        if self._start == "current" and not _SILENCES_VIDEO & set(self.faults):
            player.joined = player.rolling = True
            for number in range(self._key_before(self._next), self._next):
                self._send_frame(number, [player])

    def leave(self, player: Player) -> None:
        """Forget a client."""
        player.end()
        if player in self._players:
            self._players.remove(player)

    def switch(self, clip: Clip) -> None:
        """Show another clip from the next key frame on."""
        old, new = self.clip.look, clip.look
        if (old.fps, old.audio) != (new.fps, new.audio):
            words = "%d frames per second with audio %s cannot follow %d with %s"
            raise ValueError(words % (new.fps, new.audio, old.fps, old.audio))
        at = max(self._next, self._due() + 1)
        while not self._unit(at).key:
            at += 1
        self._switch = (at, clip)

    def describe(self) -> list[str]:
        """Return the media lines of the session description."""
        if self._timer is None:
            self._settle(self._due())
        media = self.clip.media
        return [*media, *media[:4]] if "second_picture" in self.faults else media

    def jump(self, seconds: float) -> None:
        """Move the RTP clock."""
        self._jumped += seconds

    def fault(self, kind: str, argument: Any) -> None:
        """Begin a fault."""
        self.faults[kind] = argument
        if kind == "constant":
            self._stuck = self._timestamp(self._due())

    def clear(self) -> None:
        """End every fault; answer what was asked meanwhile."""
        self.faults.clear()
        self._stuck = None
        parked, self.parked = self.parked, []
        for resume in parked:
            resume()

    def close(self) -> None:
        """Stop the clock."""
        if self._timer is not None:
            self._timer.cancel()

    def timestamps(self) -> dict[str, int]:
        """Return the RTP times of this moment, by track."""
        elapsed = asyncio.get_running_loop().time() - self._epoch + self._jumped
        moments = {"video": self._base + int(elapsed * CLOCK)}
        if self.clip.audio is not None:
            moments["audio"] = self._base + int(elapsed * self.clip.audio.rate)
        return moments

    def _due(self) -> int:
        return math.floor((asyncio.get_running_loop().time() - self._epoch) * self.clip.look.fps)

    def _audio_due(self) -> int:
        audio = self.clip.audio
        if audio is None:
            return 0
        return math.floor((asyncio.get_running_loop().time() - self._epoch) * audio.rate / audio.step)

    def _schedule(self) -> None:
        moment = self._epoch + self._next / self.clip.look.fps
        self._timer = asyncio.get_running_loop().call_at(moment, self._tick)

    def _tick(self) -> None:
        self._timer = None
        if not self._players:
            return
        self._report()
        due = self._due()
        while self._next <= due:
            self._frame(self._next)
            self._next += 1
        self._sound()
        self._schedule()

    def _unit(self, number: int) -> Any:
        return self.clip.units[(number - self._anchor) % len(self.clip.units)]

    def _key_before(self, number: int) -> int:
        number -= 1
        while not self._unit(number).key:
            number -= 1
        return number

    def _frame(self, number: int) -> None:
        self._settle(number)
        key = self._unit(number).key
        silent = bool(_SILENCES_VIDEO & set(self.faults))
        for player in self._players:
            player.joined = player.joined or key
            player.rolling = (player.rolling or key) and not silent
        watching = [player for player in self._players if player.rolling]
        if watching:
            self._send_frame(number, watching)

    def _settle(self, number: int) -> None:
        """Carry out a switch that is due at a frame."""
        if self._switch is not None and number >= self._switch[0]:
            self._anchor, self.clip = self._switch
            self._switch = None

    def _send_frame(self, number: int, players: list[Player]) -> None:
        unit = self._unit(number)
        wall = time.time()
        codec = self.clip.look.codec
        stamp = nal.stamp_unit(codec, nal.Stamp(self.name, number, wall, unit.checksum))
        packets = unit.head + rtp.pack(codec, [stamp]) + unit.body
        timestamp = self._stuck if self._stuck is not None else self._timestamp(number)
        spread = 0.8 / self.clip.look.fps if self._pace else 0.0
        for player in players:
            player.video(packets, timestamp, number, wall, spread)

    def _timestamp(self, number: int) -> int:
        index = (number - self._anchor) % len(self.clip.units)
        shown = number - index + self.clip.units[index].display
        return self._base + int(self._jumped * CLOCK) + shown * CLOCK // self.clip.look.fps

    def _sound(self) -> None:
        audio = self.clip.audio
        if audio is None:
            return
        due = self._audio_due()
        silent = bool(_SILENCES_AUDIO & set(self.faults))
        for index in range(self._next_audio, due + 1):
            timestamp = self._base + int(self._jumped * audio.rate) + index * audio.step
            for player in self._players:
                if player.joined and not silent:
                    player.audio(audio.packets[index % len(audio.packets)], timestamp)
        self._next_audio = max(self._next_audio, due + 1)

    def _report(self) -> None:
        now = asyncio.get_running_loop().time()
        if {"freeze", "noreports"} & set(self.faults):
            return
        moments = self.timestamps()
        for player in self._players:
            if now >= player.next_report:
                player.next_report = now + REPORT_INTERVAL
                for kind, outlet in player.outlets.items():
                    outlet.report(time.time(), moments[kind])
