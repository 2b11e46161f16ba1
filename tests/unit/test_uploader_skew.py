"""When it is told, and told again, that our clock and the store's differ."""

from __future__ import annotations

import pytest

from camera_backup.uploader.skew import News, is_marked, words


@pytest.mark.parametrize(
    ("skew", "marked"), [(None, False), (0.0, False), (59.9, False), (-59.9, False), (60.0, True), (-86400.0, True)]
)
def test_a_minute_is_marked_in_both_directions_and_what_nobody_knows_is_not(skew, marked):
    assert is_marked(skew) == marked


def test_the_direction_is_that_of_the_clock_of_this_host():
    assert words(7200.0) == "the clock of this host is 2 h behind the store's"
    assert words(-90.0) == "the clock of this host is 1 min 30 s ahead of the store's"


def test_a_difference_is_told_once_and_its_end_once():
    news = News()
    assert [news.is_new(skew) for skew in (0, 2, 7200, 7201, 7195, 3, 0)] == [
        False,
        False,
        True,
        False,
        False,
        True,
        False,
    ]


def test_another_difference_is_told_again_also_to_the_other_side():
    news = News()
    assert [news.is_new(skew) for skew in (100, 160, 165, -100)] == [True, True, False, True]


def test_one_that_stays_near_the_mark_is_no_news_with_every_segment():
    news = News()
    assert [news.is_new(skew) for skew in (61, 59, 62, 40, 61, 29, 45)] == [
        True,
        False,
        False,
        False,
        False,
        True,
        False,
    ]
