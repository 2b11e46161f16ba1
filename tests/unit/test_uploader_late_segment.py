"""A segment that becomes ready while a worker is ending is taken at the next look, not at the next change."""

from __future__ import annotations

import os
import time

import pytest

from camera_backup import config
from camera_backup.recorder.notify import Notifier
from camera_backup.uploader import service as module
from camera_backup.uploader.service import Service, Signals

PLAIN = {
    "s3": {"access_key_id": "AKIDTEST", "secret_access_key": "s", "bucket": "b", "endpoint": "https://127.0.0.1:1"},
    "cameras": [],
    "upload": {"min_age": 0, "check_interval": 60},
}


class Started(Exception):
    pass


@pytest.fixture
def service(tmp_path, monkeypatch):
    def start(given):
        raise Started

    monkeypatch.setattr(module, "Child", start)
    monkeypatch.setattr(Signals, "__init__", lambda self: None)
    storage = {"local_path": str(tmp_path / "segments"), "state_path": str(tmp_path / "state")}
    (tmp_path / "segments" / "front").mkdir(parents=True)
    given = config.uploader_file(config.validate({**PLAIN, "storage": storage}, "test"))
    return Service(lambda: given, "test", Notifier({}), Signals())


def put(tmp_path, name):
    path = tmp_path / "segments" / "front" / name
    path.write_bytes(b"12345")
    os.utime(path, (time.time() - 60, time.time() - 60))


def starts_a_worker(service):
    try:
        service._scan()
    except Started:
        return True
    return False


def test_what_the_worker_did_not_see_starts_the_next_one(service, tmp_path):
    put(tmp_path, "20261122_120000.mp4")
    service._done({"undone": [], "left": 0})
    assert starts_a_worker(service)


def test_what_it_passed_over_does_not(service, tmp_path):
    put(tmp_path, "20261122_120000.mp4")
    service._done({"undone": [], "left": 1})
    assert not starts_a_worker(service)
    put(tmp_path, "20261122_130000.mp4")
    assert starts_a_worker(service)


def test_an_empty_directory_starts_none(service):
    service._done({"undone": [], "left": 0})
    assert not starts_a_worker(service)
