from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.ledger import (
    ClockSteps,
    Dropped,
    Gap,
    Ledger,
    SegmentRecord,
    clock_steps,
    dropped,
    gaps,
    read,
    read_dropped,
    segments,
)

SEGMENT = {
    "event": "segment",
    "name": "20261122_130000.mp4",
    "start": 100.5,
    "end": 200.25,
    "bytes": 1234,
    "frames": 50,
    "sha256": "ab",
    "how": "complete",
    "run": "r1",
}


def test_a_ledger_is_a_file_of_its_camera(tmp_path):
    (tmp_path / "ledger").mkdir()
    Ledger(str(tmp_path), "front-door").append(SEGMENT)
    assert list(read(str(tmp_path / "ledger" / "front-door.jsonl"))) == [SEGMENT]


def test_segments_are_found_by_name_and_the_last_record_wins():
    later = {**SEGMENT, "how": "repaired", "frames": 49}
    other = {**SEGMENT, "name": "b.mp4"}
    found = segments([SEGMENT, {"event": "run"}, other, later])
    assert found == {
        "20261122_130000.mp4": SegmentRecord("20261122_130000.mp4", 100.5, 200.25, 1234, 49, "ab", "repaired", "r1"),
        "b.mp4": SegmentRecord("b.mp4", 100.5, 200.25, 1234, 50, "ab", "complete", "r1"),
    }


@pytest.mark.parametrize("broken", [{"start": "soon"}, {"bytes": None}, {"frames": float("inf")}])
def test_a_segment_that_makes_no_sense_is_passed_over(broken):
    assert segments([{**SEGMENT, **broken}]) == {}
    assert segments([{key: value for key, value in SEGMENT.items() if key not in broken}]) == {}


def gap(identity: str, start: float, cause: str = "stalled", **more: object) -> dict[str, object]:
    return {"event": "gap", "id": identity, "start": start, "cause": cause, "detail": None, **more}


def end(identity: str, at: float) -> dict[str, object]:
    return {"event": "gap_end", "id": identity, "end": at}


def test_a_gap_lasts_from_its_line_to_its_end():
    assert gaps([gap("1", 10, detail="no frame for 30 s"), end("1", 25)], 100) == [
        Gap("1", 10, 25, "stalled", "no frame for 30 s", False)
    ]


def test_a_gap_found_afterwards_brings_its_end():
    assert gaps([gap("1", 10, "host_down", end=25)], 100) == [Gap("1", 10, 25, "host_down", None, False)]


def test_a_silence_in_a_segment_is_a_gap_that_ends_none():
    segment = {**SEGMENT, "silences": [[120, 124.5]]}
    found = gaps([gap("1", 300), segment, end("1", 310)], 400)
    assert [(one.start, one.end, one.cause, one.ongoing) for one in found] == [
        (120, 124.5, "stalled", False),
        (300, 310, "stalled", False),
    ]


def test_a_gap_without_an_end_is_ongoing():
    assert gaps([gap("1", 10)], 100) == [Gap("1", 10, 100, "stalled", None, True)]


def test_a_gap_without_an_end_is_over_when_the_next_one_starts():
    assert gaps([gap("1", 10), gap("2", 40, "host_down"), end("2", 50)], 100) == [
        Gap("1", 10, 40, "stalled", None, False),
        Gap("2", 40, 50, "host_down", None, False),
    ]


def test_an_end_closes_the_gap_of_its_id_only():
    assert gaps([gap("1", 10, end=20), end("1", 30), end("2", 30)], 100) == [Gap("1", 10, 20, "stalled", None, False)]


def test_a_gap_of_no_length_is_none():
    assert gaps([gap("1", 10), end("1", 10)], 100) == []


