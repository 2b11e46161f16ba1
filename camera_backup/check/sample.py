"""A few seconds of a camera's stream, as FFmpeg's `framecrc` muxer prints it: one line a packet, decoded nothing.

FFmpeg alone is enough for this (no ffprobe), and it is the very program that will record. A packet's line is
`stream, dts, pts, duration, size, checksum`, then `F=flags` unless it is a key frame and nothing else, then side data
(libavformat/framecrcenc.c, the same in 5.1, 7.1 and 9.0). Lines that begin with `#` describe the streams.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_FLAGS = re.compile(r"F=0x[0-9A-F]+\Z")
_KEY = 1  # AV_PKT_FLAG_KEY


class Stream(NamedTuple):
    """What was seen of a camera.

    video, audio: FFmpeg's codec names; None when there is no such track
    size: width and height in pixels as the stream describes itself
    sample_rate: of the audio, in Hz
    frames, seconds: how much video was seen, by its own time stamps
    bits_per_second: video and audio together
    key_interval: the longest distance between key frames in s; None when fewer than two were seen
    """

    video: str | None
    audio: str | None
    size: tuple[int, int] | None
    sample_rate: int | None
    frames: int
    seconds: float
    bits_per_second: float | None
    key_interval: float | None


class _Track:
    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.times: list[float] = []
        self.keys: list[float] = []
        self.bytes = 0

    def packet(self, fields: list[str]) -> None:
        dts, size, unit = _integer(fields[1]), _integer(fields[4]), _fraction(self.headers.get("tb", ""))
        if dts is None or size is None or unit is None:
            return
        self.bytes += size
        self.times.append(dts * unit)
        if all(int(field[2:], 16) & _KEY for field in fields[6:] if _FLAGS.match(field)):
            self.keys.append(dts * unit)

    def span(self) -> float:
        """Return the seconds seen: n frames span n - 1 steps, and the last one lasts as long as the others."""
        count = len(self.times)
        return (max(self.times) - min(self.times)) * count / (count - 1) if count > 1 else 0.0


class Sampler:
    """Takes the lines of `framecrc` as they come."""

    def __init__(self) -> None:
        self._tracks: dict[int, _Track] = {}

    def feed(self, line: str) -> None:
        """Take one line; lines that are neither header nor packet are ignored."""
        if line.startswith("#"):
            name, _, value = line[1:].partition(":")
            words = name.split(" ")
            if len(words) == 2 and words[1].isdigit():
                self._track(int(words[1])).headers[words[0]] = value.strip()
            return
        fields = [field.strip() for field in line.split(",")]
        if len(fields) >= 6 and fields[0].isdigit():
            self._track(int(fields[0])).packet(fields)

    def enough(self, seconds: float) -> bool:
        """Return whether `seconds` of video were seen and a key-frame interval is known."""
        video = self._of("video")
        return video is not None and len(video.keys) >= 2 and video.span() >= seconds

    def stream(self) -> Stream:
        """Return what was seen so far."""
        video, audio = self._of("video") or _Track(), self._of("audio") or _Track()
        span = video.span()
        steps = [later - earlier for earlier, later in zip(video.keys, video.keys[1:])]
        return Stream(
            video=video.headers.get("codec_id"),
            audio=audio.headers.get("codec_id"),
            size=_dimensions(video.headers.get("dimensions", "")),
            sample_rate=_integer(audio.headers.get("sample_rate", "")),
            frames=len(video.times),
            seconds=span,
            # Less than a second is the burst after a key frame, not a rate.
            bits_per_second=(video.bytes + audio.bytes) * 8 / span if span >= 1 else None,
            key_interval=max(steps) if steps else None,
        )

    def _track(self, index: int) -> _Track:
        return self._tracks.setdefault(index, _Track())

    def _of(self, kind: str) -> _Track | None:
        return next((track for track in self._tracks.values() if track.headers.get("media_type") == kind), None)


def _integer(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdecimal() else None


def _fraction(text: str) -> float | None:
    over, _, under = text.partition("/")
    return int(over) / int(under) if over.isdecimal() and under.isdecimal() and int(under) else None


def _dimensions(text: str) -> tuple[int, int] | None:
    across, _, down = text.partition("x")
    return (int(across), int(down)) if across.isdecimal() and down.isdecimal() else None
