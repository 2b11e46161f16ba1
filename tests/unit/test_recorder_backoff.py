from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder.backoff import delay

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
