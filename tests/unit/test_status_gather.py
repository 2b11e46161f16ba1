"""Status from files written by hand: as the contract has them, missing, foreign, unreadable."""

from __future__ import annotations

import json
import os
import time

import pytest

from camera_backup import config, ledger, paths
from camera_backup.cli import main
from camera_backup.status import live
from camera_backup.status.gather import Gatherer, Place
from camera_backup.status.report import Outage, exit_code
from camera_backup.uploader import tombstones

SECRET = "Pa55-phrase-x"


class Host:
    """The directories of a host with the cameras front (enabled) and old (disabled)."""

    def __init__(self, tmp_path):
        self.state, self.segments = tmp_path / "state", tmp_path / "segments"
        for directory in (self.state / "recorders", self.state / "ledger", self.segments):
            directory.mkdir(parents=True)
        self.now = time.time()
        self.file = tmp_path / "config.yaml"
        self.file.write_text(
            json.dumps(
                {
                    "storage": {"local_path": str(self.segments), "state_path": str(self.state), "min_free": 0},
                    "s3": {
                        "access_key_id": "AKIDTEST",
                        "secret_access_key": SECRET,
                        "bucket": "b",
                        "endpoint": "https://127.0.0.1:1",
                    },
                    "cameras": [
                        {"name": "front", "rtsp_url": "rtsp://u:%s@127.0.0.1/x" % SECRET},
                        {"name": "old", "rtsp_url": "rtsp://127.0.0.1/y", "enabled": False},
                    ],
                }
            )
        )

    def recorder(self, camera="front", **changes):
        value = {"format": 1, "camera": camera, "state": "recording", "since": self.now - 60, "cause": None}
        value.update(detail=None, pid=os.getpid(), boot_id=live.boot_id(), updated=self.now, next_attempt=None)
        value.update(segment={"name": "20261122_130000.mp4", "start": 1.0, "bytes": 5}, bits_per_second=1e6)
        value.update(changes)
        with open(paths.recorder_status(str(self.state), camera), "w") as stream:
            json.dump(value, stream)

    def uploader(self, **changes):
        value = {
            "format": 1,
            "state": "idle",
            "since": self.now,
            "updated": self.now,
            "pid": os.getpid(),
            "cause": None,
        }
        value.update(next_scan=self.now + 60, current=[])
        value.update(backlog={"segments": 2, "bytes": 7, "oldest_start": self.now - 90}, **changes)
        with open(paths.uploader_status(str(self.state)), "w") as stream:
            json.dump(value, stream)

    def segment(self, camera, name, age):
        (self.segments / camera).mkdir(exist_ok=True)
        path = self.segments / camera / name
        path.write_bytes(b"12345")
        os.utime(path, (self.now - age, self.now - age))

    def status(self, readable=True):
        loaded = config.load(str(self.file)) if readable else None
        return Gatherer(Place(str(self.state), loaded), self.now).host()


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_a_host_that_dropped_footage_of_late_is_not_well(host):
    host.recorder()
    host.uploader()
    tombstones.write(str(host.state), "front", "20261122_120000.mp4", 1.0, 3601.0, 10**9)
    found = host.status()
    assert (found.dropped[0].camera, exit_code(found)) == ("front", 1)
    host.now += 86401
    host.recorder()
    host.uploader()
    assert exit_code(host.status()) == 0


def test_a_living_host_is_read_as_well(host):
    host.recorder()
    host.uploader()
    status = host.status()
    assert [camera.recording for camera in status.cameras] == [True, False]
    assert status.uploader.state == "idle"
    assert status.unread == ()
    assert exit_code(status) == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"boot_id": "another"}, "the host was restarted"),
        ({"updated": 1.0}, "it has not reported for"),
        ({"pid": 2**22 + 1}, "its process is gone"),
    ],
)
def test_a_recorder_that_cannot_be_living_is_not_believed(host, change, why):
    host.recorder(**change)
    camera = host.status().cameras[0]
    assert not camera.recording
    assert camera.outage.cause.startswith(why)


def test_the_ledger_says_since_when_a_dead_recorder_is_missed(host):
    book = ledger.Ledger(str(host.state), "front")
    book.append({"event": "run", "run": "r", "at": 100.0})
    book.append({"event": "gap", "id": "g", "start": 150.0, "cause": "login_refused", "detail": "401"})
    assert host.status().cameras[0].outage == Outage(150.0, "login_refused", "401")


def test_until_a_recorder_has_measured_its_bitrate_the_last_segment_tells_it(host):
    host.recorder(bits_per_second=None)
    assert host.status().cameras[0].live.bits_per_second is None
    event = {"event": "segment", "name": "20261122_130000.mp4", "start": 10.0, "end": 20.0, "bytes": 1000, "frames": 1}
    ledger.Ledger(str(host.state), "front").append({**event, "sha256": "ab", "how": "complete", "run": "r"})
    assert host.status().cameras[0].live.bits_per_second == 800.0


