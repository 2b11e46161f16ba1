"""Since when, and why: what the ledger and the live status tell together."""

from __future__ import annotations

from camera_backup.status import live, outage
from camera_backup.status.report import Outage
from tests.unit.test_status_live import RECORDER

WAITING = live.recorder({**RECORDER, "state": "waiting", "since": 500.0, "cause": "login_refused", "detail": "401"})
LAST = live.recorder({**RECORDER, "last_media": 1999.0})

RUN = {"event": "run", "run": "r1", "at": 100.0}
SEGMENT = {"event": "segment", "name": "20261122_130000.mp4", "start": 100.0, "end": 300.0, "bytes": 1, "frames": 1}
SEGMENT.update(sha256="ab", how="complete", run="r1")
GAP = {"event": "gap", "id": "g1", "start": 310.0, "cause": "camera_unreachable", "detail": "no route"}
END = {"event": "gap_end", "id": "g1", "end": 400.0}
STOP = {"event": "stop", "run": "r1", "at": 450.0}


def test_a_waiting_recorder_knows_why_and_the_ledger_since_when():
    assert outage.of_waiting(WAITING, [RUN, GAP]) == Outage(310.0, "login_refused", "401")


def test_a_starting_recorder_without_a_gap_is_told_by_its_state():
    starting = live.recorder({**RECORDER, "state": "starting", "since": 500.0})
    assert outage.of_waiting(starting, [RUN]) == Outage(500.0, "starting")


def test_a_recorder_that_ended_in_a_gap_left_its_cause():
    assert outage.of_dead(None, "its process is gone", [RUN, GAP]) == Outage(310.0, "camera_unreachable", "no route")


def test_a_recorder_that_was_stopped_is_not_missed():
    assert outage.of_dead(LAST, "its process is gone", [RUN, SEGMENT, STOP]) == Outage(450.0, "stopped")


def test_a_recorder_that_was_killed_is_not_taken_for_stopped_by_an_older_stop():
    again = {**RUN, "run": "r2", "at": 460.0}
    found = outage.of_dead(LAST, "its process is gone", [RUN, SEGMENT, STOP, again])
    assert found == Outage(1999.0, "its process is gone")


def test_without_a_live_status_the_last_segment_says_since_when():
    assert outage.of_dead(None, "the host was restarted", [RUN, SEGMENT]) == Outage(300.0, "the host was restarted")


def test_a_camera_that_never_recorded_has_no_since():
    assert outage.of_dead(None, "it was never started", []) == Outage(None, "it was never started")


def test_a_gap_that_ended_is_over():
    assert outage.of_dead(None, "x", [RUN, GAP, END]).cause == "x"


def test_a_ledger_of_nonsense_tells_nothing_and_breaks_nothing():
    nonsense = [{"event": "stop"}, {"event": []}, {}, {"event": "gap", "start": "x"}]
    assert outage.of_dead(None, "x", nonsense) == Outage(None, "stopped")
