from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder.backoff import Backoff, delay

NAMES = ["camera-%d" % number for number in range(64)]


@pytest.mark.parametrize(
    ("cause", "steps"),
    [
        ("camera_unreachable", [1, 2, 5, 10, 20, 30, 60, 60, 60]),
        ("connection_lost", [1, 2, 5, 10, 20, 30, 60, 60]),
        ("stalled", [1, 2, 5, 10, 20, 30, 60, 60]),
        # So that the camera does not lock the account, also for people.
        ("login_refused", [5, 15, 30, 60, 120, 300, 300]),
        ("certificate_refused", [5, 15, 30, 60, 120, 300, 300]),
        ("unsupported", [5, 15, 30, 60, 120, 300, 300]),
        ("ffmpeg_failed", [5, 15, 30, 60, 120, 300, 300]),
    ],
)
def test_the_wait_grows_to_its_cap_and_stays_there(cause, steps):
    for failures, step in enumerate(steps, 1):
        assert step <= delay(cause, failures, "front-door") <= step * 1.1


@given(st.integers(1, 10**9), st.text())
def test_it_never_gives_up(failures, camera):
    assert 1 <= delay("camera_unreachable", failures, camera) <= 66


def test_cameras_behind_one_switch_do_not_all_come_back_at_once():
    waits = sorted(delay("camera_unreachable", 7, name) for name in NAMES)
    assert len(set(waits)) == len(NAMES)
    assert waits[-1] - waits[0] > 4


def test_a_camera_waits_the_same_in_every_process():
    assert delay("camera_unreachable", 1, "front-door") == pytest.approx(1.0763, abs=0.0001)


@given(st.floats(1.0, 86400.0), st.sampled_from(["camera_unreachable", "connection_lost", "stream_refused", "stalled"]))
def test_however_long_a_camera_was_away_little_more_than_a_minute_is_lost_when_it_is_back(away, cause):
    moment, failures = 0.0, 0
    while moment < away:
        failures += 1
        moment += delay(cause, failures, "front-door")
    assert moment - away <= min(66.0, 1.2 * away + 3)


def test_a_disk_that_is_back_is_used_within_little_more_than_a_minute():
    assert delay("disk_failed", 1000, "front-door") <= 66


def test_a_camera_that_was_away_for_long_and_fails_otherwise_while_it_wakes_up_is_asked_again_soon():
    backoff = Backoff("front-door")
    for _ in range(1000):
        backoff.failed("camera_unreachable")
    assert backoff.failed("ffmpeg_failed") < 6
    assert backoff.failed("camera_unreachable") >= 60


def test_a_login_that_is_refused_again_and_again_is_tried_ever_more_seldom_whatever_comes_between():
    backoff = Backoff("front-door")
    waits = []
    for _ in range(6):
        waits.append(backoff.failed("login_refused"))
        backoff.failed("connection_lost")
    assert waits == [delay("login_refused", number, "front-door") for number in range(1, 7)]


def test_what_is_over_is_forgotten():
    backoff = Backoff("front-door")
    for _ in range(9):
        backoff.failed("login_refused")
    backoff.forget()
    assert (backoff.failures, backoff.failed("login_refused")) == (0, delay("login_refused", 1, "front-door"))
