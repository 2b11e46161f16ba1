"""The storm is fixed by its seed, and the account of a soak sees what is wrong."""

from camera_backup.ledger import CAUSES as LEDGER
from camera_backup.ledger import Gap
from tests.simulators.camera.handle import Run, Sent
from tests.support.frames import Frame, settle
from tools.soak import flatness, verdict
from tools.soak.flatness import Process, Sample
from tools.soak.storm import CAUSES, KILLS, STORE, Strike, storm

START = 1000.0


def held(*numbers):
    return [Frame("camera1", number, START + number / 25, True, True) for number in numbers]


def lost(frames, sent, strikes=(), ended=2000.0, sessions=(), gaps=()):
    line = verdict.Line("camera1")
    verdict._lost(line, settle(frames, sent), frames, list(sessions), list(strikes), ended, list(gaps))
    return line


def test_the_same_seed_gives_the_same_storm_and_another_one_another():
    cameras = ["camera1", "camera2"]
    assert storm(1, 300, cameras) == storm(1, 300, cameras)
    assert storm(1, 300, cameras) != storm(2, 300, cameras)


def test_a_storm_without_kills_has_every_other_fault():
    struck = {one.kind for one in storm(1, 3600, ["camera1"], kills=False)}
    assert struck == {one.kind for one in storm(1, 3600, ["camera1"])} - {*KILLS, "kill uploader"}


def test_a_camera_recovers_before_it_is_struck_again():
    struck = [one for one in storm(3, 3600, ["camera1"]) if one.whom != STORE]
    assert {one.kind for one in struck} == set(CAUSES)
    assert all(after.at - before.end >= 16 for before, after in zip(struck, struck[1:]))


def test_every_cause_is_one_of_the_ledger():
    assert {cause for causes in CAUSES.values() for cause in causes} <= set(LEDGER)


def test_what_a_session_sent_that_began_just_before_the_last_stop_may_be_missing():
    for began, wrong in ((START + 95, 0), (START + 93, 1)):
        assert (
            len(
                lost(
                    held(0, 1, 3),
                    [(0, 3)],
                    ended=START + 100,
                    sessions=[Sent(1, began, None, "", [Run(0, 3, began, began)])],
                ).wrong
            )
            == wrong
        )


def test_a_frame_sent_to_a_reader_that_has_given_up_may_be_missing_where_the_ledger_says_so():
    thawed = [(START - 5, Strike(0, 5, "freeze", "camera1"))]
    stalled = Gap("g", START - 1, START + 60, "stalled", None, False)
    assert lost(held(0, 1, 3), [(0, 3)], thawed, gaps=[stalled]).tail == 1
    for strikes, gaps in ((thawed, []), ([], [stalled]), ([(START - 6, thawed[0][1])], [stalled])):
        assert lost(held(0, 1, 3), [(0, 3)], strikes, gaps=gaps).wrong


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
        assert len(verdict._causes([gap, first], struck, START + 100)) == wrong


MIB = 1 << 20
UPLOADER = Process("uploader", "the host")


def grown(memory, files, count=flatness.LEAST):
    """What is said of a process with that memory and those files at each of its samples."""
    return flatness.judge({UPLOADER: [Sample(memory(n), files(n)) for n in range(count)]})[0]


def test_memory_and_files_that_vary_and_come_back_are_flat():
    assert grown(lambda n: 20 * MIB + n % 7 * MIB, lambda n: 10 + n % 5) == []


def test_what_a_process_needs_until_it_is_warm_is_no_growth():
    assert grown(lambda n: min(n, 9) * 3 * MIB, lambda n: min(n, 9)) == []


def test_one_peak_is_no_growth():
    assert grown(lambda n: 90 * MIB if n == 35 else 20 * MIB, lambda n: 50 if n == 35 else 5) == []


def test_memory_that_grows_is_told():
    assert grown(lambda n: (20 + n / 2) * MIB, lambda n: 5) == [
        "uploader of the host: memory grows from 28.6 MB to 39.1 MB"
    ]


def test_open_files_that_grow_are_told():
    assert grown(lambda n: 20 * MIB, lambda n: 5 + n // 4) == ["uploader of the host: open files grow from 8 to 13"]


def test_a_process_that_was_hardly_seen_is_not_judged():
    assert grown(lambda n: n * MIB, lambda n: n, flatness.LEAST - 1) == []
    assert flatness.judge({UPLOADER: [Sample(1, 1)]}) == ([], {})


def test_the_table_of_processes_shows_of_each_role_the_process_that_has_most():
    few, many = [Sample(8 * MIB, 4)] * 40, [Sample(9 * MIB, 7)] * 40
    seen = {Process("recorder", "a"): few, Process("recorder", "b"): many, UPLOADER: few}
    lines = flatness.show(flatness.judge(seen)[1], colour=False).splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["recorder", "2"], ["uploader", "1"]]
    assert lines[1].split()[-3:] == ["7", "7", "7"]