def test_segments_of_every_camera_count_also_of_one_nobody_configures_any_more(host):
    host.recorder()
    host.uploader()
    host.segment("front", "20261122_130000.mp4", 10)
    host.segment("gone", "20261122_130000.mp4", 20)
    status = host.status()
    assert status.cameras[0].waiting.segments == 1
    assert (status.waiting.segments, status.waiting.bytes) == (2, 10)
    assert status.waiting.oldest == pytest.approx(host.now - 20, abs=1)


def test_what_was_measured_and_what_is_recorded_say_when_the_backlog_is_drained(host):
    host.recorder(bits_per_second=8e6)
    host.segment("front", "20261122_130000.mp4", 10)
    host.uploader()
    assert host.status().drain.seconds is None
    host.uploader(rates=[{"limit": None, "bytes": 2e9, "seconds": 1000.0}])
    status = host.status()
    assert (status.drain.recording, status.drain.uploading) == (1e6, 2e6)
    assert status.drain.seconds == pytest.approx(5 / 1e6)
    host.recorder(bits_per_second=24e6)
    assert host.status().drain.seconds is None
    assert host.status(readable=False).drain is None


def test_segments_that_nobody_takes_make_the_host_unwell(host):
    host.recorder()
    host.segment("front", "20261122_130000.mp4", 3600)
    assert exit_code(host.status()) == 1
    host.uploader()
    assert exit_code(host.status()) == 1


def test_without_the_configuration_the_state_tells_what_it_can(host):
    host.recorder()
    host.recorder("yard", state="waiting", cause="camera_unreachable")
    host.uploader()
    status = host.status(readable=False)
    assert [(camera.name, camera.enabled) for camera in status.cameras] == [("front", None), ("yard", None)]
    assert status.cameras[0].waiting is None
    assert (status.waiting.segments, status.waiting.bytes) == (2, 7)
    assert exit_code(status) == 1


def test_what_may_not_be_read_is_said_once_and_the_rest_is_told(host, monkeypatch):
    host.recorder()
    host.uploader()
    real = open

    def refusing(path, *args, **kwargs):
        if str(path).endswith(".jsonl"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr("builtins.open", refusing)
    status = host.status()
    assert status.cameras[0].recording
    assert [line.split(":")[0] for line in status.unread] == [
        paths.ledger(str(host.state), "front"),
        paths.ledger(str(host.state), "old"),
    ]
    assert "run as root" in status.unread[0]


def test_the_command_prints_the_table_and_the_exit_code_says_whether_all_is_well(host, capsys):
    host.recorder()
    host.uploader()
    assert main(["status", "--config", str(host.file)]) == 0
    text = capsys.readouterr().out
    assert "1 of 1 camera recording; nothing waits for upload\n" in text
    assert "old" in text
    assert SECRET not in text
    (host.state / "recorders" / "front.json").unlink()
    assert main(["status", "--config", str(host.file), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["troubles"] == ["front is not recording"]


def test_a_refused_configuration_is_named_and_the_given_state_directory_is_used(host, capsys, tmp_path):
    host.recorder()
    host.uploader()
    host.file.write_text("storage: 5\nextra: 1\n")
    assert main(["status", "--config", str(host.file), "--state", str(host.state)]) == 0
    text = capsys.readouterr().out
    assert str(host.file) in text
    assert "see camera-backup check" in text
    assert "front" in text


WRONG = ("x", "", [], {}, [1], None, True, -1, 10**400, 1e300, float("inf"), float("nan"))


def replaced(value, path, wrong):
    """Return a copy of a JSON value in which what lies at a path is `wrong`."""
    if not path:
        return wrong
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], wrong)
    return copy


def places(value, path=()):
    """Yield the paths of all values in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


@pytest.mark.parametrize("which", ["recorder", "uploader"])
def test_a_live_status_with_nonsense_in_it_is_no_traceback(tmp_path, which, capsys):
    host = Host(tmp_path)
    host.segment("front", "20231114_000000.mp4", 60)
    host.recorder(next_attempt=1.0, last_media=host.now)
    rate = {"limit": None, "bytes": 1e6, "seconds": 5.0}
    travelling = [{"camera": "front", "name": "20231114_000000.mp4", "bytes": 5, "sent": 1}]
    host.uploader(current=travelling, rates=[rate], clock_skew=90, cause="x")
    state = str(host.state)
    file = paths.recorder_status(state, "front") if which == "recorder" else paths.uploader_status(state)
    with open(file) as stream:
        sound = json.load(stream)
    for path in places(sound):
        for wrong in WRONG:
            with open(file, "w") as stream:
                json.dump(replaced(sound, path, wrong), stream)
            for options in ([], ["--json"]):
                assert main(["status", "--config", str(host.file), *options]) in (0, 1), (path, wrong)
                assert "Traceback" not in capsys.readouterr().err, (path, wrong)
