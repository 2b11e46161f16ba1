"""Make a closed file a segment: check, remux, hash, publish, write down. A short-lived child at low priority.

    python -m camera_backup.recorder.finish segment LOCAL STATE CAMERA FFMPEG RUN FILE [START END SILENCE]
    python -m camera_backup.recorder.finish leftovers LOCAL STATE CAMERA FFMPEG RUN

It may be killed at any point: the file in the spool is dropped last, after the segment is published and written down,
and whoever comes next can tell from link counts and hashes how far it came (I4).
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from typing import NamedTuple

from camera_backup import journal, ledger, mp4, paths, segments
from camera_backup.errors import HostError
from camera_backup.files import sync_directory
from camera_backup.recorder import remux, spool
from camera_backup.uploader import lease

_NOTHING_IN_IT = 4096
"""Bytes up to which a file without one whole sample is the mere beginning of a file, and not something damaged."""

_CLOSING_SECONDS = 10.0

_PLAUSIBLE_SECONDS = 10.0
"""A file that is so much longer or shorter than it was recorded has times that mean nothing: a clock was set."""
_REMUXED = ".remuxed"

_TOLD = 10
"""Problems of one attempt that are told."""


class Place(NamedTuple):
    """Which camera's footage, and with what tools."""

    local_path: str
    state_path: str
    camera: str
    ffmpeg: str


class Times(NamedTuple):
    """When a segment began and ended, epoch seconds. `silence`: seconds before it in which no picture came, although
    the same FFmpeg recorded.
    """

    start: float
    end: float
    silence: float = 0.0


def finish(place: Place, path: str, run: str, times: Times | None = None) -> str | None:
    """Given a file in the spool, publish it and return the segment's name; None when there was no frame in it.

    times: None for a crash's leftover; then they are read off the file
    Raise OSError or HostError when it cannot be done now; everything is still there then.
    """
    _wait_until_closed(path)
    modified = os.stat(path).st_mtime
    movie = mp4.inspect(path)
    if not any(movie.samples.values()) and os.path.getsize(path) < _NOTHING_IN_IT:
        # I4: not one sample, nor the room for one: an FFmpeg that was ended before the first frame.
        os.unlink(path)
        return None
    times = times or Times(modified - movie.duration, modified)
    ready, how = _made_pleasant(place, path, movie)
    published = movie if ready == path else mp4.inspect(ready)
    opened = segments.parse(os.path.basename(path)) or segments.Segment(int(times.start))
    record = ledger.SegmentRecord(
        name=opened._replace(damaged=how == "damaged").name,
        start=round(times.start, 3),
        end=round(times.end, 3),
        bytes=os.path.getsize(ready),
        frames=published.frames,
        sha256=_synced_hash(ready),
        how=how,
        run=run,
        silences=_silences(published, times),
    )
    record = _publish(place, ready, record)
    # I4: only now that the segment is published and written down may its source go; the remuxed file last, because
    # its link count says that it is published.
    os.unlink(path)
    if ready != path:
        os.unlink(ready)
    return record.name


def _silences(movie: mp4.Movie, times: Times) -> tuple[tuple[float, float], ...]:
    """I6: return from when to when the camera sent no picture since the segment before, epoch seconds."""
    found = [(-times.silence, 0.0)] if mp4.silent(times.silence, movie.usual) else []
    if abs(times.end - times.start - movie.video_duration) <= _PLAUSIBLE_SECONDS:
        found += movie.silences
    return tuple((round(times.start + first, 3), round(times.start + last, 3)) for first, last in found)


def _wait_until_closed(path: str) -> None:
    """Return when nobody has the file open for writing (I3); raise HostError when that does not come to pass."""
    deadline = time.monotonic() + _CLOSING_SECONDS
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while True:
            try:
                lease.check(descriptor)
                return
            except lease.StillOpen:
                if time.monotonic() > deadline:
                    raise HostError("%s: is still being written" % path) from None
            time.sleep(0.1)
    finally:
        os.close(descriptor)


def _made_pleasant(place: Place, path: str, movie: mp4.Movie) -> tuple[str, str]:
    """Return the file to publish (`path`, or a remuxed one beside it) and how it came to be.

    A file that is sound is published as it is when there is no room to make it progressive; one that is not waits.
    """
    if movie.complete and not movie.fragmented:
        return path, "complete"
    target = path + _REMUXED
    if os.path.exists(target) and os.stat(target).st_nlink == 1:
        os.unlink(target)  # I4: a killed finisher's work, not published; its source is here
    if not os.path.exists(target):
        try:
            remux.remux(place.ffmpeg, path, movie, target)
        except remux.NoRoom:
            if movie.complete:
                return path, "complete"
            raise
        except remux.NotPossible as problem:
            journal.log(journal.WARNING, "remux_failed", camera=place.camera, file=path, reason=str(problem))
            return path, "complete" if movie.complete else "damaged"
    return target, "complete" if movie.complete else "repaired"


