"""What a recorder says: sentence, status file, systemd, ledger on a full disk."""

from __future__ import annotations

import json
import os
import socket

import pytest

from camera_backup import journal, jsonlines
from camera_backup.errors import HostError
from camera_backup.recorder import live
from camera_backup.recorder.live import Rate, sentence
from camera_backup.recorder.notify import Notifier
from camera_backup.recorder.reporter import Reporter

NOW = 1795352400.0  # 2026-11-22 13:00:00 UTC


def status(state, **more):
    segment = {"name": "20261122_130000.mp4", "start": NOW, "bytes": 1}
    values = {"state": state, "since": NOW, "segment": segment, "bits_per_second": 4_130_000}
    return {**values, "cause": None, "detail": None, "next_attempt": None, **more}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (status("recording"), "recording since 2026-11-22 13:00:00 UTC, 20261122_130000.mp4, 4.1 Mbit/s"),
        (status("recording", segment=None, bits_per_second=None), "recording since 2026-11-22 13:00:00 UTC"),
        (
            status("waiting", cause="camera_unreachable", detail="Connection refused", next_attempt=NOW + 20.4),
            "camera unreachable: Connection refused; next attempt in 20 s",
        ),
        (status("waiting", cause="stopped", next_attempt=NOW - 3), "stopped; next attempt in 0 s"),
        (status("waiting"), "connecting again; next attempt in 0 s"),
        (status("paused", cause="disk_full"), "paused: the disk is full"),
        (status("starting"), "connecting to the camera"),
        (status("starting", cause="login_refused"), "connecting; before: the camera refused the login"),
        (status("stopped", cause="stopped"), "stopped"),
    ],
)
def test_the_sentence_for_systemctl_status(value, words):
    assert sentence(value, NOW) == words


def test_every_cause_has_words():
    from camera_backup.ledger import CAUSES

    for cause in CAUSES:
        assert sentence(status("waiting", cause=cause), NOW) != sentence(status("waiting"), NOW)


def test_the_bitrate_is_that_of_the_file_being_written():
    rate = Rate()
    rate.take("a", 1000, 0.0)
    assert rate.bits_per_second is None
    rate.take("a", 2000, 4.9)
    assert rate.bits_per_second is None
    rate.take("a", 1_001_000, 10.0)
    assert rate.bits_per_second == 800_000
    rate.take("b", 0, 11.0)  # the next file: the last rate stands until there is a new one
    assert rate.bits_per_second == 800_000
    rate.take("b", 500_000, 21.0)
    assert rate.bits_per_second == 400_000
    rate.take(None, 0, 22.0)
    assert rate.bits_per_second is None


