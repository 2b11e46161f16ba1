"""Which files are to be uploaded, and in which order. The decisions are pure; `survey` only reads directories."""

from __future__ import annotations

import functools
import os
import re
import stat
from dataclasses import dataclass, field
from typing import Callable, Iterable, Iterator, NamedTuple, Sequence

from camera_backup.segments import CAMERA_NAME, parse

READY, YOUNG, EMPTY, FOREIGN, HIDDEN = "ready", "young", "empty", "foreign", "hidden"
"""What a directory entry is to us. Only READY is touched, ever."""


class Entry(NamedTuple):
    """A directory entry. `ours`: an ordinary file, not a link, with the name of a segment."""

    name: str
    ours: bool
    size: int = 0
    mtime_ns: int = 0
    inode: int = 0


_NAME = re.compile(r"([0-9]{8})_(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9](?:_[0-9]+)?(?:\.damaged)?\.mp4\Z")


@functools.lru_cache(maxsize=4096)
def _is_day(day: str) -> bool:
    return parse(day + "_000000.mp4") is not None


def is_segment(name: str) -> bool:
    """Say whether a name is that of a segment: what `segments.parse` says, ten times as fast for 100,000 files."""
    match = _NAME.match(name)
    if match is None or not _is_day(match[1]):
        return False
    return len(name) == 19 or parse(name) is not None


def classify(entry: Entry, now: float, min_age: float) -> str:
    """Given a directory entry and the time, say what it is to us.

    A time of change in the future means that the clock was set back: waiting for it could take years. That nobody
    writes to the file any more is seen by other means anyway (I3).
    """
    if not entry.ours:
        return HIDDEN if entry.name.startswith(".") else FOREIGN
    if entry.size == 0:
        return EMPTY
    age = now - entry.mtime_ns / 1e9
    return READY if age >= min_age or age < -max(min_age, 60) else YOUNG


def interleave(queues: Sequence[Sequence[str]], newest_first: bool = False) -> list[tuple[int, str]]:
    """Given the names of several cameras, return (camera's index, name): all firsts, then all seconds, ….

    Within a round the oldest comes first, or the newest. So a camera with a long backlog keeps no other from being
    uploaded.
    """
    rounds = range(max(map(len, queues), default=0))
    turns = ([(queue[turn], index) for index, queue in enumerate(queues) if turn < len(queue)] for turn in rounds)
    return [(index, name) for turn in turns for name, index in sorted(turn, reverse=newest_first)]


@dataclass
class Camera:
    """What the directory of a camera holds.

    newest_first: whether the newest are to go first
    first: the names of those that are ready and go first, in that order; earliest: the oldest name of all
    """

    name: str
    newest_first: bool = False
    segments: int = 0
    bytes: int = 0
    young: int = 0
    left_alone: int = 0
    example: str = ""
    fingerprint: int = 0
    first: list[str] = field(default_factory=list)
    earliest: str = ""
    _last: str = ""

    def add(self, entry: Entry, kind: str, limit: int) -> None:
        """Count an entry in; keep its name if it is among the first `limit`."""
        if kind == READY:
            self.segments += 1
            self.bytes += entry.size
            # A sum does not mind the order in which a directory is read.
            self.fingerprint += hash((self.name, entry.name, entry.inode, entry.size, entry.mtime_ns))
            if not self.earliest or entry.name < self.earliest:
                self.earliest = entry.name
            if not self._last or (entry.name > self._last if self.newest_first else entry.name < self._last):
                self.first.append(entry.name)
                if len(self.first) >= 2 * limit:
                    self.trim(limit)
        elif kind == YOUNG:
            self.young += 1
        elif kind in (FOREIGN, EMPTY):
            self.left_alone += 1
            self.example = self.example or entry.name

    def trim(self, limit: int) -> None:
        """Forget all names but the first `limit`."""
        self.first.sort(reverse=self.newest_first)
        del self.first[limit:]
        if len(self.first) == limit:
            self._last = self.first[-1]


@dataclass
class Survey:
    """What waits on this host."""

    cameras: list[Camera]

    @property
    def segments(self) -> int:
        """How many segments are ready."""
        return sum(camera.segments for camera in self.cameras)

    @property
    def bytes(self) -> int:
        """How large they are."""
        return sum(camera.bytes for camera in self.cameras)

    @property
    def young(self) -> int:
        """How many are not old enough yet."""
        return sum(camera.young for camera in self.cameras)

    @property
    def fingerprint(self) -> int:
        """Differs, within this process, when anything about the ready segments differs."""
        return sum(camera.fingerprint for camera in self.cameras) & 0xFFFFFFFFFFFFFFFF

    @property
    def oldest_start(self) -> int | None:
        """When the oldest of them began, in seconds since the epoch."""
        found = [parse(camera.earliest) for camera in self.cameras if camera.earliest]
        return min((segment.start for segment in found if segment), default=None)

    def candidates(self) -> list[tuple[str, str]]:
        """Return (camera, name) of the first ones, in the order in which they are to be uploaded."""
        queues = [camera.first for camera in self.cameras]
        newest_first = any(camera.newest_first for camera in self.cameras)
        return [(self.cameras[i].name, name) for i, name in interleave(queues, newest_first)]

    def backlog(self) -> dict[str, int | None]:
        """Return it as the live status shows it."""
        return {"segments": self.segments, "bytes": self.bytes, "oldest_start": self.oldest_start}


Wanted = Callable[[str, Entry], bool]


def survey(
    local_path: str,
    now: float,
    min_age: float,
    limit: int,
    wanted: Wanted | None = None,
    newest_first: bool = False,
) -> Survey:
    """Given the directory of the footage, return what is ready in the directory of every camera, configured or not.

    limit: how many names to keep of each camera; wanted: says whether a ready entry of a camera is to be uploaded.
    Raise OSError when `local_path` itself cannot be read.
    """
    cameras = [Camera(name, newest_first) for name in camera_names(local_path)]
    for camera in cameras:
        _look(camera, "%s/%s" % (local_path, camera.name), now, min_age, limit, wanted)
    return Survey(cameras)


def camera_names(local_path: str) -> list[str]:
    """Return the names of the directories that can be a camera's; raise OSError."""
    with os.scandir(local_path) as entries:
        return sorted(e.name for e in entries if CAMERA_NAME.match(e.name) and e.is_dir(follow_symlinks=False))


def _look(camera: Camera, directory: str, now: float, min_age: float, limit: int, wanted: Wanted | None) -> None:
    for entry in _entries(directory):
        kind = classify(entry, now, min_age)
        if kind != READY or wanted is None or wanted(camera.name, entry):
            camera.add(entry, kind, limit)
    camera.trim(limit)


def _entries(directory: str) -> Iterator[Entry]:
    try:
        found = os.scandir(directory)
    except OSError:
        return  # removed meanwhile, or not ours to read
    with found:
        yield from _described(found)


def _described(found: Iterable[os.DirEntry[str]]) -> Iterator[Entry]:
    for entry in found:
        if not is_segment(entry.name):
            yield Entry(entry.name, ours=False)
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield Entry(entry.name, stat.S_ISREG(status.st_mode), status.st_size, status.st_mtime_ns, status.st_ino)
