"""What the supervisor does next, given what it sees. Pure: every decision of the poll loop is here."""

from __future__ import annotations

from camera_backup.recorder.output import NO_PICTURE, TIMED_OUT, UNCLEAR

NOTHING, START, TERMINATE, KILL, PAUSE, EXIT = "nothing", "start", "terminate", "kill", "pause", "exit"

STARTING, RECORDING, ENDING, WAITING, PAUSED = "starting", "recording", "ending", "waiting", "paused"

SHORTEST_START = 40.0
"""Seconds a camera has at least until its first frame, however small stall_timeout is: some wake up slowly.

FFmpeg keeps to itself what comes while it looks at the stream, until three reads, each of 10 s at most, have been in
vain: ended before that, it would take this footage with it.
"""

READY_AFTER = 45.0
"""Seconds after which systemd is told that we are ready, although the camera is not: the boot must not wait for it."""

REPORTS_EVERY = 2.5
"""Seconds up to which the last frame may be older than we know, at the end of an FFmpeg."""

LOOKS_AT_LEAST = 4.0
"""Seconds FFmpeg waits for a picture at least, unless the connection ends: two reads in vain, each of 2 s or more, or
5 s of sound (measured on 5.1)."""

SETTLED_AFTER = 30.0
"""Seconds of recording after which earlier failures are forgotten."""


class View:
    """What the supervisor sees. Times are monotonic seconds, sizes bytes.

    phase, since: what it is doing, and since when
    last_frame: when the count of video frames last grew
    next_attempt: when it may start again
    free: what the disk has left; files: how many more it can hold, None when there is no such limit
    stop: it was asked to end
    """

    def __init__(
        self,
        phase: str,
        now: float,
        since: float,
        last_frame: float,
        next_attempt: float,
        free: int,
        min_free: int,
        stall_timeout: float,
        patience: float,
        stop: bool,
        files: int | None = None,
    ) -> None:
        self.phase = phase
        self.now = now
        self.since = since
        self.last_frame = last_frame
        self.next_attempt = next_attempt
        self.free = free
        self.min_free = min_free
        self.stall_timeout = stall_timeout
        self.patience = patience
        self.stop = stop
        self.files = files


SPARE_FILES = 256
"""Files (inodes) a disk must be able to hold still: 64 recordings and their finishers have room in it."""


def decide(view: View) -> tuple[str, str]:
    """Return (action, cause). The cause is empty for actions that need none."""
    if view.phase in (STARTING, RECORDING):
        return _while_running(view)
    if view.phase == ENDING:
        # SIGTERM reaches FFmpeg only between two reads, each of which may last `patience` (measured: twice that).
        # I4: the file survives a SIGKILL, but the frames of the open key-frame interval do not.
        return (KILL, "") if view.now - view.since > 2 * view.patience + 2 else (NOTHING, "")
    if view.stop:
        return EXIT, ""
    if view.phase == WAITING:
        if _full(view):
            return PAUSE, "disk_full"
        return (START, "") if view.now >= view.next_attempt else (NOTHING, "")
    if view.phase == PAUSED:
        return (START, "") if _has_room_again(view) else (NOTHING, "")
    return NOTHING, ""


def _while_running(view: View) -> tuple[str, str]:
    if view.stop:
        return TERMINATE, "stopped"
    if _full(view):
        return TERMINATE, "disk_full"
    if view.phase == STARTING and view.now - view.since > max(view.stall_timeout, SHORTEST_START):
        return TERMINATE, "stalled"
    if view.phase == RECORDING and view.now - view.last_frame > view.stall_timeout:
        return TERMINATE, "stalled"
    return NOTHING, ""


def _full(view: View) -> bool:
    return view.free < view.min_free or (view.files is not None and view.files < SPARE_FILES)


def _has_room_again(view: View) -> bool:
    return view.free >= resume_at(view.min_free) and (view.files is None or view.files >= 2 * SPARE_FILES)


def resume_at(min_free: int) -> int:
    """Return how much must be free before a paused recording goes on: more than made it pause, or it would flap."""
    return min_free + max(min_free // 10, 8 << 20)


def verdict(asked: str | None, had_media: bool, silent_for: float, patience: float, told: str | None) -> str:
    """Given how a run of FFmpeg went, return the cause of the gap that its end opens.

    asked: why we ended it, None when it ended by itself; a lost camera makes it exit with 0, so the status says nothing
    silent_for: seconds since the last frame, or since the start
    told: the cause that it told itself
    """
    if asked:
        return asked
    if not had_media:
        return _before_media(silent_for, patience, told)
    if told in ("disk_full", "disk_failed"):
        return told
    return "stalled" if told == TIMED_OUT or silent_for > patience + REPORTS_EVERY else "connection_lost"


def _before_media(silent_for: float, patience: float, told: str | None) -> str:
    if told == TIMED_OUT:
        return "camera_unreachable"
    if told == UNCLEAR:
        # A camera that is up answers before FFmpeg loses patience.
        return "camera_unreachable" if silent_for >= patience else "stream_refused"
    if told == NO_PICTURE:
        return "camera_unreachable" if silent_for < LOOKS_AT_LEAST else "stalled"
    return told or "ffmpeg_failed"


def detail(cause: str, told: str | None, said: str | None, silent_for: float) -> str | None:
    """Return what to tell a person about a failure besides its cause; None when there is nothing more.

    told, said: the cause and the words of FFmpeg
    """
    if cause == "stalled":
        return "no video frame for %d s" % silent_for
    if cause == "camera_unreachable" and told in (TIMED_OUT, UNCLEAR):
        return "no answer for %d s" % silent_for
    if cause == "camera_unreachable" and told == NO_PICTURE:
        return "the connection ended before a picture came"
    return None if cause == "connection_lost" else said