def test_a_status_is_read_back(tmp_path):
    path = str(tmp_path / "front.json")
    live.write(path, {"format": 1, "camera": "Gärtner"})
    assert live.read(path) == {"format": 1, "camera": "Gärtner"}
    assert os.listdir(tmp_path) == ["front.json"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format":2}', "\x00"])
def test_a_status_that_cannot_be_read_is_none(tmp_path, content):
    path = tmp_path / "front.json"
    path.write_text(content)
    assert live.read(str(path)) == {}
    assert live.read(str(tmp_path / "none")) == {}


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("notify")
        receiver.setblocking(False)
        yield receiver


def said(receiver):
    texts = []
    while True:
        try:
            texts.append(receiver.recv(4096).decode())
        except BlockingIOError:
            return texts


def test_systemd_hears_what_is_sent(systemd):
    notifier = Notifier({"NOTIFY_SOCKET": "notify", "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())})
    assert notifier.active
    assert notifier.every == 30
    assert notifier.send("READY=1")
    assert said(systemd) == ["READY=1"]


def test_an_abstract_socket_is_reached():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0camera-backup-test-%d" % os.getpid())
        assert Notifier({"NOTIFY_SOCKET": "@camera-backup-test-%d" % os.getpid()}).send("READY=1")
        assert receiver.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "variables",
    [
        {"NOTIFY_SOCKET": "x"},
        {"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "x", "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "1000"},
    ],
)
def test_no_watchdog_is_no_watchdog(variables):
    assert Notifier(variables).every is None


def test_without_systemd_nothing_is_sent_and_nothing_fails(tmp_path):
    assert not Notifier({}).active
    assert not Notifier({}).send("READY=1")
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).send("READY=1")


class Settings:
    camera = "front"

    def __init__(self, directory):
        self.state_path = str(directory)


@pytest.fixture
def reporter(tmp_path, systemd, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "notify")
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    return Reporter(Settings(tmp_path))


def test_without_a_place_for_records_nothing_is_recorded(tmp_path):
    (tmp_path / "ledger").write_text("a file where a directory belongs")
    with pytest.raises(HostError, match="ledger: File exists"):
        Reporter(Settings(tmp_path))


def test_events_are_written_with_times_to_the_millisecond(reporter, tmp_path):
    reporter.events({"event": "gap", "id": "1", "start": 1.23456789, "cause": "stalled", "detail": None})
    [event] = jsonlines.read(str(tmp_path / "ledger" / "front.jsonl"))
    assert event["start"] == 1.235


def test_events_wait_in_order_for_a_disk_that_is_full(reporter, tmp_path, monkeypatch, capsys):
    real = jsonlines.append
    with monkeypatch.context() as full:
        full.setattr(jsonlines, "append", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        reporter.events({"event": "gap", "id": "1", "start": 1.0, "cause": "disk_full", "detail": None})
        reporter.events({"event": "gap_end", "id": "1", "end": 2.0})
    assert capsys.readouterr().err.count("No space left") == 1
    monkeypatch.setattr(jsonlines, "append", real)
    reporter.tell({**status("recording"), "camera": "front"}, 100.0)
    events = list(jsonlines.read(str(tmp_path / "ledger" / "front.jsonl")))
    assert [event["event"] for event in events] == ["gap", "gap_end"]


def test_a_status_that_cannot_be_written_is_complained_about_once(reporter, monkeypatch, capsys):
    monkeypatch.setattr(live, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    for now in (1.0, 2.0, 3.0):
        reporter.tell(status("recording"), now)
    assert capsys.readouterr().err.count("cannot_write") == 1


def test_ready_is_said_once_and_again_only_if_it_was_not_heard(reporter, systemd, monkeypatch):
    send = reporter.notifier.send
    monkeypatch.setattr(reporter.notifier, "send", lambda text: False)
    reporter.ready()
    monkeypatch.setattr(reporter.notifier, "send", send)
    reporter.ready()
    reporter.ready()
    assert said(systemd) == ["READY=1"]


def test_the_watchdog_hears_from_us_at_half_its_limit(reporter, systemd):
    for tenth in range(1000, 1301):
        reporter.ping(tenth / 10)
    assert said(systemd) == ["WATCHDOG=1"] * 4


def test_a_status_is_told_every_ten_seconds_and_at_once_when_something_changed(reporter, tmp_path, systemd):
    assert reporter.due(100.0)
    reporter.tell(status("recording"), 100.0)
    assert not reporter.due(109.9)
    assert reporter.due(110.0)
    reporter.hurry()
    assert reporter.due(101.0)
    assert json.loads((tmp_path / "recorders" / "front.json").read_text())["state"] == "recording"
    assert said(systemd)[0].startswith("STATUS=recording since")


def test_gaps_go_to_the_journal_too(reporter, capsys, monkeypatch):
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    monkeypatch.setattr(journal, "verbosity", journal.INFO)
    reporter.events({"event": "run", "run": "x"}, {"event": "gap", "id": "1", "start": 1.0, "cause": "stalled"})
    assert capsys.readouterr().err == "gap camera=front id=1 start=1.000 cause=stalled\n"
