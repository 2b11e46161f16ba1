"""Which keys a question about time asks for: all that matter, and not a whole year of others."""

from __future__ import annotations

import calendar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.errors import UsageError
from camera_backup.listing.ranges import Range, moment, window
from camera_backup.segments import Segment, object_key

NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", NOON - 43200),
        ("2026-11-22T12:00", NOON),
        ("2026-11-22 12:00", NOON),
        ("2026-11-22T12:00Z", NOON),
        ("2026-11-22T12:00:30", NOON + 30),
        ("2026-11-22T13:00+01:00", NOON),
        ("2026-11-22T13:00:00+0100", NOON),
        ("2026-11-22T06:30-05:30", NOON),
    ],
)
def test_a_time_without_a_zone_is_utc_and_an_offset_is_honoured(text, expected, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    assert moment(text, "--from") == expected


def test_to_with_a_bare_date_includes_that_day():
    assert moment("2026-11-22", "--to", whole_day=True) == NOON + 43200
    assert moment("2026-11-22T00:00", "--to", whole_day=True) == NOON - 43200


@pytest.mark.parametrize(
    "text", ["", "yesterday", "22.11.2026", "2026-11-22T", "2026-11-22T25:00", "2026-02-30", "2026-11-22Z"]
)
def test_anything_else_is_refused_with_the_option_the_value_and_what_is_accepted(text):
    with pytest.raises(UsageError, match="--from.*accepted: 2026-11-22") as error:
        moment(text, "--from")
    assert repr(text) in str(error.value)


def test_without_a_range_all_of_one_camera_is_listed_and_no_camera_whose_name_begins_alike():
    assert window("", "door", Range(), 3600) == ("door/", "", "")
    assert window("site/a", "door", Range(), 3600).prefix == "site/a/door/"


def test_a_range_within_a_day_lists_that_day_alone():
    assert window("", "door", Range(NOON, NOON + 3600), 3600).prefix == "door/2026/11/22/"
    assert window("", "door", Range(NOON, NOON + 86400), 3600).prefix == "door/2026/11/"


def test_an_open_end_still_skips_all_that_is_older():
    assert window("p", "door", Range(NOON, None), 3600) == ("p/door/", "p/door/2026/11/22/20261122_110000", "")


times = st.integers(0, 4_000_000_000)


@given(times, st.integers(1, 40_000_000), times, st.sampled_from([1, 2]), st.booleans(), st.sampled_from(["", "a/b"]))
def test_the_window_holds_every_key_of_the_range(start, span, when, copy, damaged, prefix):
    wanted = Range(start, start + span)
    here = window(prefix, "door", wanted, 3600)
    key = object_key(prefix, "door", Segment(when, copy, damaged).name)
    inside = key.startswith(here.prefix) and here.after < key < here.before
    assert inside or not wanted.holds(when, 3600)


@given(times, st.integers(0, 3600))
def test_footage_that_only_reaches_into_the_range_belongs_to_it(start, length):
    assert Range(start + length, None).holds(start, length + 1)
    assert not Range(None, start).holds(start, length)
    assert not Range(start + length + 1, None).holds(start, length)
