"""One run of FFmpeg: start it, drain its pipes, remember what it said."""

from __future__ import annotations

import os
import signal

from camera_backup import journal
from camera_backup.recorder import children, output
from camera_backup.recorder.wallclock import Cuts, LastFrame, Pace, WallClock, frozen_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence

    from camera_backup.recorder.spool import RunDirectory

_LINES_A_MINUTE = 20
_SOON = 2.0  # seconds from a read that failed to the end of its file; a busy host is late
_OVER_IT = 10.0  # seconds after which an FFmpeg that still delivers frames has got over an error


class Closed:
    """A segment that FFmpeg finished.

    start, end: epoch seconds, None when nobody knows
    silence: seconds before it in which no picture came
    """

    def __init__(self, path: str, start: float | None, end: float | None, silence: float = 0.0) -> None:
        self.path = path
        self.start = start
        self.end = end
        self.silence = silence


class Recording:
    """A running FFmpeg.

    frames: video frames so far
    last_frame: monotonic time at which that number last grew
    out_of_time: the time stamps of the stream left the real time, and FFmpeg cannot follow
    last_media: epoch seconds up to which there is media, None before the first
    codecs: "Video" and "Audio" → codec, as FFmpeg announced them; videos: how many pictures the camera offers
    reason: why it failed, as far as it told; said: the same for people, without secrets
    segment: (path, epoch seconds of its opening) of the file it writes, None when there is none yet
    done: segments it finished and nobody took yet
    """

    def __init__(
        self, command: Sequence[str], script: str, directory: RunDirectory, now: float, patience: float
    ) -> None:
        """Start it; raise OSError when that fails. patience: seconds of silence after which a read of it fails."""
        self.directory = directory
        self._patience = patience
        self._started = now
        self._reports = 0
        self.frames = 0
        self.last_frame = now
        self.last_media: float | None = None
        self.codecs: dict[str, str] = {}
        self.videos = 0
        self._input_over = False
        self.reason: output.Reason | None = None
        self._reason_at = now
        self.said: str | None = None
        self.segment: tuple[str, float] | None = None
        self._paths: dict[int, str] = {}
        self.done: list[Closed] = []
        self.wall = WallClock()
        self.out_of_time = False
        self._arrival = LastFrame(now)
        self._pace = Pace()
        self._cuts = Cuts(now)
        self._opening: tuple[int, float] | None = None
        self._quota = _Quota(now)
        self._progress = output.Progress()
        self.pid = self._start(command, script)

    def _start(self, command: Sequence[str], script: str) -> int:
        ends = [os.pipe() for _ in range(4)]
        (stdin, ours), theirs = ends[0], [write for _, write in ends[1:]]
        environment = {"TZ": "UTC", "LC_ALL": "C", "PATH": os.defpath}
        # FFmpeg inherits the directory's descriptor and with it the lock: see spool.
        numbers = [2, 3, 4]
        try:
            pid = children.spawn(
                children.dying_with_us(command),
                environment,
                {0: stdin, **dict(zip(numbers, theirs)), 5: self.directory.descriptor},
            )
            os.write(ours, script.encode())
        except OSError:
            for read, _ in ends[1:]:
                os.close(read)
            raise
        finally:
            for descriptor in (stdin, ours, *theirs):
                os.close(descriptor)
        self.stderr, self.progress, self.list = (children.Lines(read) for read, _ in ends[1:])
        return pid

    @property
    def pipes(self) -> tuple[children.Lines, children.Lines, children.Lines]:
        """The pipes to be drained."""
        return self.stderr, self.progress, self.list

    def drain(self, now: float, wall: float) -> None:
        """Take everything FFmpeg has said since. now: monotonic; wall: epoch seconds."""
        # Read first and heard last: the list then tells of every cut that came before these reports.
        reports = self.progress.read()
        for text in self.stderr.read():
            self._hear(text, now, wall)
        for text in self.list.read():
            self._close(text, now, wall)
        self._name()
        for text in reports:
            if self._progress.feed(text):
                self._report(now, wall)

    def _close(self, text: str, now: float, wall: float) -> None:
        told = output.closed(text)
        if told is None:
            return
        number, start, end = told
        self._name()
        path = self._paths.pop(number, None) or self.directory.name(number, wall)
        quiet = now - self.last_frame
        if self._froze_early(now):
            quiet = frozen_for(end, now - self._started, self._patience)
            self.wall = WallClock()
            self.wall.report(end, wall - quiet, now - quiet)
        silence = self._cuts.silence(start, end, now)
        begin, self.last_media = self.wall.closed(start, end, wall, now, quiet)
        if path is not None:
            self.done.append(Closed(path, begin, self.last_media, silence))
        if self.segment is not None and self.segment[0] == path:
            self.segment = None

    def _froze_early(self, now: float) -> bool:
        """Return whether the camera froze while FFmpeg looked at its stream, or so soon after that no second report
        tells when the stream began: the first has all that FFmpeg had kept to itself, and its own time.
        """
        timed_out = self.reason is not None and self.reason.cause == output.TIMED_OUT
        return timed_out and now - self._reason_at < _SOON and self._reports < 2

    def _name(self) -> None:
        """Name the file that FFmpeg said it opens; it says so before it does, so the file may have to be waited for."""
        if self._opening is None:
            return
        number, moment = self._opening
        path = self.directory.name(number, moment)
        if path is not None:
            self._paths[number] = path
            self.segment = path, moment
            self._opening = None

    def _hear(self, text: str, now: float, wall: float) -> None:
        line = output.Line(text)
        if line.opened is not None:
            self._name()
            self._opening = line.opened, wall
        self._input_over = self._input_over or line.input_over
        if line.stream is not None:
            kind, codec = line.stream
            self.codecs.setdefault(kind, codec)
            self.videos += kind == "Video" and not self._input_over
        reason = line.reason
        if reason is not None and (self.reason is None or reason.rank <= self.reason.rank):
            self.reason, self.said, self._reason_at = reason, journal.redact(reason.text), now
        elif self.reason is None and line.priority <= journal.ERROR:
            self.said = journal.redact(line.text)
        # Why a camera cannot be reached is told once, by the supervisor, and not at every attempt.
        if line.priority <= journal.WARNING and (self.frames or reason is None):
            self._quota.log(line, now)
        else:
            journal.log(journal.DEBUG, "ffmpeg", text=line.text)

    def _report(self, now: float, wall: float) -> None:
        frames, stream_time = self._progress.frames or 0, self._progress.out_time
        new = frames - self.frames
        if new <= 0:
            return
        self.frames = frames
        if self._progress.ended:
            return  # its last word may come long after the last frame
        self._reports += 1
        if now - self._reason_at > _OVER_IT:
            self.reason = None
        before, self.last_frame = self.last_frame, self._arrival.of(new, stream_time, now)
        if self.last_frame == before:
            return  # no frame has come, and the stream's time is that of the sound
        arrival = wall - (now - self.last_frame)
        if stream_time is not None:
            self.wall.report(stream_time, arrival, self.last_frame)
            self.out_of_time = self._pace.lost(stream_time, now)
        # While a file is being changed for the next, the end of the last one says it better.
        if self.segment is not None:
            self.last_media = arrival if stream_time is None else self.wall.moment(stream_time, arrival)

    def terminate(self) -> None:
        """Ask it to finish the file and end."""
        children.send(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it at once. I4: its file stays readable up to the last key-frame interval, and is repaired."""
        children.send(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close our ends of the pipes of an FFmpeg that has ended."""
        for pipe in self.pipes:
            pipe.close()


class _Quota:
    """A broken stream makes FFmpeg print thousands of lines a minute; the journal gets a few of them, and the count."""

    def __init__(self, now: float) -> None:
        self._since = now
        self._printed = 0
        self._dropped = 0

    def log(self, line: output.Line, now: float) -> None:
        if now - self._since >= 60:
            if self._dropped:
                journal.log(journal.WARNING, "ffmpeg_lines_dropped", count=self._dropped)
            self._since, self._printed, self._dropped = now, 0, 0
        if self._printed < _LINES_A_MINUTE:
            self._printed += 1
            journal.log(line.priority, "ffmpeg", text=line.text)
        else:
            self._dropped += 1
