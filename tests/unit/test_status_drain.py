"""When a backlog is drained, and what is not known is not guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup import measures
from camera_backup.schedule import OFF, Window
from camera_backup.status import view
from camera_backup.status.drain import SURE_SECONDS, Drain, estimate
from camera_backup.status.live import Uploader
from camera_backup.status.report import HostStatus, Waiting, troubles
from camera_backup.uploader.meter import Rate

HOUR = 3600.0
MB = 10**6


def measured(speed, seconds=SURE_SECONDS, limit=None):
    return Rate(limit, speed * seconds, seconds)


def test_a_backlog_is_drained_by_what_leaves_beyond_what_is_recorded():
    found = estimate(3600 * MB, 1.0 * MB, [measured(2 * MB)], (), None, 0)
    assert found == Drain(1.0 * MB, 2 * MB, pytest.approx(HOUR), False)


@given(st.integers(1, 10**12), st.integers(0, 10**7), st.integers(1, 10**7), st.integers(0, 1439))
def test_without_a_schedule_it_is_a_division(waiting, recording, speed, minute):
    found = estimate(waiting, float(recording), [measured(float(speed))], (), None, minute)
    if speed > recording:
        assert found.seconds == pytest.approx(waiting / (speed - recording), rel=1e-6, abs=61)
        assert not found.too_slow
    else:
        assert (found.seconds, found.too_slow) == (None, True)


@pytest.mark.parametrize(
    ("recording", "rates"),
    [
        (1.0, []),
        (1.0, [measured(2.0, seconds=59)]),
        (None, [measured(2.0)]),
        (None, []),
    ],
)
def test_what_was_not_measured_is_not_known(recording, rates):
    found = estimate(1000, recording, rates, (), None, 0)
    assert (found.seconds, found.too_slow) == (None, False)


def test_a_short_measurement_condemns_no_line():
    assert not estimate(1000, 3.0, [measured(2.0, seconds=SURE_SECONDS - 1)], (), None, 0).too_slow
    assert estimate(1000, 3.0, [measured(2.0)], (), None, 0).too_slow
    assert not estimate(0, 3.0, [measured(2.0)], (), None, 0).too_slow


def test_a_limit_below_what_is_recorded_is_too_slow_without_any_measurement():
    assert estimate(1000, 3.0 * MB, [], (), 2 * MB, 0) == Drain(3.0 * MB, 2.0 * MB, None, True)
    office = (Window(8 * 60, 20 * 60, OFF),)
    assert estimate(1000, 3.0 * MB, [], office, 5 * MB, 0) == Drain(3.0 * MB, 2.5 * MB, None, True)


def test_the_schedule_is_lived_through():
    """Off from 8 to 20, then 3 MB/s while 1 MB/s is recorded: at 8:00, 12 hours of recording come on top."""
    windows = (Window(8 * 60, 20 * 60, OFF),)
    found = estimate(3600 * MB, 1.0 * MB, [measured(3 * MB)], windows, None, 8 * 60)
    assert found.uploading == 1.5 * MB
    assert found.seconds == pytest.approx(12 * HOUR + (3600 + 12 * 3600) / 2)


def test_a_backlog_of_many_days_is_counted_in_days():
    windows = (Window(12 * 60, 0, OFF),)
    gain = 86400 * 0.5 * MB
    found = estimate(int(100.25 * gain), 1.0 * MB, [measured(3 * MB)], windows, None, 0)
    assert 100 * 86400 < found.seconds < 101 * 86400


@pytest.mark.parametrize(
    ("rates", "speed"),
    [
        ([measured(9.0 * MB)], 2.0 * MB),  # a faster line is slowed down by the limit
        ([measured(1.0 * MB)], 1.0 * MB),  # a slower one is not
        ([measured(3.0 * MB, limit=4 * MB)], 2.0 * MB),  # under a higher limit it was faster
        ([measured(0.4 * MB, limit=1 * MB)], 0.4 * MB),  # slower than a lower limit: the line itself
        ([measured(0.99 * MB, limit=1 * MB)], None),  # as fast as a lower limit: who knows
    ],
)
def test_what_was_measured_under_one_limit_tells_about_another_what_it_can(rates, speed):
    assert estimate(10**12, 0.1 * MB, rates, (), 2 * MB, 0).uploading == speed


def test_a_line_seen_only_while_it_was_limited_is_not_called_slow():
    windows = (Window(8 * 60, 18 * 60, 250_000),)
    found = estimate(10**12, 1.0 * MB, [measured(249_000.0, limit=250_000)], windows, None, 17 * 60)
    assert (found.uploading, found.too_slow) == (None, False)


IDLE = Uploader("uploading", 0.0, 1, 0.0, None, None, ())
HOST = HostStatus(0.0, (), Waiting(3, 5 * 10**9, 10800, 0.0), IDLE, "", (), None, 960)


@pytest.mark.parametrize(
    ("drain", "words"),
    [
        (Drain(0.5 * MB, 1.0 * MB, 3 * HOUR, False), "drained in about 3 h: 8 Mbit/s leave, 4 Mbit/s are recorded"),
        (Drain(1.0 * MB, 0.5 * MB, None, False), "grows: 4 Mbit/s leave, 8 Mbit/s are recorded"),
        (Drain(1.0 * MB, None, None, False), "when it is drained is not known: too little was sent so far"),
        (Drain(None, 1.0 * MB, None, False), "when it is drained is not known: a recorder has not measured"),
    ],
)
def test_the_backlog_has_a_line_of_its_own(drain, words):
    host = replace(HOST, drain=drain)
    assert "backlog   " + words in view.text(host, False, None)
    assert troubles(host) == []
    assert view.as_json(host)["drain"] == drain._asdict()


def test_an_estimate_in_an_outage_counts_from_its_end():
    host = replace(HOST, drain=Drain(0.0, 1.0 * MB, HOUR, False), uploader=replace(IDLE, state="paused", cause="x"))
    assert "drained in about 60 min, once uploads go on: " in view.text(host, False, None)


def test_a_line_too_slow_for_good_is_a_trouble():
    host = replace(HOST, drain=Drain(1.0 * MB, 0.5 * MB, None, True))
    words = "the uplink, or its limit, is too slow for the cameras: 4 Mbit/s leave, 8 Mbit/s are recorded"
    assert troubles(host) == [words]
    assert view.summary(host).endswith(words)
    assert "backlog   grows for good: 4 Mbit/s leave, 8 Mbit/s are recorded" in view.text(host, False, None)


def test_a_pause_by_schedule_is_no_trouble():
    off = replace(IDLE, state="off", cause="paused until 18:00 by schedule")
    host = replace(HOST, now=10**6, uploader=off)
    assert troubles(host) == []
    assert "uploader  paused until 18:00 by schedule" in view.text(host, False, None)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "a minute"), (89, "a minute"), (91, "2 min"), (7199, "120 min"), (7200, "2 h"), (3.4 * HOUR, "3 h")]
    + [(47 * HOUR, "47 h"), (48 * HOUR, "2 d"), (100 * 86400, "100 d")],
)
def test_an_estimate_has_one_unit(seconds, words):
    assert measures.about(seconds) == words
