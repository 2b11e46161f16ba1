"""What an MP4 file holds, judged by its boxes alone (ISO/IEC 14496-12). Standard library only, nothing is decoded.

    ftyp moov mdat              progressive: one index, all samples in it
    ftyp free mdat moov         likewise: how FFmpeg finishes `hybrid_fragmented`, the index last
    ftyp moov (moof mdat)* mfra fragmented: every moof indexes the mdat behind it; one cut short has no mfra

The file may have been written by a crash, so every number in it is doubted.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Iterator, NamedTuple

_CODECS = {"avc1": "h264", "avc3": "h264", "hvc1": "hevc", "hev1": "hevc", "av01": "av1", "mp4v": "mpeg4"}

# No recording of ours comes near these; a file that claims more is lying, and must not cost us the memory.
_MOST_BOXES = 1_000_000
_MOST_SAMPLES = 10_000_000
_LARGEST_TABLE = 128 << 20

_SILENT_SECONDS = 3.0
"""From here on a picture that stands still is a silence. Less is what a bad line does to a good camera."""


@dataclass(frozen=True)
class Movie:
    """What `inspect` found.

    complete: the boxes end exactly at the end of the file and the recording was finished by its muxer
    fragmented: the index is spread over the file; few players can seek in it
    duration: seconds, of the longest track
    samples: track id → number of samples whose bytes are all there, in the order of the tracks
    video_track: id of the first video track, or None
    video_codec: `h264`, `hevc`, `av1`, `mpeg4`, or the four characters of the sample entry; None without video
    reason: why the file is not complete; empty when it is
    sound_bytes: the end of the last whole sample; what follows in an incomplete file is a torn one
    The rest is said of the first video track of a progressive file; of others it is 0 and ():
    video_duration: seconds; usual: seconds for which most of its frames are shown
    silences: from when to when the picture stood still, seconds since the beginning
    """

    complete: bool
    fragmented: bool
    duration: float
    samples: dict[int, int]
    video_track: int | None
    video_codec: str | None
    reason: str
    sound_bytes: int
    video_duration: float = 0.0
    usual: float = 0.0
    silences: tuple[tuple[float, float], ...] = ()

    @property
    def frames(self) -> int:
        """Number of whole video frames."""
        return self.samples.get(self.video_track, 0) if self.video_track is not None else 0


class _Malformed(Exception):
    """The bytes contradict themselves; the text says how. Never leaves this module."""


class _Box(NamedTuple):
    kind: bytes
    start: int
    body: int
    end: int


class _Run(NamedTuple):
    """Samples that lie one behind the other."""

    track: int
    offset: int
    sizes: tuple[int, ...]

    def whole(self, size: int) -> tuple[int, int]:
        """Given the size of the file, return how many samples are all inside, and where the last of them ends."""
        ends = [end for end in accumulate(self.sizes, initial=self.offset) if end <= size]
        return max(len(ends) - 1, 0), ends[-1] if len(ends) > 1 else 0


@dataclass
class _Track:
    kind: bytes = b""
    codec: str = ""
    timescale: int = 0
    samples: int = 0
    ticks: int = 0
    begin: int | None = None
    default_duration: int = 0
    default_size: int = 0
    table: _Box | None = None


@dataclass
class _State:
    descriptor: int
    size: int
    tracks: dict[int, _Track] = field(default_factory=dict)
    movie_seconds: float = 0.0
    sound: int = 0

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes [start, end), all of them; raise _Malformed when they are not there."""
        if not 0 <= end - start <= _LARGEST_TABLE or end > self.size:
            raise _Malformed("a box is larger than the file")
        content = os.pread(self.descriptor, end - start, start)
        if len(content) != end - start:
            raise _Malformed("the file shrank while it was read")
        return content

    def numbers(self, layout: str, offset: int) -> tuple[int, ...]:
        return struct.unpack(layout, self.read(offset, offset + struct.calcsize(layout)))


_BLOCK = 1 << 16
_ZEROS = 512
"""A sector. Fewer zeros may be the end of a sample."""


