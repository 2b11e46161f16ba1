"""The pure parts of the benchmark of the fleet."""

import pytest

from benchmarks.fleet import cameras, hosts, inventory, machine
from benchmarks.fleet.playbook import Play, Task
from benchmarks.report import MET, MISSED


def a_play(wall, **seconds):
    tasks = [Task("camera_backup : %s | Something" % name, took, 2) for name, took in seconds.items()]
    return Play(wall, wall / 2, 1024, tasks)


def runs(first, again=2.0, starting=3.0, restarting=0.5):
    fresh, second = a_play(first, Install=4.0, Verify=2.5), a_play(again, Verify=0.5)
    return cameras.Runs(fresh, second, a_play(again), starting, restarting)


def test_one_password_differs_and_nothing_else():
    before, after = inventory.cameras(3), inventory.cameras(3, "another")
    assert [one["name"] for one, other in zip(before, after) if one != other] == ["camera-000"]


def test_starting_lasts_from_the_first_job_to_the_last_that_was_done():
    shown = (
        "InactiveExitTimestampMonotonic=2000000\nActiveEnterTimestampMonotonic=2500000\n\n"
        "InactiveExitTimestampMonotonic=1000000\nActiveEnterTimestampMonotonic=4000000\n\n"
        "InactiveExitTimestampMonotonic=0\nActiveEnterTimestampMonotonic=0\n"
    )
    assert machine.window(shown) == 3.0


def test_nothing_that_started_took_no_time():
    assert machine.window("InactiveExitTimestampMonotonic=0\nActiveEnterTimestampMonotonic=0\n") == 0.0


def test_installing_and_starting_recorders_is_taken_from_the_first_run():
    assert runs(20.0).beyond == pytest.approx(20 - 4 - 3 - 2)


def test_a_growth_beyond_the_target_is_called_missed():
    rows = cameras.table({1: runs(20.0), 256: runs(40.0, again=3.0)}).rows
    assert [row[-1] for row in rows if row[0] == "256 : 1"] == [MISSED, MET, MET]


def test_restarting_a_recorder_is_taken_from_the_run_with_another_password():
    growth = cameras.growth(runs(20.0, again=2.0, restarting=0.5), runs(20.0, again=5.0, restarting=2.0))
    assert growth["one password"] == pytest.approx(3.0 / 1.5)


def test_one_size_alone_has_no_growth():
    assert not [row for row in cameras.table({64: runs(20.0)}).rows if ":" in row[0]]


def test_the_plain_way_is_held_against_ours_without_install_and_start():
    rows = cameras.beside(64, runs(20.0), (a_play(110.0), a_play(200.0))).rows
    assert [row[3] for row in rows] == ["10.0", "5.7", "100.0"]
    assert [row[4] for row in rows] == [MISSED, "", MET]


def test_a_line_through_two_points_is_extended():
    assert hosts.extended([(10, 5.0), (100, 14.0)], 1000) == pytest.approx(104.0)


def test_a_host_without_the_release_says_so_in_a_first_run_only():
    assert hosts.answers("first")["camera_backup_host"]["releases"] == []
    assert hosts.answers("no-op")["camera_backup_host"]["current"] != ""
    assert hosts.answers("one camera")["camera_backup_units"]["restarted"] == ["camera-000"]


def test_hosts_of_two_sizes_are_extended_and_those_of_one_are_not():
    cells = [hosts.Cell(count, 25, "no-op", a_play(float(count), Verify=1.0)) for count in (10, 100)]
    assert hosts.table(cells, [], [], 0.5).rows[-1][:5] == ("1,000, extended", "no-op", "25", "1000", "500")
    assert len(hosts.table(cells[:1], [], [], 0.5).rows) == 1
