"""What may be sent at which time of day."""

import os
import time
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup import schedule
from camera_backup.config import fields
from camera_backup.config.kinds import Refused
from camera_backup.schedule import DAY, OFF, Window
from tests.support.configurations import changed, problems

NIGHT = Window(22 * 60, 6 * 60, None)
OFFICE = Window(8 * 60, 18 * 60, 250_000)
LUNCH = Window(12 * 60, 13 * 60, OFF)

WINDOWS = st.builds(
    Window, st.integers(0, DAY - 1), st.integers(0, DAY - 1), st.one_of(st.none(), st.just(OFF), st.integers(1, 999))
)


@given(WINDOWS)
def test_a_window_covers_as_many_minutes_as_it_is_long(window):
    covered = [minute for minute in range(DAY) if window.covers(minute)]
    assert len(covered) == window.length
    assert window.start in covered
    assert window.end not in covered or window.length == DAY


@given(WINDOWS, WINDOWS)
def test_two_windows_overlap_when_a_minute_is_in_both(one, other):
    both = any(one.covers(minute) and other.covers(minute) for minute in range(DAY))
    assert one.overlaps(other) == other.overlaps(one) == both


def apart():
    """Windows that do not overlap: pieces of a day, some left out."""

    def made(cuts, limits):
        ends = [*cuts[1:], cuts[0]]
        pieces = [Window(*piece) for piece in zip(cuts, ends, limits)]
        return [piece for piece in pieces if piece.limit != 999]

    cuts = st.lists(st.integers(0, DAY - 1), min_size=2, max_size=8, unique=True).map(sorted)
    limits = st.lists(st.sampled_from([None, OFF, 5, 999]), min_size=8, max_size=8)
    return st.builds(made, cuts, limits)


@given(apart(), st.sampled_from([None, 7]))
def test_every_minute_has_the_limit_of_its_window_or_the_one_outside(windows, otherwise):
    minutes = [schedule.limit_at(windows, otherwise, minute) for minute in range(DAY)]
    for window in windows:
        assert minutes[window.start] == window.limit
    outside = sum(1 for m in range(DAY) if not any(window.covers(m) for window in windows))
    assert sum(length for length, _ in schedule.day(windows, otherwise)) == DAY
    assert set(minutes) == schedule.limits(windows, otherwise)
    assert minutes.count(otherwise) >= outside


@given(apart(), st.integers(0, DAY - 1))
def test_what_is_off_begins_again_at_the_first_minute_that_is_not(windows, minute):
    on = [(minute + ahead) % DAY for ahead in range(DAY)]
    on = [one for one in on if schedule.limit_at(windows, None, one) != OFF]
    until = schedule.off_until(windows, minute)
    if on and on[0] != minute:
        assert until == on[0]
    elif on:
        assert until is None


def test_the_words_say_when_it_goes_on():
    later = Window(13 * 60, 14 * 60 + 5, OFF)
    assert schedule.words(schedule.off_until([LUNCH, later], 12 * 60 + 30)) == "paused until 14:05 by schedule"


@pytest.fixture
def berlin():
    before = os.environ.get("TZ")
    os.environ["TZ"] = "CET-1CEST,M3.5.0,M10.5.0/3"
    time.tzset()
    yield
    os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
    time.tzset()


@pytest.mark.parametrize(("day", "minutes"), [(1774738800, 7 * 60), (1792879200, 9 * 60), (1774652400, 8 * 60)])
def test_on_the_days_on_which_clocks_change_a_window_is_an_hour_shorter_or_longer_and_no_more(berlin, day, minutes):
    """28 to 29 March 2026, 24 to 25 October 2026, and the night before the first."""
    night = [schedule.limit_at([NIGHT], 5, schedule.minute_of_day(day + 60 * m)) for m in range(-6 * 60, 20 * 60)]
    runs = [(limit, len(list(run))) for limit, run in groupby(night)]
    assert [limit for limit, _ in runs] == [5, None, 5]
    assert runs[1][1] == minutes


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("22:00-06:00 unlimited", NIGHT),
        ("08:00-18:00 2Mbit/s", OFFICE),
        ("12:00-13:00 off", LUNCH),
        ("00:00-24:00 1 MiB/s", Window(0, DAY, 1024**2)),
        ("22:00-00:00 off", Window(1320, 0, OFF)),
    ],
)
def test_a_window_is_written_as_people_do(text, window):
    kind = fields.window()
    assert kind.refine(kind.read(text)) == window


@pytest.mark.parametrize(
    "text",
    ["", "8:00-18:00 off", "08:00-18:00", "08:00-25:00 off", "24:00-08:00 off", "08:00-08:00 off", "00:00-00:00 off"]
    + ["08:00-18:00 on", "08:00-18:00 2Mbit", "08:00-18:00 1kbit/s", "08:00 - 18:00 off", "08:00-18:00  off"],
)
def test_what_is_no_window_is_refused(text):
    kind = fields.window()
    with pytest.raises(Refused):
        kind.refine(kind.read(text))


def mistakes(*items):
    lines = "".join("\n    - %s" % item for item in items)
    return problems(changed(("upload:", "upload:\n  schedule:%s" % lines)))


def test_all_mistakes_of_a_schedule_are_told_at_once_each_with_its_line():
    found = mistakes("08:00-18:00 2Mbit/s", "12:00-13:00 of", "17:00-19:00 off", "5", "'06:00-06:00 off'")
    assert [line.partition("; given")[0] for line in found] == [
        "config.yaml:%d: upload.schedule[1]: does not have the right form" % (LINE + 1),
        "config.yaml:%d: upload.schedule[2]: overlaps 08:00-18:00, so that two rules would hold at once; "
        "cut one of them in two" % (LINE + 2),
        "config.yaml:%d: upload.schedule[3]: is not text; YAML reads it as a number: put it in quotes" % (LINE + 3),
        "config.yaml:%d: upload.schedule[4]: begins and ends at the same time; the whole day is 00:00-24:00"
        % (LINE + 4),
    ]
    assert 'given "12:00-13:00 of", accepted: HH:MM-HH:MM in the time zone of the host' in found[0]


LINE = changed(("upload:", "upload:\n  schedule:\n    - HERE")).partition("HERE")[0].count("\n") + 1


def test_a_schedule_that_never_sends_is_refused():
    (line,) = mistakes("06:00-00:00 off", "00:00-06:00 off")
    assert "upload.schedule[1]: leaves no time of the day at which anything may be sent" in line
    assert mistakes("06:00-00:00 off", "00:00-05:59 off") == []


def test_a_schedule_is_a_list():
    (line,) = problems(changed(("upload:", "upload:\n  schedule: 22:00-06:00 unlimited")))
    assert 'upload.schedule: is not a list; given "22:00-06:00 unlimited", accepted: a list; each item is' in line
