from __future__ import annotations

import os
import threading
from types import SimpleNamespace

import pytest

from camera_backup.recorder import durable
from tests.support.processes import wait_until


@pytest.fixture
def synced(monkeypatch):
    """Return the inodes that were synced; each sync waits for the semaphore beside it."""
    found, gate = [], threading.Semaphore(100)

    def fdatasync(descriptor):
        gate.acquire()
        found.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    return found, gate


def test_the_file_being_recorded_is_synced(tmp_path, synced):
    path = tmp_path / "x.mp4"
    path.touch()
    syncer = durable.Syncer()
    syncer.sync(str(path), 1e9)
    wait_until(lambda: synced[0] == [path.stat().st_ino], "a sync")


def test_a_slow_disk_is_neither_waited_for_nor_asked_again(tmp_path, synced, monkeypatch):
    found, gate = synced
    monkeypatch.setattr(durable, "time", SimpleNamespace(monotonic=iter([100.0, 107.0]).__next__))
    for _ in range(100):
        gate.acquire()
    path = tmp_path / "x.mp4"
    path.touch()
    syncer = durable.Syncer()
    for now in (100.0, 102.0, 104.0):
        syncer.sync(str(path), now)
    assert found == []
    gate.release()
    wait_until(lambda: syncer._next > 0, "the end of the sync")
    # It took 7 s: for 50 times as long the disk has its peace.
    assert syncer._next == 107 + 350


def test_a_file_that_is_gone_and_a_disk_that_fails_are_ffmpegs_to_report(tmp_path, monkeypatch):
    def broken(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", broken)
    path = tmp_path / "x.mp4"
    syncer = durable.Syncer()
    syncer._flush(str(path))
    path.touch()
    syncer._flush(str(path))
    before = len(os.listdir("/proc/self/fd"))
    syncer._flush(str(path))
    assert len(os.listdir("/proc/self/fd")) == before
