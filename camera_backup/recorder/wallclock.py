"""When was what we recorded? FFmpeg counts stream time from zero; this finds the wall clock time of that zero. Pure."""

from __future__ import annotations

_PLAUSIBLE = 10.0
_PUNCTUAL = 3.0
_SKEW = 10.0
_KEPT_TIME = 12.0  # more than _SKEW: a stream whose time stands still from the start is within it for that long
_ANCHORED = 600.0
_READS = 4  # three of them while it looks at the stream; measured on 5.1 and 7.1
_READ_TAKES = 0.1  # longer than it was told to


def frozen_for(end: float, ran: float, patience: float) -> float:
    """Return for how many seconds nothing had come when an FFmpeg gave up whose camera froze soon after the start.

    It says nothing while it looks, and passes over the reads that fail, each after `patience` seconds. So many of them
    failed as the time it ran has room for beside what did come. All in seconds; end: stream time of the last frame.
    """
    read = patience + _READ_TAKES
    return read * max(1, min(_READS, int((ran - end) / read)))


class LastFrame:
    """Finds out when the last frame came, in monotonic seconds.

    FFmpeg reports every 2 s, but not while it waits for data: the frames that came just before a camera froze are
    reported when it gives up, or something else comes, long after. Taken for new, they would make a frozen camera look
    like a lost connection.
    """

    def __init__(self, now: float) -> None:
        self._last = now
        self._stream = 0.0
        self._usual = 0.0
        self._late = False

    def of(self, frames: int, stream: float | None, now: float) -> float:
        """Given a report of so many new frames and the stream time (None: unknown), return when the last one came."""
        elapsed, advance = now - self._last, (stream or 0.0) - self._stream
        behind = 0 <= advance < elapsed / 2 and self._stream > 0
        # Up to 5.1 FFmpeg holds back one frame until the next data comes; when that is sound, its time is reported.
        held = frames == 1 and elapsed > 2 * self._usual > 0
        # Only once in a row: what goes on being reported goes on coming.
        self._late = not self._late and elapsed > _PUNCTUAL and (behind or held)
        if not self._late:
            self._last, self._usual = now, elapsed
        elif behind:
            self._last += advance
        self._stream = stream or 0.0
        return self._last


class Cuts:
    """Finds for how long no picture came between two segments of one FFmpeg. Its list has both sides of the cut: the
    time stamp of the last picture with the time it is shown, and that of the first one after it.
    """

    def __init__(self, now: float) -> None:
        self._cut = now
        self._before: tuple[float, float, float] | None = None

    def silence(self, start: float, end: float, now: float) -> float:
        """Given a segment's start and end in stream time, return the seconds without a picture before it.

        now: monotonic seconds when it was closed. Nothing is missing where the stream's time has run ahead of the clock
        since the segment before began: time stamps jump when the clock of a camera is set.
        """
        opened, self._cut = self._cut, now
        before, self._before = self._before, (start, end, opened)
        if before is None or start - before[0] > opened - before[2] + _PUNCTUAL:
            return 0.0
        return max(start - before[1], 0.0)


class WallClock:
    """Estimates the wall clock time at which the stream began.

    A frame arrives some time after it was due, never before. So of (arrival - stream time) the smallest seen is the
    best; it is sought anew for each segment, because the clock of a camera drifts by seconds a day.

    Times: `stream` in seconds since the stream began, `arrival` in epoch seconds, `now` in monotonic seconds.
    """

    def __init__(self) -> None:
        self._best: float | None = None
        self._before: float | None = None
        self._cut: float | None = None

    @property
    def zero(self) -> float | None:
        """Epoch seconds of stream time zero, None while nothing is known."""
        return self._before if self._best is None else self._best

    def report(self, stream: float, arrival: float, now: float) -> None:
        """Media up to `stream` had come at `arrival`."""
        estimate = arrival - stream
        self._best = estimate if self._best is None else min(self._best, estimate)
        self._cut = now - stream if self._cut is None else self._cut

    def moment(self, stream: float, arrival: float) -> float:
        """Return when media of a stream time was due, given when it came; its arrival when that makes no sense."""
        due = arrival if self.zero is None else self.zero + stream
        return due if abs(due - arrival) <= _PLAUSIBLE else arrival

    def closed(self, start: float, end: float, arrival: float, now: float, quiet: float = 0.0) -> tuple[float, float]:
        """Given a segment's start and end in stream time and when it was closed, return both in epoch seconds.

        Where the clock of the camera or of this host was set meanwhile, the estimate means nothing; then the segment
        lasted from the last cut to this one, by the clock that nobody sets. A camera that has been quiet (seconds since
        its last frame was reported) let it end sooner.
        """
        zero = arrival - end if self.zero is None else min(self.zero, arrival - end)
        over = arrival - quiet if quiet > _PUNCTUAL else arrival
        elapsed = end - start if self._cut is None else now - self._cut - (arrival - over)
        begin, finish = zero + start, zero + end
        if over - finish > _PLAUSIBLE or abs(end - start - elapsed) > _PLAUSIBLE:
            begin, finish = over - elapsed, over
            self._best = None
        else:
            self._best = zero
        self._before, self._best, self._cut = self.zero, None, now
        return begin, finish


class Pace:
    """Notices that the stream's time left the real one: the camera's clock was set, or stands still.

    FFmpeg gives every later packet the smallest time that is still allowed, one tick after the last: an hour of
    footage then lasts a second, and video is held back in memory until the audio has caught up (measured on 7.1).
    Started again it counts from zero. A camera that never kept time gains nothing by that and is left alone.
    """

    def __init__(self) -> None:
        self._first: float | None = None
        self._kept = 0.0
        self._anchor = (0.0, 0.0)
        self._behind: list[float] = []
        self._hopeless = False

    def lost(self, stream: float, now: float) -> bool:
        """Given the stream time of frames that have just come, return whether to start anew. now: monotonic seconds."""
        if self._first is None:
            self._first, self._anchor = now, (stream, now)
        skew = (now - self._anchor[1]) - (stream - self._anchor[0])
        # A line that was down delivers late what it kept back, and catches up. That is not to be cut off.
        self._behind = [*self._behind[-2:], skew] if skew > _SKEW else []
        falling = len(self._behind) == 3 and self._behind == sorted(self._behind)
        if abs(skew) <= _SKEW:
            self._kept = now
        elif self._kept - self._first < _KEPT_TIME:
            self._hopeless = True
        if now - self._anchor[1] > _ANCHORED and not self._behind:
            self._anchor = (stream, now)  # the clocks of cameras drift by seconds a day
        return not self._hopeless and (skew < -_SKEW or falling)
