"""Where the samples of an MP4 lie: progressive, fragmented, hybrid, or cut off anywhere. Standard library only.

Deliberately shares nothing with the package under test: it is the second opinion.
"""

from __future__ import annotations

import os
import struct
from typing import Any, BinaryIO, Iterator, NamedTuple

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"mvex", b"moof", b"traf"}
# Bytes of a sample entry before its own boxes (ISO 14496-12, 12.1.3 and 12.2.3).
_ENTRY_HEADER = {b"vide": 78, b"soun": 28}


class Sample(NamedTuple):
    """One frame of video or block of audio. Times in units of the track's time scale."""

    offset: int
    size: int
    decode: int
    composition: int
    key: bool


class Track:
    """A track: its samples in decoding order, and how to read them."""

    def __init__(self, number: int, kind: str, codec: str, timescale: int, config: bytes) -> None:
        self.number = number
        self.kind = kind
        self.codec = codec
        self.timescale = timescale
        self.config = config
        self.samples: list[Sample] = []
        self.defaults = (0, 0, 0)


class Box(NamedTuple):
    """A box: its type, where its content starts and ends (clamped to its surroundings), where its header starts.

    whole: it is all there
    """

    kind: bytes
    start: int
    end: int
    origin: int
    whole: bool


def boxes(stream: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; stop at whatever is not one."""
    at = start
    while at + 8 <= end:
        stream.seek(at)
        header = stream.read(16)
        size, kind = struct.unpack(">I4s", header[:8])
        skip = 8
        if size == 1 and len(header) == 16:
            size, skip = struct.unpack(">Q", header[8:])[0], 16
        elif size == 0:
            size = end - at
        if size < skip:
            return
        yield Box(kind, at + skip, min(at + size, end), at, at + size <= end)
        at += size


def tracks(path: str | os.PathLike[str]) -> list[Track]:
    """Given an MP4, return its tracks with every sample whose place is known, also those cut off by its end."""
    found: dict[int, Track] = {}
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        for box in boxes(stream, 0, size):
            if box.kind == b"moov" and box.whole:
                _movie(stream, box, found)
            elif box.kind == b"moof" and box.whole:
                _fragment(stream, box, found)
    return list(found.values())


def _children(stream: BinaryIO, box: Box) -> dict[bytes, list[Box]]:
    grouped: dict[bytes, list[Box]] = {}
    for child in boxes(stream, box.start, box.end):
        grouped.setdefault(child.kind, []).append(child)
    return grouped


def _content(stream: BinaryIO, box: Box) -> bytes:
    stream.seek(box.start)
    return stream.read(box.end - box.start)


def _movie(stream: BinaryIO, box: Box, found: dict[int, Track]) -> None:
    children = _children(stream, box)
    for trak in children.get(b"trak", []):
        track = _track(stream, trak)
        found[track.number] = track
    for mvex in children.get(b"mvex", []):
        for trex in _children(stream, mvex).get(b"trex", []):
            number, _, duration, size, flags = struct.unpack(">5I", _content(stream, trex)[4:24])
            found[number].defaults = (duration, size, flags)


def _track(stream: BinaryIO, trak: Box) -> Track:
    parts = _children(stream, trak)
    media = _children(stream, parts[b"mdia"][0])
    header = _content(stream, parts[b"tkhd"][0])
    number = struct.unpack(">I", header[20:24] if header[0] else header[12:16])[0]
    header = _content(stream, media[b"mdhd"][0])
    timescale = struct.unpack(">I", header[20:24] if header[0] else header[12:16])[0]
    kind = _content(stream, media[b"hdlr"][0])[8:12]
    table = _children(stream, _children(stream, media[b"minf"][0])[b"stbl"][0])
    entry = next(boxes(stream, table[b"stsd"][0].start + 8, table[b"stsd"][0].end))
    inner = boxes(stream, entry.start + _ENTRY_HEADER.get(kind, 0), entry.end)
    config = next((_content(stream, b) for b in inner if b.kind in (b"avcC", b"hvcC", b"esds")), b"")
    track = Track(number, kind.decode(), entry.kind.decode("latin-1"), timescale, config)
    track.samples = _table(stream, table)
    return track


def _numbers(stream: BinaryIO, table: dict[bytes, list[Box]], kind: bytes, width: str = "I") -> list[Any]:
    """Return the entries of a table whose content is version, count, entries."""
    if kind not in table:
        return []
    content = _content(stream, table[kind][0])
    entry = struct.Struct(">" + width)
    count = min(struct.unpack(">I", content[4:8])[0], (len(content) - 8) // entry.size)
    values = list(entry.iter_unpack(content[8 : 8 + count * entry.size]))
    return [value[0] for value in values] if len(width) == 1 else values


def _sizes(stream: BinaryIO, table: dict[bytes, list[Box]]) -> list[int]:
    content = _content(stream, table[b"stsz"][0])
    common, count = struct.unpack(">II", content[4:12])
    return [common] * count if common else list(struct.unpack(">%dI" % count, content[12 : 12 + 4 * count]))


def _offsets(sizes: list[int], chunks: list[int], runs: list[Any]) -> Iterator[int]:
    """Given sizes, offsets of chunks and (first chunk, samples per chunk, description) runs, yield sample offsets."""
    index = 0
    for number, offset in enumerate(chunks, 1):
        count = [run[1] for run in runs if run[0] <= number][-1]
        for size in sizes[index : index + count]:
            yield offset
            offset += size
        index += count


def _table(stream: BinaryIO, table: dict[bytes, list[Box]]) -> list[Sample]:
    sizes = _sizes(stream, table)
    chunks = _numbers(stream, table, b"stco") or _numbers(stream, table, b"co64", "Q")
    keys = set(_numbers(stream, table, b"stss"))
    steps = [delta for count, delta in _numbers(stream, table, b"stts", "II") for _ in range(count)]
    shifts = [shift for count, shift in _numbers(stream, table, b"ctts", "Ii") for _ in range(count)]
    offsets = _offsets(sizes, chunks, _numbers(stream, table, b"stsc", "III"))
    samples = []
    clock = 0
    for index, (offset, size) in enumerate(zip(offsets, sizes)):
        shift = shifts[index] if index < len(shifts) else 0
        samples.append(Sample(offset, size, clock, clock + shift, not keys or index + 1 in keys))
        clock += steps[index] if index < len(steps) else 0
    return samples


def _fragment(stream: BinaryIO, moof: Box, found: dict[int, Track]) -> None:
    for traf in _children(stream, moof).get(b"traf", []):
        parts = _children(stream, traf)
        header = _Reader(_content(stream, parts[b"tfhd"][0]))
        track = found.get(header.take("I"))
        if track is None:
            continue
        origin = base = header.take("Q") if header.flags & 0x1 else moof.origin
        header.optional(0x2, 0)
        defaults = tuple(header.optional(bit, value) for bit, value in zip((0x8, 0x10, 0x20), track.defaults))
        clock = 0
        if b"tfdt" in parts:
            moment = _Reader(_content(stream, parts[b"tfdt"][0]))
            clock = moment.take("Q" if moment.version else "I")
        for trun in parts.get(b"trun", []):
            base, clock = _run(_Reader(_content(stream, trun)), track, defaults, origin, base, clock)


def _run(run: _Reader, track: Track, defaults: Any, origin: int, base: int, clock: int) -> tuple[int, int]:
    """Add the samples of a run; return where the next run's data and time start."""
    count = run.take("I")
    at = origin + run.take("i") if run.flags & 0x1 else base
    first = run.optional(0x4, None)
    for index in range(count):
        duration = run.optional(0x100, defaults[0])
        size = run.optional(0x200, defaults[1])
        flags = run.optional(0x400, first if index == 0 and first is not None else defaults[2])
        shift = run.take("i") if run.flags & 0x800 else 0
        track.samples.append(Sample(at, size, clock, clock + shift, not flags & 0x10000))
        at += size
        clock += duration
    return at, clock


class _Reader:
    """Takes the fields of a full box one after the other."""

    def __init__(self, content: bytes) -> None:
        self.version, self.flags = content[0], int.from_bytes(content[1:4], "big")
        self._content = content
        self._at = 4

    def take(self, kind: str) -> int:
        size = struct.calcsize(">" + kind)
        field = self._content[self._at : self._at + size]
        self._at += size
        return int(struct.unpack(">" + kind, field)[0])

    def optional(self, flag: int, default: Any) -> Any:
        return self.take("I") if self.flags & flag else default