@pytest.mark.parametrize(
    "event", [{"event": "gap"}, {"event": "gap", "id": "1", "start": "x", "cause": "y"}, {"event": "gap_end"}, {}]
)
def test_events_that_make_no_sense_are_passed_over(event):
    assert gaps([event, gap("2", 1), end("2", 3)], 100) == [Gap("2", 1, 3, "stalled", None, False)]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=4
)
EVENT = st.dictionaries(
    st.sampled_from(["event", "id", "start", "end", "cause", "name", "bytes"]),
    JSON | st.sampled_from(["gap", "gap_end", "segment"]),
)


@given(st.lists(EVENT, max_size=8))
def test_whatever_a_ledger_holds_reading_it_raises_nothing(events):
    segments(events)
    for found in gaps(events, 1e9):
        assert found.end > found.start


def tombstone(name="a.mp4", start=1.0, at=9.0):
    return {"event": "dropped", "name": name, "start": start, "end": 2.0, "bytes": 5, "reason": "disk_full", "at": at}


def test_what_was_announced_twice_was_dropped_once():
    assert dropped([tombstone(), tombstone(at=10.0)]) == [Dropped("a.mp4", 1.0, 2.0, 5, "disk_full", 10.0)]


def test_what_was_kept_after_all_was_not_dropped_and_may_be_dropped_later():
    kept = {"event": "kept", "name": "a.mp4", "at": 9.5}
    assert dropped([tombstone(), tombstone("b.mp4"), kept])[0].name == "b.mp4"
    assert len(dropped([tombstone(), kept, tombstone()])) == 1


def test_only_the_lines_of_tombstones_are_read_and_torn_ones_are_passed_over(tmp_path):
    book = Ledger(str(tmp_path), "front")
    (tmp_path / "ledger").mkdir()
    for event in ({"event": "run", "run": "r", "at": 1.0}, tombstone(), {"event": "dropped", "name": "x"}):
        book.append(event)
    with open(book.path, "a") as stream:
        stream.write('{"event":"dropped","na')
    assert [one.name for one in read_dropped(book.path)] == ["a.mp4"]


def run(boot):
    return {"event": "run", "run": "r", "at": 0.0, "boot_id": boot, "version": "1"}


def recording(name, start, end):
    return {"event": "segment", **SegmentRecord(name, start, end, 1, 1, "", "complete", "r")._asdict()}


def clock(at, step):
    return {"event": "clock", "at": at, "step": step}


def test_a_clock_that_was_set_makes_what_was_recorded_before_wrong_and_not_what_comes_after():
    events = [run("a"), recording("old", 0.0, 100.0), clock(86520.0, 86400.0), recording("new", 86530.0, 86600.0)]
    assert clock_steps(events) == {"old": ClockSteps(86400.0, 0.0)}


def test_a_segment_that_was_open_when_the_clock_was_set_has_a_wrong_name_only():
    events = [run("a"), clock(500.0, -86400.0), recording("open", 450.0, 550.0), clock(900.0, 10.0)]
    assert clock_steps(events) == {"open": ClockSteps(10.0, -86400.0)}


def test_a_clock_that_went_wrong_and_was_put_right_marks_what_was_recorded_meanwhile():
    events = [run("a"), recording("before", 0.0, 10.0), clock(86420.0, 86400.0), recording("wrong", 86430.0, 86440.0)]
    events += [run("a"), clock(50.0, -86400.0), recording("right", 60.0, 70.0)]
    assert {name: sum(steps) for name, steps in clock_steps(events).items()} == {"before": 0.0, "wrong": -86400.0}


def test_what_the_clock_did_in_another_boot_is_not_known():
    events = [run("a"), recording("old", 0.0, 100.0), run("b"), clock(86520.0, 86400.0)]
    assert clock_steps(events) == {}


@given(st.lists(st.dictionaries(st.sampled_from(["event", "name", "at", "step", "boot_id"]), st.text() | st.floats())))
def test_whatever_the_events_the_steps_of_the_clock_raise_nothing(events):
    clock_steps(events)