def inspect(path: str | os.PathLike[str]) -> Movie:
    """Given a file, return what it holds; raise OSError when it cannot be read, and nothing else, whatever it holds."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        movie = _inspect(_State(descriptor, size))
        written = size if movie.complete else _written(descriptor, size)
        if size - written < _ZEROS:
            return movie
        return replace(_inspect(_State(descriptor, written)), complete=False, reason=movie.reason)
    finally:
        os.close(descriptor)


def silent(seconds: float, usual: float) -> bool:
    """Given for how long no picture came, and how far apart they usually are, return whether that is a silence."""
    return seconds >= max(_SILENT_SECONDS, 4 * usual)


def _spans(state: _State, video: _Track) -> list[tuple[int, float]]:
    """Return (how many frames, for how many seconds each is shown), in their order; none without a table of that."""
    if video.table is None or not video.timescale:
        return []
    try:
        table = next((box for box in _inside(state, video.table) if box.kind == b"stts"), None)
        numbers = _table(state, table, ">II")
    except _Malformed:
        return []
    spans = [(count, ticks / video.timescale) for count, ticks in zip(numbers[::2], numbers[1::2])]
    return spans if sum(count for count, _ in spans) <= _MOST_SAMPLES else []


def _usual(spans: list[tuple[int, float]]) -> float:
    """Return for how long the frame in the middle is shown; 0 for none."""
    half, seen = sum(count for count, _ in spans) / 2, 0
    for count, seconds in sorted(spans, key=lambda span: span[1]):
        seen += count
        if seen >= half:
            return seconds
    return 0.0


def _silences(spans: list[tuple[int, float]], usual: float) -> tuple[tuple[float, float], ...]:
    moment = 0.0
    found: list[tuple[float, float]] = []
    for count, seconds in spans:
        if silent(seconds, usual):
            found += [(moment + n * seconds, moment + (n + 1) * seconds) for n in range(count)]
        moment += count * seconds
    return tuple(found)


def _written(descriptor: int, size: int) -> int:
    """Return where the zeros begin with which a file ends: after a power cut it may have its length without the rest of
    its content, and a sample of zeros is no sample.
    """
    while size:
        start = max(0, size - _BLOCK)
        block = os.pread(descriptor, size - start, start).rstrip(b"\0")
        if block:
            return start + len(block)
        size = start
    return 0


def _inspect(state: _State) -> Movie:
    kinds: list[bytes] = []
    reason = ""
    try:
        for box in _boxes(state, 0, state.size):
            if box.kind == b"moov":
                _read_index(state, box)
            elif box.kind == b"moof":
                _read_fragment(state, box)
            kinds.append(box.kind)
            if box.end > state.size:
                raise _Malformed("cut short inside %s" % _text(box.kind))
    except _Malformed as problem:
        reason = str(problem)
    fragmented = b"moof" in kinds
    reason = reason or _unfinished(kinds, fragmented)
    if reason and not fragmented:
        _count_whole_of_tables(state)
    video = next((number for number, track in state.tracks.items() if track.kind == b"vide"), None)
    spans = _spans(state, state.tracks[video]) if video is not None else []
    usual = _usual(spans)
    return Movie(
        complete=not reason,
        fragmented=fragmented,
        duration=_duration(state),
        samples={number: track.samples for number, track in state.tracks.items()},
        video_track=video,
        video_codec=_CODECS.get(state.tracks[video].codec, state.tracks[video].codec) if video is not None else None,
        reason=reason,
        sound_bytes=state.sound if reason else state.size,
        video_duration=sum(count * seconds for count, seconds in spans),
        usual=usual,
        silences=_silences(spans, usual),
    )


def _unfinished(kinds: list[bytes], fragmented: bool) -> str:
    if b"moov" not in kinds:
        return "has no index (moov)" if kinds else "is empty"
    if fragmented and kinds[-1] != b"mfra":
        return "the recording was cut short (no mfra)"
    return ""


def _boxes(state: _State, start: int, end: int) -> Iterator[_Box]:
    """Yield the boxes of [start, end) of the file. The last one may reach beyond `end`."""
    for _ in range(_MOST_BOXES):
        if start == end:
            return
        if end - start < 8:
            raise _Malformed("ends inside the header of a box")
        length, kind = struct.unpack(">I4s", state.read(start, start + 8))
        body = start + 8
        if length == 1:
            (length,) = state.numbers(">Q", body)
            body += 8
        if length < body - start or not all(0x20 <= byte < 0x7F for byte in kind):
            raise _Malformed("holds no box at byte %d" % start)
        yield _Box(kind, start, body, start + length)
        start += length
        if start > end:
            return
    raise _Malformed("has more than %d boxes" % _MOST_BOXES)


def _inside(state: _State, box: _Box) -> Iterator[_Box]:
    """Yield the boxes inside a box; raise _Malformed when one reaches out of it."""
    if box.end > state.size:
        raise _Malformed("cut short inside %s" % _text(box.kind))
    for inner in _boxes(state, box.body, box.end):
        if inner.end > box.end:
            raise _Malformed("%s reaches out of %s" % (_text(inner.kind), _text(box.kind)))
        yield inner


def _descend(state: _State, box: _Box, *path: bytes) -> Iterator[_Box]:
    """Yield every box reached by following `path` from inside `box`."""
    for inner in _inside(state, box):
        if inner.kind == path[0]:
            if len(path) == 1:
                yield inner
            else:
                yield from _descend(state, inner, *path[1:])


def _text(kind: bytes) -> str:
    return kind.decode("ascii", "replace")


def _read_index(state: _State, moov: _Box) -> None:
    state.sound = max(state.sound, min(moov.end, state.size))
    for box in _inside(state, moov):
        if box.kind == b"mvhd":
            timescale, ticks = _scaled(state, box, 12, 20)
            state.movie_seconds = ticks / timescale if timescale else 0.0
        elif box.kind == b"trak":
            _read_track(state, box)
    for box in _descend(state, moov, b"mvex", b"trex"):
        number, _, ticks, size = state.numbers(">4I", box.body + 4)
        track = state.tracks.setdefault(number, _Track())
        track.default_duration, track.default_size = ticks, size


def _scaled(state: _State, box: _Box, short: int, long: int) -> tuple[int, int]:
    """Return (timescale, duration) of an mvhd or mdhd, whose layout depends on its version."""
    if state.numbers(">B", box.body)[0] == 1:
        timescale, ticks = state.numbers(">IQ", box.body + long)
    else:
        timescale, ticks = state.numbers(">II", box.body + short)
    return timescale, ticks


def _read_track(state: _State, trak: _Box) -> None:
    track = _Track()
    number = 0
    for box in _descend(state, trak, b"tkhd"):
        version = state.numbers(">B", box.body)[0]
        (number,) = state.numbers(">I", box.body + (20 if version == 1 else 12))
    for box in _descend(state, trak, b"mdia", b"mdhd"):
        track.timescale, track.ticks = _scaled(state, box, 12, 20)
    for box in _descend(state, trak, b"mdia", b"hdlr"):
        track.kind = state.read(box.body + 8, box.body + 12)
    for box in _descend(state, trak, b"mdia", b"minf", b"stbl"):
        track.table = box
        for inner in _inside(state, box):
            if inner.kind in (b"stsz", b"stz2"):
                (track.samples,) = state.numbers(">I", inner.body + 8)
            elif inner.kind == b"stsd" and state.numbers(">I", inner.body + 4)[0]:
                track.codec = state.read(inner.body + 12, inner.body + 16).decode("latin-1")
    state.tracks[number] = track


def _read_fragment(state: _State, moof: _Box) -> None:
    following = moof.start
    for traf in _descend(state, moof, b"traf"):
        following = _read_track_fragment(state, traf, moof.start, following)


def _read_track_fragment(state: _State, traf: _Box, moof_start: int, following: int) -> int:
    """Count the samples of one track in one fragment; return where the next track's data begins by default."""
    track, number, base = _Track(), 0, following
    defaults = (0, 0)
    for box in _inside(state, traf):
        if box.kind == b"tfhd":
            number, explicit, defaults = _fragment_header(state, box)
            track = state.tracks.setdefault(number, _Track())
            defaults = (defaults[0] or track.default_duration, defaults[1] or track.default_size)
            base = moof_start if explicit is None else explicit
            following = base
        elif box.kind == b"tfdt":
            version = state.numbers(">B", box.body)[0]
            (begin,) = state.numbers(">Q" if version == 1 else ">I", box.body + 4)
            track.begin = begin if track.begin is None else track.begin
            track.ticks = max(track.ticks, begin - track.begin)
        elif box.kind == b"trun":
            run, ticks = _run(state, box, number, base, following, defaults)
            count, end = run.whole(state.size)
            state.sound = max(state.sound, end)
            track.samples += count
            track.ticks += sum(ticks[:count])
            following = run.offset + sum(run.sizes)
    return following


