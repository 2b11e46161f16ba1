from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.errors import HostError
from camera_backup.recorder import spool
from camera_backup.recorder.spool import RunDirectory
from camera_backup.segments import Segment, parse

NOON = 1795348800.0  # 2026-11-22 12:00:00 UTC


@pytest.fixture
def camera(tmp_path):
    os.close(spool.lock_camera(str(tmp_path), "front"))
    return str(tmp_path), "front"


@given(st.integers(0, 4_000_000_000), st.integers(1, 99_999))
def test_a_recording_in_progress_has_the_name_its_segment_will_have(moment, copy):
    name = spool.stamp(moment + 0.9, copy)
    assert name == Segment(moment, copy).name
    assert parse(name) == Segment(moment, copy)


def test_the_first_file_of_a_second_has_its_name_and_the_next_ones_are_counted(camera):
    directory = RunDirectory(*camera, "run.1")
    for number in range(3):
        Path("%s/%09d.mp4" % (directory.path, number)).write_text(str(number))
        directory.name(number, NOON + number / 10)
    assert [os.path.basename(path) for path in directory.files()] == [
        "20261122_120000.mp4",
        "20261122_120000_2.mp4",
        "20261122_120000_3.mp4",
    ]
    assert [Path(path).read_text() for path in directory.files()] == ["0", "1", "2"]


def test_a_file_that_is_being_written_is_the_same_under_its_new_name(camera):
    directory = RunDirectory(*camera, "run.1")
    with open(directory.path + "/000000000.mp4", "w") as stream:
        stream.write("before")
        path = directory.name(0, NOON)
        stream.write(" and after")
    assert Path(path).read_text() == "before and after"


def test_a_file_that_is_not_there_yet_has_no_name(camera):
    assert RunDirectory(*camera, "run.1").name(0, NOON) is None


def test_a_directory_that_is_empty_goes_and_one_that_is_not_stays(camera):
    empty, full = RunDirectory(*camera, "run.1"), RunDirectory(*camera, "run.2")
    Path(full.path + "/20261122_120000.mp4").touch()
    empty.close()
    full.close()
    assert not os.path.exists(empty.path)
    assert os.listdir(full.path) == ["20261122_120000.mp4"]


def test_a_directory_is_locked_until_it_is_closed(camera):
    directory = RunDirectory(*camera, "run.1")
    other = os.open(directory.path, os.O_RDONLY)
    assert not spool.locked(other)
    directory.close()
    assert spool.locked(other)
    os.close(other)


def test_a_second_recorder_is_told_who_the_first_one_is(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "_LOCK_SECONDS", 0.1)
    first = spool.lock_camera(str(tmp_path), "front")
    assert spool.recorder_is_alive(str(tmp_path), "front")
    with pytest.raises(HostError) as caught:
        spool.lock_camera(str(tmp_path), "front")
    assert str(caught.value) == "front: is already being recorded, by process %d" % os.getpid()
    os.close(first)
    assert not spool.recorder_is_alive(str(tmp_path), "front")
    os.close(spool.lock_camera(str(tmp_path), "front"))


def test_a_look_at_the_lock_does_not_keep_a_recorder_from_starting(tmp_path):
    os.close(spool.lock_camera(str(tmp_path), "front"))
    looking = os.open(str(tmp_path / "front" / ".lock"), os.O_RDONLY)
    assert spool.locked(looking)
    began = time.monotonic()

    def let_go(seconds):
        os.close(looking)

    sleep, time.sleep = time.sleep, let_go
    try:
        os.close(spool.lock_camera(str(tmp_path), "front"))
    finally:
        time.sleep = sleep
    assert time.monotonic() - began < 1


def test_a_camera_that_was_never_recorded_has_no_recorder(tmp_path):
    assert not spool.recorder_is_alive(str(tmp_path), "front")


def test_storage_that_is_not_there_is_not_created(tmp_path):
    with pytest.raises(HostError) as caught:
        spool.lock_camera(str(tmp_path / "mnt"), "front")
    assert str(caught.value) == "%s: is not there; is the disk mounted?" % (tmp_path / "mnt")
    assert not (tmp_path / "mnt").exists()


def test_storage_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "front").write_text("a file where a directory belongs")
    with pytest.raises(HostError, match="front.*: "):
        spool.lock_camera(str(tmp_path), "front")


def test_root_by_hand_becomes_the_owner_of_the_storage(tmp_path, monkeypatch):
    became = []
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda value, name=name: became.append((name, value)))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "stat", lambda path: SimpleNamespace(st_uid=990, st_gid=991))
    spool.become_owner(str(tmp_path))
    assert became == [("setgroups", []), ("setgid", 991), ("setuid", 990)]
    monkeypatch.setattr(os, "geteuid", lambda: 990)
    spool.become_owner(str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "stat", lambda path: SimpleNamespace(st_uid=0, st_gid=0))
    spool.become_owner(str(tmp_path))
    assert len(became) == 3


def test_the_newest_write_of_any_run_counts(camera):
    assert spool.newest_write(*camera) is None
    for run, moment in (("run.1", NOON), ("run.2", NOON + 5), ("run.3", NOON - 5)):
        path = RunDirectory(*camera, run).path + "/20261122_120000.mp4"
        Path(path).touch()
        os.utime(path, (moment, moment))
    assert spool.newest_write(*camera) == NOON + 5


def test_nothing_is_recovered_while_a_recorder_lives(tmp_path):
    lock = spool.lock_camera(str(tmp_path), "front")
    (tmp_path / "front" / ".spool" / "old.1").mkdir()
    (tmp_path / "front" / ".spool" / "old.1" / "20261122_120000.mp4").write_bytes(b"x" * 10)
    assert spool.recover(str(tmp_path), str(tmp_path), "front", "ffmpeg") == []
    assert (tmp_path / "front" / ".spool" / "old.1" / "20261122_120000.mp4").exists()
    os.close(lock)
