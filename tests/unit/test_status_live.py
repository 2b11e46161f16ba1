"""Live status files: who wrote them, whether that one still lives, and what no file may do to us."""

from __future__ import annotations

import json
import os

import pytest

from camera_backup.status import live

RECORDER = {
    "format": 1,
    "camera": "front",
    "state": "recording",
    "since": 1000.5,
    "cause": None,
    "detail": None,
    "pid": 4711,
    "boot_id": "b",
    "updated": 2000.0,
    "segment": {"name": "20261122_130000.mp4", "start": 1000.5, "bytes": 77},
    "bits_per_second": 4e6,
    "frames": 10,
    "reconnects": 0,
    "next_attempt": None,
    "ffmpeg": "5.1.9",
    "audio": "copy",
    "last_media": 1999.0,
}

UPLOADER = {
    "format": 1,
    "state": "uploading",
    "since": 1.0,
    "updated": 2.0,
    "pid": 5,
    "cause": None,
    "next_scan": 9.0,
    "current": [{"camera": "front", "name": "20261122_130000.mp4", "bytes": 9, "sent": 4}],
    "backlog": {"segments": 1, "bytes": 9, "oldest_start": 1},
    "capabilities": {},
}


def test_a_recorders_status_is_read_as_the_contract_says():
    found = live.recorder(RECORDER)
    assert (found.state, found.since, found.pid, found.boot_id) == ("recording", 1000.5, 4711, "b")
    assert (found.segment_name, found.segment_bytes, found.bits_per_second) == ("20261122_130000.mp4", 77, 4e6)


def test_between_two_segments_there_is_none():
    assert live.recorder({**RECORDER, "segment": None}).segment_name is None


def test_an_uploaders_status_is_read_as_the_contract_says():
    found = live.uploader(UPLOADER)
    assert (found.state, found.next_scan) == ("uploading", 9.0)
    assert found.sending == (("front", "20261122_130000.mp4", 9, 4),)


@pytest.mark.parametrize("missing", ["state", "since", "pid", "boot_id", "updated"])
def test_a_status_that_lacks_what_counts_is_no_status(missing):
    assert live.recorder({key: value for key, value in RECORDER.items() if key != missing}) is None


@pytest.mark.parametrize("value", [{**RECORDER, "pid": "x"}, {**RECORDER, "segment": "x"}, {**RECORDER, "since": []}])
def test_a_status_of_the_wrong_shape_is_no_status(value):
    assert live.recorder(value) is None
    assert live.uploader({**UPLOADER, "current": [{}]}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "3", json.dumps({"format": 2}), "\x00", "[" * 100_000])
def test_a_file_that_is_not_ours_is_no_status(tmp_path, text):
    path = tmp_path / "front.json"
    path.write_text(text)
    assert live.read(str(path)) is None
    assert live.read(str(tmp_path / "none.json")) is None


def test_a_status_says_nothing_after_a_reboot_a_death_or_a_minute_of_silence():
    assert live.stale(1000, 1060, same_boot=True, process_lives=True) is None
    assert live.stale(1000, 1001, same_boot=False, process_lives=True) == "the host was restarted"
    assert live.stale(1000, 1001, same_boot=True, process_lives=False) == "its process is gone"
    assert live.stale(1000, 1061, same_boot=True, process_lives=True) == "it has not reported for 61 s"


def test_a_status_from_the_future_is_not_trusted_for_ever():
    assert live.stale(5000, 1000, same_boot=True, process_lives=True) is not None


def test_our_own_process_lives_and_a_waited_for_one_does_not():
    assert live.alive(os.getpid())
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert not live.alive(child)
    assert not live.alive(0)
    assert not live.alive(-1)


def test_a_process_of_somebody_else_lives(monkeypatch):
    def refuse(pid, signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert live.alive(1)
