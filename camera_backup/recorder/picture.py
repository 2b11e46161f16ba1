"""Notices that the camera changed its picture, by looking at the file being recorded.

FFmpeg does not: it writes the size and the decoder configuration of the first picture into every later file of its run
(measured on 5.1 and 7.1). Such a file plays where the decoder takes the parameter sets that lie between the frames, and
nowhere else. Started again, FFmpeg begins a file with the right ones.
"""

from __future__ import annotations

import os
import struct

_LOOKED_AT = 4096
"""Bytes of a fragment in which the parameter sets lie, if any do: they come before the first slice."""

_APART = 600.0
"""Seconds between two new starts for this reason: a camera that alternates is recorded all the same."""


class Picture:
    """Compares the sequence parameter sets of each fragment with those of the first one of a run of FFmpeg."""

    def __init__(self) -> None:
        self._first: list[bytes] = []
        self._path: str | None = None
        self._next = 0
        self._not_before = 0.0

    def begin(self) -> None:
        """Start anew: another FFmpeg was started."""
        self._first = []
        self._path = None

    def changed(self, path: str, codec: str | None, now: float) -> bool:
        """Given the file being recorded and what it holds (`h264`, `hevc`), return whether to start FFmpeg anew.

        now: monotonic seconds
        """
        if codec not in ("h264", "hevc"):
            return False
        if path != self._path:
            self._path, self._next = path, 0
        found: list[bytes] = []
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False  # it was closed and published meanwhile
        try:
            for start in self._fragments(descriptor):
                found = sequence_sets(os.pread(descriptor, _LOOKED_AT, start), codec) or found
                self._first = self._first or found
        finally:
            os.close(descriptor)
        if not found or found == self._first or now < self._not_before:
            return False
        self._not_before = now + _APART
        return True

    def _fragments(self, descriptor: int) -> list[int]:
        """Return where the media of each whole fragment begins that was written since the last look."""
        size = os.fstat(descriptor).st_size
        found: list[int] = []
        while True:
            head = os.pread(descriptor, 16, self._next)
            if len(head) < 16:
                return found
            length, kind, long = struct.unpack(">I4sQ", head)
            body = 16 if length == 1 else 8
            length = long if length == 1 else length
            if length < body or self._next + length > size:
                return found
            if kind == b"mdat":
                found.append(self._next + body)
            self._next += length


def sequence_sets(content: bytes, codec: str) -> list[bytes]:
    """Given the beginning of a key frame as MP4 stores it, return its sequence parameter sets (size and profile).

    The picture parameter sets are left out: encoders change them without changing the picture.
    """
    found = []
    position = 0
    while position + 5 <= len(content):
        (size,) = struct.unpack_from(">I", content, position)
        unit = content[position + 4 : position + 4 + size]
        kind = unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
        if len(unit) < size or kind in ((1, 2, 3, 4, 5) if codec == "h264" else range(32)):
            break
        if kind == (7 if codec == "h264" else 33):
            found.append(unit)
        position += 4 + size
    return found