def _fragment_header(state: _State, tfhd: _Box) -> tuple[int, int | None, tuple[int, int]]:
    """Return the track's id, the explicit base of offsets or None, and the default (duration, size)."""
    word, number = state.numbers(">II", tfhd.body)
    flags, position = word & 0xFFFFFF, tfhd.body + 8
    base = None
    if flags & 0x1:
        (base,) = state.numbers(">Q", position)
        position += 8
    values = {}
    for flag in (0x2, 0x8, 0x10):  # sample description, default duration, default size
        if flags & flag:
            (values[flag],) = state.numbers(">I", position)
            position += 4
    return number, base, (values.get(0x8, 0), values.get(0x10, 0))


def _run(
    state: _State, trun: _Box, track: int, base: int, following: int, defaults: tuple[int, int]
) -> tuple[_Run, tuple[int, ...]]:
    """Return the samples a trun describes, and their durations in ticks."""
    word, count = state.numbers(">II", trun.body)
    flags, position, offset = word & 0xFFFFFF, trun.body + 8, following
    if flags & 0x1:
        offset = base + state.numbers(">i", position)[0]
        position += 4
    if flags & 0x4:
        position += 4
    fields = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
    if count > _MOST_SAMPLES or position + count * len(fields) * 4 > trun.end or offset < 0:
        raise _Malformed("a fragment describes samples it cannot hold")
    values = state.numbers(">%dI" % (count * len(fields)), position) if fields else ()
    ticks = values[fields.index(0x100) :: len(fields)] if 0x100 in fields else (defaults[0],) * count
    sizes = values[fields.index(0x200) :: len(fields)] if 0x200 in fields else (defaults[1],) * count
    return _Run(track, offset, sizes), ticks


