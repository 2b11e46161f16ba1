from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder import machine
from camera_backup.recorder.machine import SPARE_FILES, View, decide, detail, resume_at, verdict
from camera_backup.recorder.output import NO_PICTURE, TIMED_OUT, UNCLEAR

GIB = 1 << 30


def view(phase, **changes):
    values = {
        "phase": phase,
        "now": 1000.0,
        "since": 1000.0,
        "last_frame": 1000.0,
        "next_attempt": 1000.0,
        "free": 50 * GIB,
        "min_free": GIB,
        "stall_timeout": 30,
        "patience": 10,
        "stop": False,
    }
    return View(**{**values, **changes})


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        # Recording goes on as long as frames come, there is room, and nobody wants it to end.
        (view("recording", last_frame=970.0), ("nothing", "")),
        (view("recording", last_frame=969.9), ("terminate", "stalled")),
        (view("recording", free=GIB - 1), ("terminate", "disk_full")),
        (view("recording", free=GIB), ("nothing", "")),
        (view("recording", stop=True, free=0), ("terminate", "stopped")),
        (view("recording", since=0.0), ("nothing", "")),
        # A camera has some time until its first frame, more than a small stall_timeout.
        (view("starting", since=960.0), ("nothing", "")),
        (view("starting", since=959.9), ("terminate", "stalled")),
        (view("starting", since=985.0, last_frame=985.0, stall_timeout=5), ("nothing", "")),
        (view("starting", since=910.0, stall_timeout=100), ("nothing", "")),
        (view("starting", since=899.0, stall_timeout=100), ("terminate", "stalled")),
        (view("starting", stop=True), ("terminate", "stopped")),
        (view("starting", free=0), ("terminate", "disk_full")),
        # FFmpeg gets the time it needs to finish its file, and no more.
        (view("ending", since=978.0), ("nothing", "")),
        (view("ending", since=977.9), ("kill", "")),
        (view("ending", stop=True, free=0), ("nothing", "")),
        # Waiting ends when it is time, for good when it is to end, and turns into a pause on a full disk.
        (view("waiting", next_attempt=1000.1), ("nothing", "")),
        (view("waiting"), ("start", "")),
        (view("waiting", stop=True), ("exit", "")),
        (view("waiting", free=GIB - 1, next_attempt=2000.0), ("pause", "disk_full")),
        # A pause ends only when there is clearly more room than made it begin.
        (view("paused", free=GIB), ("nothing", "")),
        (view("paused", free=resume_at(GIB) - 1), ("nothing", "")),
        (view("paused", free=resume_at(GIB)), ("start", "")),
        # A disk can be out of inodes long before it is out of bytes; some file systems have no such limit.
        (view("recording", files=SPARE_FILES - 1), ("terminate", "disk_full")),
        (view("recording", files=SPARE_FILES), ("nothing", "")),
        (view("waiting", files=SPARE_FILES - 1), ("pause", "disk_full")),
        (view("paused", files=2 * SPARE_FILES - 1), ("nothing", "")),
        (view("paused", files=2 * SPARE_FILES), ("start", "")),
        (view("paused", stop=True), ("exit", "")),
        (view("stopped"), ("nothing", "")),
    ],
)
def test_what_is_done_next(seen, action):
    assert decide(seen) == action


@given(
    st.sampled_from(["starting", "recording", "ending", "waiting", "paused"]),
    *[st.floats(0, 5000) for _ in range(4)],
    st.integers(0, 2 * GIB),
)
def test_asked_to_stop_it_always_comes_to_an_end(phase, now, since, last_frame, next_attempt, free):
    seen = view(phase, now=now, since=since, last_frame=last_frame, next_attempt=next_attempt, free=free, stop=True)
    assert (
        decide(seen)[0]
        in {
            "starting": ("terminate",),
            "recording": ("terminate",),
            "ending": ("nothing", "kill"),
            "waiting": ("exit",),
            "paused": ("exit",),
        }[phase]
    )


@given(st.integers(0, 1 << 50))
def test_more_room_is_needed_to_go_on_than_to_pause(min_free):
    assert resume_at(min_free) >= min_free + (8 << 20)


@pytest.mark.parametrize(
    ("asked", "had_media", "silent_for", "told", "cause"),
    [
        ("stalled", True, 31, None, "stalled"),
        ("stopped", True, 0, "disk_full", "stopped"),
        (None, True, 0.1, None, "connection_lost"),
        (None, True, 12.5, None, "connection_lost"),  # within what we may not know of
        (None, True, 12.6, None, "stalled"),
        (None, True, 0.1, TIMED_OUT, "stalled"),
        (None, True, 0.1, "disk_full", "disk_full"),
        (None, True, 0.1, "camera_unreachable", "connection_lost"),
        (None, False, 0.3, "login_refused", "login_refused"),
        (None, False, 0.3, None, "ffmpeg_failed"),
        (None, False, 10.4, TIMED_OUT, "camera_unreachable"),
        (None, False, 10.4, UNCLEAR, "camera_unreachable"),
        (None, False, 0.4, UNCLEAR, "stream_refused"),
        (None, False, 3.9, NO_PICTURE, "camera_unreachable"),
        (None, False, 4.0, NO_PICTURE, "stalled"),
    ],
)
def test_why_ffmpeg_ended(asked, had_media, silent_for, told, cause):
    assert verdict(asked, had_media, silent_for, 10, told) == cause


@pytest.mark.parametrize(
    ("cause", "told", "said", "words"),
    [
        ("stalled", None, "x", "no video frame for 31 s"),
        ("camera_unreachable", TIMED_OUT, "pipe:0: timed out", "no answer for 31 s"),
        ("camera_unreachable", UNCLEAR, "Invalid data", "no answer for 31 s"),
        ("camera_unreachable", "camera_unreachable", "Connection refused", "Connection refused"),
        ("camera_unreachable", NO_PICTURE, "unspecified size", "the connection ended before a picture came"),
        ("stalled", NO_PICTURE, "unspecified size", "no video frame for 31 s"),
        ("connection_lost", None, "End of file", None),
        ("login_refused", "login_refused", "401 Unauthorized", "401 Unauthorized"),
        ("ffmpeg_failed", None, None, None),
    ],
)
def test_what_a_person_is_told_about_it(cause, told, said, words):
    assert detail(cause, told, said, 31.7) == words


def test_the_boot_waits_no_longer_than_its_unit_allows():
    assert machine.READY_AFTER < 120
