"""Numbers as an operator reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup import measures


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1023, "1.02 kB"),
        (99_960, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (1_840_000_000, "1.84 GB"),
        (12_345_678_901_234, "12.3 TB"),
        (5e18, "5000 PB"),
    ],
)
def test_a_size_has_three_digits_and_a_decimal_unit(count, text):
    assert measures.size(count) == text


def test_a_rate_is_in_bits():
    assert measures.bitrate(4_050_000) == "4.05 Mbit/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (45, "45 s"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (3601, "1 h"),
        (7500, "2 h 5 min"),
        (86400 * 3 + 59, "3 d"),
        (86400 * 40 + 3600, "40 d 1 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert measures.duration(seconds) == text


def test_moments_are_told_relative_to_now():
    assert measures.ago(1000, 8500) == "2 h 5 min ago"
    assert measures.ago(1000, 1000.5) == "just now"
    assert measures.ago(1060, 1000) == "in 1 min"


def test_a_moment_is_utc_whatever_the_local_zone(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    assert measures.moment(1795352400.9) == "2026-11-22 13:00:00"


def test_nouns_follow_their_number():
    assert measures.plural(1, "segment") == "1 segment"
    assert measures.plural(0, "segment") == "0 segments"
    assert measures.plural(12345, "segment") == "12,345 segments"


@given(st.integers(0, 10**17))
def test_a_size_is_never_off_by_more_than_a_percent_and_never_longer_than_a_column(count):
    text = measures.size(count)
    number, unit = text.split(" ")
    value = float(number) * 1000 ** ["B", "kB", "MB", "GB", "TB", "PB"].index(unit)
    assert value == pytest.approx(count, rel=0.01)
    assert len(text) <= 7
