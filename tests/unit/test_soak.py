"""The storm is fixed by its seed, and the account of a soak sees what is wrong."""

from camera_backup.ledger import CAUSES as LEDGER
from camera_backup.ledger import Gap
from tests.support.frames import Frame, settle
from tools.soak import verdict
from tools.soak.storm import CAUSES, STORE, Strike, storm

START = 1000.0


def held(*numbers):
    return [Frame("camera1", number, START + number / 25, True, True) for number in numbers]


def lost(frames, sent, strikes=(), ended=2000.0):
    line = verdict.Line("camera1")
    verdict._lost(line, settle(frames, sent), frames, [], list(strikes), ended)
    return line


def test_the_same_seed_gives_the_same_storm_and_another_one_another():
    cameras = ["camera1", "camera2"]
    assert storm(1, 300, cameras) == storm(1, 300, cameras)
    assert storm(1, 300, cameras) != storm(2, 300, cameras)


def test_a_camera_recovers_before_it_is_struck_again():
    struck = [one for one in storm(3, 3600, ["camera1"]) if one.whom != STORE]
    assert {one.kind for one in struck} == set(CAUSES)
    assert all(after.at - before.end >= 16 for before, after in zip(struck, struck[1:]))


def test_every_cause_is_one_of_the_ledger():
    assert {cause for causes in CAUSES.values() for cause in causes} <= set(LEDGER)


def test_a_frame_that_is_lost_without_a_kill_is_a_violation():
    line = lost(held(0, 1, 3), [(0, 3)])
    assert line.wrong == ["frames sent and lost without a kill: 1 (2)"]


def test_a_frame_of_the_open_key_frame_interval_at_a_kill_is_counted_apart():
    line = lost(held(0, 1, 3), [(0, 3)], [(START + 0.5, Strike(0, 0, "kill both", "camera1"))])
    assert (line.tail, line.wrong) == (1, [])


def test_a_hole_without_a_gap_in_the_ledger_is_a_violation():
    frames = held(0, 500)
    for gaps, wrong in (([], 1), ([Gap("g", START + 0.1, START + 20, "stalled", None, False)], 0)):
        line = verdict.Line("camera1")
        verdict._explained(line, settle(frames, []), frames, gaps)
        assert len(line.wrong) == wrong
        assert line.unsent == 499


def test_a_gap_whose_cause_nobody_injected_is_a_violation():
    gap = Gap("g", START, START + 5, "stalled", None, False)
    first = Gap("f", START - 9, START - 8, "stopped", None, False)
    for kind, wrong in (("freeze", 0), ("kill both", 1)):
        struck = [(START, Strike(0, 0, kind, "camera1"))]
        assert len(verdict._causes([first, gap], struck, START + 100)) == wrong
