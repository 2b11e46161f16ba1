import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.segments import Segment, conflict_key, object_key, parse

NOON = 1795348800  # 2026-11-22 12:00:00 UTC

segments = st.builds(
    Segment,
    start=st.integers(0, 4102444800),
    copy=st.one_of(st.just(1), st.integers(2, 99999)),
    damaged=st.booleans(),
)


@given(segments)
def test_every_name_we_give_is_read_back_as_what_it_means(segment):
    assert parse(segment.name) == segment


@given(st.text(st.characters() | st.sampled_from(string.digits + "_.mp4damged"), max_size=40))
def test_a_name_is_either_ours_to_the_letter_or_not_ours(text):
    segment = parse(text)

    assert segment is None or segment.name == text


@pytest.mark.parametrize(
    "name",
    [
        "",
        "front-door.mp4",
        "20261122_120000",
        "20261122_120000.mkv",
        "20261122_120000.mp4.tmp",
        ".20261122_120000.mp4",
        "20261122_120000_1.mp4",
        "20261122_120000_02.mp4",
        "20261122_120000.mp4\n",
        "20261322_120000.mp4",
        "20260230_120000.mp4",
        "20261122_126000.mp4",
        "20261122_120061.mp4",
        "٢٠٢٦١١٢٢_120000.mp4",
        "../20261122_120000.mp4",
    ],
)
def test_a_foreign_name_is_not_taken_for_ours(name):
    assert parse(name) is None


def test_names_are_utc_whatever_the_time_zone_of_the_host(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert Segment(NOON).name == "20261122_120000.mp4"
        assert parse("20261122_120000.mp4") == Segment(NOON)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_two_hours_of_an_autumn_night_have_different_names():
    first, second = Segment(1793512800), Segment(1793512800 + 3600)

    assert first.name != second.name


def test_names_sort_as_their_times():
    starts = [NOON + step for step in (0, 1, 59, 60, 3600, 86400, 31 * 86400, 400 * 86400)]

    assert sorted(Segment(start).name for start in starts) == [Segment(start).name for start in starts]


def test_a_key_is_prefix_camera_date_and_name():
    assert object_key("", "front-door", "20261122_120000.mp4") == "front-door/2026/11/22/20261122_120000.mp4"
    assert (
        object_key("site/nvr-1", "front-door", "20261122_120000_2.mp4")
        == "site/nvr-1/front-door/2026/11/22/20261122_120000_2.mp4"
    )


def test_other_bytes_get_a_key_of_their_own_beside_the_first():
    key = "front-door/2026/11/22/20261122_120000.mp4"

    assert conflict_key(key, "ab" * 32) == "front-door/2026/11/22/20261122_120000.conflict-abababababababab.mp4"
    assert conflict_key(key, "cd" * 32) != conflict_key(key, "ab" * 32)


@pytest.mark.parametrize(
    ("moment", "name"),
    [
        ((1 << 31) - 1, "20380119_031407.mp4"),
        (1 << 31, "20380119_031408.mp4"),
        ((1 << 32) - 1, "21060207_062815.mp4"),
        (1 << 32, "21060207_062816.mp4"),
    ],
)
def test_the_last_seconds_of_32_bit_clocks_are_ordinary_ones(moment, name):
    assert Segment(moment).name == name
    assert parse(name) == Segment(moment)
    assert object_key("", "front", name) == "front/%s/%s/%s/%s" % (name[:4], name[4:6], name[6:8], name)
