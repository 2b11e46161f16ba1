"""Which of the camera's frames a recording holds: missing, doubled, torn. Standard library only.

    account(["a.mp4", "b.mp4"], camera.sent())  ->  Account(recorded, missing, doubled, torn, …)

Reads progressive, fragmented, hybrid and cut-off MP4s of the simulated camera (tests/simulators/camera), H.264 and
H.265, with and without B-frames. As a program: `python -m tests.support.frames FILE…` prints one line a file and a sum.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from typing import Iterable, Iterator, NamedTuple, Sequence

from tests.support import nal, samples

_CODECS = {"avc1": "h264", "avc3": "h264", "hvc1": "h265", "hev1": "h265"}
_LENGTH_SIZE_AT = {"h264": 4, "h265": 21}


class Frame(NamedTuple):
    """One frame of a recording.

    mount: the camera's name; empty when the frame carries no readable stamp
    number: the camera's number of it, in decoding order; -1 without a stamp
    wall: seconds since the epoch at which the camera sent it
    intact: every slice is there, unaltered
    key: decoding can start here
    """

    mount: str
    number: int
    wall: float
    intact: bool
    key: bool


class Account(NamedTuple):
    """What became of the frames a camera sent. Numbers are ascending unless said otherwise.

    recorded: numbers of the intact frames, in the order of the files
    missing: sent, not recorded, although frames before and after are: the footage that was lost
    doubled: recorded more than once
    torn: frames that are damaged, or carry no number (-1)
    unsent: never sent although frames before and after are recorded: the camera was silent or nobody listened
    head: sent before the first recorded frame, and not recorded
    tail: sent after the last recorded frame, and not recorded
    unknown: recorded, but never sent to anybody
    disorder: numbers that follow a larger one in the order of the files
    """

    recorded: list[int]
    missing: list[int]
    doubled: list[int]
    torn: list[Frame]
    unsent: list[int]
    head: list[int]
    tail: list[int]
    unknown: list[int]
    disorder: list[int]

    @property
    def holes(self) -> list[tuple[int, int]]:
        """First and last number of every hole between recorded frames, whatever its cause."""
        have = sorted(set(self.recorded))
        return [(before + 1, after - 1) for before, after in zip(have, have[1:]) if after > before + 1]

    @property
    def clean(self) -> bool:
        """Whether nothing is missing, doubled, torn, unknown or out of order."""
        return not (self.missing or self.doubled or self.torn or self.unknown or self.disorder)

    def __str__(self) -> str:
        numbers = {**self._asdict(), "torn": [frame.number for frame in self.torn]}
        counts = ["%s %s" % (name, brief(value)) for name, value in numbers.items() if value]
        return ", ".join(counts) or "nothing recorded"


def frames(path: str | os.PathLike[str]) -> list[Frame]:
    """Given an MP4, whole or cut off, return the frames of its video track in decoding order.

    A file in which no video track can be found (a killed progressive MP4, an empty file) has no frames.
    """
    video = [track for track in samples.tracks(path) if track.kind == "vide" and track.codec in _CODECS]
    if not video:
        return []
    codec = _CODECS[video[0].codec]
    length_size = (video[0].config[_LENGTH_SIZE_AT[codec]] & 3) + 1
    found: list[Frame] = []
    with open(path, "rb") as stream:
        for sample in video[0].samples:
            stream.seek(sample.offset)
            content = stream.read(sample.size)
            if content:
                found += _frames_of_sample(codec, nal.split(content, length_size), sample.key)
    return found


def _frames_of_sample(codec: str, units: Sequence[bytes], key: bool) -> Iterator[Frame]:
    """Yield the frames of one sample: normally one, more where a torn stream made a muxer merge them."""
    stamp = None
    slices: list[bytes] = []
    for unit in units:
        read = nal.read_stamp(codec, unit) if nal.is_message(codec, unit) else None
        if read is not None:
            if stamp is not None or slices:
                yield _frame(stamp, slices, key)
            stamp, slices = read, []
        elif nal.is_slice(codec, unit):
            slices.append(unit)
    yield _frame(stamp, slices, key)


def _frame(stamp: nal.Stamp | None, slices: Sequence[bytes], key: bool) -> Frame:
    if stamp is None:
        return Frame("", -1, 0.0, False, key)
    return Frame(stamp.mount, stamp.number, stamp.wall, nal.checksum(slices) == stamp.checksum, key)


def account(files: Iterable[str | os.PathLike[str]], sent: Iterable[object], mount: str | None = None) -> Account:
    """Given recordings in order and what the camera sent, return what became of the frames.

    sent: sessions (`camera.sent()`), or plain (first, last) pairs of frame numbers, both inclusive
    mount: count only frames of this camera, and those without a stamp
    """
    held = [frame for path in files for frame in frames(path)]
    return settle([f for f in held if mount is None or f.mount in (mount, "")], sent)


def settle(held: Sequence[Frame], sent: Iterable[object]) -> Account:
    """Given the frames of a recording in order, and what the camera sent, return what became of them. Pure."""
    recorded = [frame.number for frame in held if frame.intact]
    have = set(recorded)
    given = {number for first, last in _runs(sent) for number in range(first, last + 1)}
    first, last = (min(have), max(have)) if have else (sys.maxsize, sys.maxsize)
    lost = sorted(given - have)
    return Account(
        recorded=recorded,
        missing=[n for n in lost if first < n < last],
        doubled=sorted(n for n, count in Counter(recorded).items() if count > 1),
        torn=[frame for frame in held if not frame.intact],
        unsent=[n for n in range(first, last) if n not in given and n not in have] if have else [],
        head=[n for n in lost if n < first],
        tail=[n for n in lost if n > last],
        unknown=sorted(have - given),
        disorder=[after for before, after in zip(recorded, recorded[1:]) if after < before],
    )


def _runs(sent: Iterable[object]) -> Iterator[tuple[int, int]]:
    for item in sent:
        for run in getattr(item, "runs", [item]):
            yield run[0], run[1]


def brief(numbers: Sequence[int]) -> str:
    """Given frame numbers, return their count and their ranges, e.g. `4 (7-9, 12)`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    texts = ["%d" % a if a == b else "%d-%d" % (a, b) for a, b in ranges[:8]]
    return "%d (%s%s)" % (len(numbers), ", ".join(texts), ", …" if len(ranges) > 8 else "")


def main(arguments: Sequence[str]) -> int:
    """Print which frames each file holds, and what is missing, doubled or torn over all of them; 1 if anything is."""
    if not arguments or arguments[0].startswith("-"):
        sys.stdout.write("usage: python -m tests.support.frames FILE…\n" + (__doc__ or ""))
        return 0 if arguments[:1] == ["--help"] else 2
    mounts: dict[str, list[Frame]] = {}
    for path in arguments:
        held = frames(path)
        sys.stdout.write("%s: %s\n" % (path, brief([frame.number for frame in held])))
        for frame in held:
            mounts.setdefault(frame.mount, []).append(frame)
    clean = True
    for mount, held in sorted(mounts.items()):
        numbers = [frame.number for frame in held if frame.intact]
        total = settle(held, [(min(numbers), max(numbers))] if numbers else [])
        clean = clean and total.clean
        sys.stdout.write("%s: %s\n" % (mount or "(no stamp)", total))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
