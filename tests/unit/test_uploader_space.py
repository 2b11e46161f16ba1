"""What goes before the disk is full, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder.machine import resume_at
from camera_backup.uploader import space
from camera_backup.uploader.space import HORIZON, Candidate, Room, choose, lacking, outlived, threshold

GIB = 1024**3


def held(camera, start, size=10, proven=False, closed=None):
    return Candidate(camera, "%d.mp4" % start, start, size, start + 5 if closed is None else closed, proven)


OLD, MID, NEW = held("a", 100), held("b", 200), held("a", 300)
KEPT_OLD, KEPT_NEW = held("b", 150, proven=True), held("a", 400, proven=True)
ALL = [NEW, KEPT_NEW, OLD, KEPT_OLD, MID]


def test_nothing_is_lacking_at_the_threshold_and_something_below_it():
    room = Room(0, GIB, 1e6, 5 * GIB)
    assert lacking(room._replace(free=threshold(room))) == 0
    assert lacking(room._replace(free=threshold(room) - 1)) == int(1e6 * HORIZON) + 1


def test_the_threshold_lies_above_the_mark_at_which_paused_recorders_go_on_by_a_segment_and_a_horizon():
    assert threshold(Room(0, GIB, 1e6, 5 * GIB)) == resume_at(GIB) + 5 * GIB + int(1e6 * HORIZON)


def test_what_is_proven_goes_first_even_if_it_is_younger_then_the_oldest_of_all_cameras():
    assert choose(ALL, 50, drops=True) == [KEPT_OLD, KEPT_NEW, OLD, MID, NEW]


def test_no_more_goes_than_is_needed():
    assert choose(ALL, 11, drops=True) == [KEPT_OLD, KEPT_NEW]
    assert choose(ALL, 0, drops=True) == []


def test_with_keep_nothing_unproven_ever_goes():
    assert choose(ALL, 10**9, drops=False) == [KEPT_OLD, KEPT_NEW]


def test_recording_goes_on_at_a_mark_that_lies_below_the_threshold():
    room = Room(0, GIB, 1e6, 5 * GIB)
    assert space.least(room) == resume_at(GIB)
    assert space.least(room._replace(free=resume_at(GIB))) == 0
    assert space.least(room._replace(free=threshold(room))) == 0


@pytest.mark.parametrize(
    ("there", "needed", "least", "worth"),
    [
        (100, 100, 40, 100),
        # The threshold is out of reach: what recording needs, and no more.
        (99, 100, 40, 40),
        (99, 100, 0, 0),
        (40, 100, 40, 40),
        # And if recording would not go on: nothing.
        (39, 100, 40, 0),
        (0, 0, 0, 0),
    ],
)
def test_footage_is_dropped_for_what_dropping_can_reach(there, needed, least, worth):
    assert space.worth_dropping(there, needed, least) == worth


candidates = st.builds(
    Candidate,
    st.sampled_from("abc"),
    st.text("0123456789", min_size=1, max_size=4),
    st.integers(0, 50),
    st.integers(1, 100),
    st.floats(0, 1000),
    st.booleans(),
)


@given(st.lists(candidates), st.integers(0, 2000), st.booleans())
def test_the_last_one_chosen_was_needed_and_an_unproven_one_goes_only_after_every_proven_one(found, needed, drops):
    chosen = choose(found, needed, drops)
    assert sum(one.bytes for one in chosen[:-1]) < max(needed, 1)
    unproven = [one for one in chosen if not one.proven]
    assert drops or not unproven
    if unproven:
        assert sum(one.proven for one in chosen) == sum(one.proven for one in found)
        assert unproven == sorted(unproven, key=lambda one: one.start)


def test_days_count_from_the_end_of_a_segment_and_only_for_what_is_proven():
    assert outlived(ALL, 455, 300, None) == []
    assert outlived(ALL, 456, 300, None) == [KEPT_OLD]


def test_a_size_is_that_of_all_that_is_proven_and_the_oldest_go():
    assert outlived(ALL, 10**9, None, 20) == []
    assert outlived(ALL, 0, None, 19) == [KEPT_OLD]


def test_without_a_limit_nothing_outlives():
    assert outlived(ALL, 10**12, None, None) == []
    assert space.outlived([], 0, None, 0) == []
