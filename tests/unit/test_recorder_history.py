from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from camera_backup.ledger import gaps as gaps_of
from camera_backup.recorder.history import Gaps, Past, resume

RUN = {"event": "run", "run": "old", "at": 100.0, "boot_id": "boot-1", "version": "0.1.0"}
STOP = {"event": "stop", "run": "old", "at": 200.0}


def gap(identity, start, cause, **more):
    return {"event": "gap", "id": identity, "start": start, "cause": cause, "detail": None, **more}


def segment(end):
    return {"event": "segment", "name": "x", "start": end - 10, "end": end}


def settled(events, now, alive, boot="boot-1"):
    """Return the gaps of a ledger after a new recorder got media at `now + 3`."""
    gaps, new = resume(Past(events), "new", boot, now, alive)
    return [(one.start, one.end, one.cause) for one in gaps_of([*events, *new, *gaps.end(now + 3)], now + 100)]


def test_before_the_first_start_nothing_was_recorded():
    assert settled([], 500.0, None) == [(500.0, 503.0, "stopped")]


def test_after_a_clean_stop_its_gap_goes_on_until_there_is_media():
    events = [RUN, segment(190.0), gap("old.1", 190.0, "stopped"), STOP]
    assert settled(events, 500.0, 201.0) == [(190.0, 503.0, "stopped")]


def test_a_clean_stop_counts_also_over_a_reboot():
    events = [RUN, gap("old.1", 190.0, "stopped"), STOP]
    assert settled(events, 500.0, 201.0, "boot-2") == [(190.0, 503.0, "stopped")]


def test_a_stop_whose_gap_was_lost_is_one_all_the_same():
    assert settled([RUN, segment(190.0), STOP], 500.0, None) == [(190.0, 503.0, "stopped")]


def test_no_word_and_the_same_boot_means_killed_from_the_last_media_on():
    assert settled([RUN, segment(150.0)], 500.0, 180.0) == [(180.0, 503.0, "recorder_killed")]


def test_no_word_and_another_boot_means_the_host_was_down():
    assert settled([RUN, segment(150.0)], 500.0, None, "boot-2") == [(150.0, 503.0, "host_down")]


def test_a_camera_that_was_away_when_the_recorder_died_was_away_until_then():
    events = [RUN, segment(120.0), gap("old.1", 120.0, "camera_unreachable")]
    assert settled(events, 500.0, 300.0, "boot-2") == [
        (120.0, 300.0, "camera_unreachable"),
        (300.0, 503.0, "host_down"),
    ]


def test_a_gap_that_was_over_is_over():
    events = [RUN, gap("old.1", 100.0, "stalled"), {"event": "gap_end", "id": "old.1", "end": 120.0}, segment(150.0)]
    assert settled(events, 500.0, 151.0) == [(100.0, 120.0, "stalled"), (151.0, 503.0, "recorder_killed")]


def test_a_gap_that_brought_its_end_is_over():
    events = [RUN, gap("old.1", 100.0, "host_down", end=110.0), segment(150.0)]
    assert settled(events, 500.0, None)[-1] == (150.0, 503.0, "recorder_killed")


def test_killed_twice_in_a_row_is_two_gaps_without_a_hole():
    events = [RUN, gap("old.1", 100.0, "recorder_killed")]
    assert settled(events, 500.0, 300.0) == [(100.0, 300.0, "recorder_killed"), (300.0, 503.0, "recorder_killed")]


def test_marks_of_the_future_are_not_believed():
    """The clock was wrong before; a gap cannot begin after now."""
    assert settled([RUN, segment(9000.0)], 500.0, 8000.0) == [(500.0, 503.0, "recorder_killed")]


def test_events_that_make_no_sense_are_passed_over():
    events = [RUN, {"event": "segment"}, {"event": "gap", "id": "1"}, {"no": "event"}, {"event": "segment", "end": "x"}]
    assert settled([*events, segment(150.0)], 500.0, None) == [(150.0, 503.0, "recorder_killed")]


def test_the_same_cause_again_opens_no_second_gap():
    gaps = Gaps("run")
    assert gaps.begin(10.0, "stalled", "x") == [
        {"event": "gap", "id": "run.1", "start": 10.0, "cause": "stalled", "detail": "x"}
    ]
    assert gaps.begin(20.0, "stalled", "y") == []
    assert gaps.begin(30.0, "camera_unreachable", None) == [
        {"event": "gap_end", "id": "run.1", "end": 30.0},
        {"event": "gap", "id": "run.2", "start": 30.0, "cause": "camera_unreachable", "detail": None},
    ]
    assert gaps.end(40.0) == [{"event": "gap_end", "id": "run.2", "end": 40.0}]
    assert gaps.end(50.0) == []


CAUSES = st.sampled_from(["stalled", "stopped", "camera_unreachable", "disk_full"])


@given(st.lists(st.none() | CAUSES, max_size=12))
def test_whatever_happens_gaps_neither_overlap_nor_leave_a_hole(story):
    """Each second of the story either has media (None) or a cause."""
    gaps, events = Gaps("run"), []
    for second, cause in enumerate(story):
        events += gaps.end(float(second)) if cause is None else gaps.begin(float(second), cause, None)
    covered = [None] * len(story)
    for found in gaps_of(events, float(len(story))):
        for second in range(int(found.start), int(found.end)):
            assert covered[second] is None
            covered[second] = found.cause
    assert covered == story
