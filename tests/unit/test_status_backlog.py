"""What counts as waiting: finished segments, whoever recorded them, and nothing else."""

from __future__ import annotations

import os

from camera_backup.ledger import SegmentRecord
from camera_backup.status import backlog
from camera_backup.status.report import Waiting

START = 1795352400  # 20261122_130000


def put(directory, name, size=10, closed=START + 60):
    path = directory / name
    path.write_bytes(b"x" * size)
    os.utime(path, (closed, closed))


def test_only_finished_segments_wait_not_the_spool_nor_the_lock_nor_strangers(tmp_path):
    for name in (".lock", "notes.txt", "20261122_130000.mp4.part", "20261122_139900.mp4"):
        put(tmp_path, name)
    (tmp_path / ".spool").mkdir()
    put(tmp_path, "20261122_130000.mp4", 10, START + 60)
    put(tmp_path, "20261122_130000_2.damaged.mp4", 5, START + 90)
    assert backlog.waiting(backlog.held(str(tmp_path)), {}, 3600) == Waiting(2, 15, 150.0, START + 60)


def test_the_ledger_knows_lengths_better_than_the_clock_of_a_repaired_file(tmp_path):
    put(tmp_path, "20261122_130000.mp4", 10, START + 86400)
    record = SegmentRecord("20261122_130000.mp4", START, START + 3600.0, 10, 1, "", "repaired", "")
    assert backlog.waiting(backlog.held(str(tmp_path)), {record.name: record}, 3600).seconds == 3600.0


def test_without_the_ledger_a_file_repaired_a_day_later_holds_no_day(tmp_path):
    put(tmp_path, "20261122_130000.mp4", 10, START + 86400)
    assert backlog.waiting(backlog.held(str(tmp_path)), {}, 3600).seconds == 3600


def test_a_clock_that_was_set_back_gives_no_negative_footage(tmp_path):
    put(tmp_path, "20261122_130000.mp4", 10, START - 60)
    assert backlog.waiting(backlog.held(str(tmp_path)), {}, 3600).seconds == 0.0


def test_a_camera_without_a_directory_has_nothing_waiting(tmp_path):
    assert list(backlog.held(str(tmp_path / "none"))) == []
    assert backlog.waiting([], {}, 3600) == Waiting()


def test_every_directory_named_like_a_camera_counts_configured_or_not(tmp_path):
    for name in ("front", "gone-since-may", ".hidden", "lost+found"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    assert backlog.cameras(str(tmp_path)) == ["front", "gone-since-may"]


def test_a_link_is_no_segment(tmp_path):
    put(tmp_path, "target")
    (tmp_path / "20261122_130000.mp4").symlink_to(tmp_path / "target")
    (tmp_path / "20261122_140000.mp4").symlink_to(tmp_path / "none")
    assert list(backlog.held(str(tmp_path))) == []