def _synced_hash(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        os.fsync(stream.fileno())
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def _publish(place: Place, ready: str, record: ledger.SegmentRecord) -> ledger.SegmentRecord:
    """Give the file its name among the segments and write it down; return the record with the name it got."""
    events = ledger.read_tail(paths.ledger(place.state_path, place.camera))
    known = ledger.segments(events)
    for earlier in known.values():
        if earlier.sha256 == record.sha256:
            # These very bytes were published before, and the finisher killed before it could drop the source. They
            # are a segment, or proven in the bucket (I1): publishing them again would double the footage.
            return earlier
    directory = paths.footage(place.local_path, place.camera)
    name = _linked(ready, directory, record.name, set(known))
    sync_directory(directory)
    record = record._replace(name=name)
    ledger.Ledger(place.state_path, place.camera).append({"event": "segment", **record._asdict()})
    journal.log(journal.INFO, "segment", camera=place.camera, **record._asdict())
    return record


def _linked(ready: str, directory: str, name: str, taken: set[str]) -> str:
    """Link the file into the directory without overwriting (I2); return the name it got, or has had already."""
    first = segments.parse(name)
    assert first is not None
    mine = os.stat(ready)
    for copy in range(first.copy, 100_000):
        name = first._replace(copy=copy).name
        target = "%s/%s" % (directory, name)
        try:
            if name not in taken:
                os.link(ready, target)
                return name
            there = os.stat(target)
        except FileExistsError:
            there = os.stat(target)
        except FileNotFoundError:
            continue
        if (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
            return name
    raise HostError("%s: no free name is left" % directory)


class Leftovers(NamedTuple):
    """What became of the files of earlier runs.

    published: names of segments
    failed: what could not be finished now, in words
    busy: runs that somebody still works on
    """

    published: list[str]
    failed: list[str]
    busy: list[str]


def leftovers(place: Place) -> Leftovers:
    """Finish every file of runs that nobody works on any more. One that fails does not keep the others waiting."""
    found = Leftovers([], [], [])
    for run in spool.runs(place.local_path, place.camera):
        directory = os.open(run, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            # I3: a recorder, an FFmpeg or a finisher that still lives holds this lock.
            if spool.locked(directory):
                _finish_run(place, run, found)
            else:
                found.busy.append(os.path.basename(run))
        finally:
            os.close(directory)
    return found


def _finish_run(place: Place, directory: str, found: Leftovers) -> None:
    run = _recorder_of(os.path.basename(directory))
    for name in spool.recordings(directory):
        try:
            segment = finish(place, "%s/%s" % (directory, name), run)
        except (OSError, HostError) as error:
            found.failed.append(str(error))
        else:
            found.published.extend([segment] if segment else [])
    left = set(os.listdir(directory))
    for name in [name for name in left if name.endswith(_REMUXED) and name[: -len(_REMUXED)] not in left]:
        # I4: its source was dropped, so it is published (or proven) already; only this link is left.
        os.unlink("%s/%s" % (directory, name))
        left.remove(name)
    if not left:
        os.rmdir(directory)


def _recorder_of(run: str) -> str:
    """Given the directory of a run of FFmpeg, return the run of the recorder that started it."""
    return run.rpartition(".")[0]


def leftovers_in_turn(place: Place) -> list[str]:
    """Finish what can be finished, unless another process of this host finishes segments; return what was published.

    Raise OSError when something could not be finished now.
    """
    turn = os.open(paths.finishing(place.state_path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        found = leftovers(place) if spool.locked(turn) else Leftovers([], [], [])
    finally:
        os.close(turn)
    if found.failed:
        raise OSError("; ".join(_first(found.failed)))
    return found.published


def _first(problems: list[str]) -> list[str]:
    """Return so many of them as somebody reads: there may be thousands, and they are told again with every attempt."""
    more = ["and %d more of this kind" % (len(problems) - _TOLD)] if len(problems) > _TOLD else []
    return problems[:_TOLD] + more


def _step_back() -> None:
    """Let everything else go first: a segment is finished once, a second of video comes once."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 19)
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError:
        return  # a sandbox may forbid it; then it is merely impolite


def main(arguments: list[str]) -> int:
    """Do what the arguments say; return 0, or 1 when something could not be finished and has to be tried again."""
    lease.prepare()
    _step_back()
    place = Place(*arguments[1:5])
    try:
        if arguments[0] == "leftovers":
            found = leftovers(place)
            busy = [run for run in found.busy if _recorder_of(run) != arguments[5]]
            failed = found.failed + ["%s: is still in use" % run for run in busy]
        else:
            times = Times(*map(float, arguments[7:10])) if arguments[7] else None
            finish(place, arguments[6], arguments[5], times)
            failed = []
    except (OSError, HostError) as error:
        failed = [str(error)]
    for problem in _first(failed):
        journal.log(journal.ERROR, "finish_failed", camera=place.camera, error=problem)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