def _count_whole_of_tables(state: _State) -> None:
    """For a file cut short whose index came first: count only the samples that are there."""
    for number, track in state.tracks.items():
        if track.table is None or not track.samples:
            continue
        track.samples = 0
        try:
            for run in _table_runs(state, number, track.table):
                count, end = run.whole(state.size)
                track.samples += count
                state.sound = max(state.sound, end)
        except _Malformed:
            continue


def _table_runs(state: _State, number: int, stbl: _Box) -> Iterator[_Run]:
    """Yield the chunks of a track as stsz (sizes), stsc (samples of a chunk) and stco/co64 (offsets) describe them."""
    tables = {box.kind: box for box in _inside(state, stbl)}
    sizes = _sizes(state, tables.get(b"stsz"))
    offsets = _table(state, tables.get(b"stco"), ">I") or _table(state, tables.get(b"co64"), ">Q")
    spread = _table(state, tables.get(b"stsc"), ">III")
    position = 0
    for index in range(0, len(spread), 3):
        first, of_each = spread[index], spread[index + 1]
        last = spread[index + 3] - 1 if index + 3 < len(spread) else len(offsets)
        for offset in offsets[max(first - 1, 0) : last]:
            yield _Run(number, offset, sizes[position : position + of_each])
            position += of_each


def _table(state: _State, box: _Box | None, entry: str) -> tuple[int, ...]:
    """Return the numbers of a table of equal entries, or nothing when there is no such table."""
    if box is None:
        return ()
    (count,) = state.numbers(">I", box.body + 4)
    if box.body + 8 + count * struct.calcsize(entry) > box.end:
        raise _Malformed("%s is shorter than it says" % _text(box.kind))
    return state.numbers(">" + entry[1:] * count, box.body + 8)


def _sizes(state: _State, stsz: _Box | None) -> tuple[int, ...]:
    if stsz is None:
        return ()
    same, count = state.numbers(">II", stsz.body + 4)
    if count > _MOST_SAMPLES or (not same and stsz.body + 12 + count * 4 > stsz.end):
        raise _Malformed("stsz is shorter than it says")
    return (same,) * count if same else state.numbers(">%dI" % count, stsz.body + 12)


def _duration(state: _State) -> float:
    tracks = state.tracks.values()
    return max([state.movie_seconds, *(track.ticks / track.timescale for track in tracks if track.timescale)])
