from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder.clock import Watch

NOON = 1795348800.0  # 2026-11-22 12:00:00 UTC


@given(st.lists(st.floats(0.0, 3600.0)))
def test_a_clock_that_runs_was_not_set(pauses):
    watch, elapsed = Watch(), 0.0
    for pause in pauses:
        elapsed += pause
        assert watch.step(NOON + elapsed * 1.0005, elapsed) == 0.0


def test_a_clock_that_is_set_is_noticed_once_each_time():
    watch = Watch()
    assert watch.step(NOON, 100.0) == 0.0
    assert watch.step(NOON + 86400 + 2, 102.0) == 86400.0
    assert watch.step(NOON + 86400 + 4, 104.0) == 0.0
    assert watch.step(NOON + 6, 106.0) == -86400.0


def test_the_first_look_after_a_boot_in_1970_is_no_step_and_ntp_is_one():
    watch = Watch()
    assert watch.step(20.0, 20.0) == 0.0
    assert watch.step(NOON, 30.0) == NOON - 30.0


def test_what_ntp_does_to_a_clock_that_runs_is_no_step():
    watch = Watch()
    watch.step(NOON, 0.0)
    assert watch.step(NOON + 2.0 + 4.9, 2.0) == 0.0
