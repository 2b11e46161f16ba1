"""`camera-backup status` beside living recorders, dead ones, and cameras that fail."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from camera_backup import paths
from tests.simulators.camera import CameraServer
from tests.support.processes import running, wait_until

PASSWORD = "p@ss %w/rd'7"

_NUMBERS = itertools.count()


class Host:
    """A host with two cameras, its recorders, and the command."""

    def __init__(self, tmp_path, cameras):
        self.home = tmp_path
        self.state, self.segments = tmp_path / "state", tmp_path / "segments"
        for directory in (self.segments, self.state / "recorders", self.state / "ledger"):
            directory.mkdir(parents=True)
        self.config = tmp_path / "config.yaml"
        self.config.touch(0o600)
        s3 = {"access_key_id": "AKIDTEST", "secret_access_key": "SECRET-planted", "bucket": "b"}
        value = {
            "storage": {"local_path": str(self.segments), "state_path": str(self.state), "min_free": 0},
            "s3": {**s3, "endpoint": "https://127.0.0.1:1"},
            "cameras": [{"name": camera.name, "rtsp_url": camera.url} for camera in cameras],
            "recording": {"segment_duration": 5, "stall_timeout": 5},
        }
        self.config.write_text(json.dumps(value))

    def recorder(self, name):
        words = [sys.executable, "-m", "camera_backup", "record", name, "--config", str(self.config)]
        return running(words, self.home / (name + ".log"))

    def status(self, *words, before=()):
        command = [*before, sys.executable, "-m", "camera_backup", "status", "--config", str(self.config), *words]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert PASSWORD not in result.stdout + result.stderr
        return result

    def json(self, *words, before=()):
        result = self.status("--json", *words, before=before)
        value = json.loads(result.stdout)
        return result.returncode, value, {camera["name"]: camera for camera in value["cameras"]}

    def is_recording(self, name):
        return self.json()[2][name]["recording"]


@pytest.fixture(scope="module")
def server():
    with CameraServer() as cameras:
        yield cameras


@pytest.fixture
def cameras(server):
    names = ["%s-%d" % (name, next(_NUMBERS)) for name in ("front", "yard")]
    return [server.add(name, user="u", password=PASSWORD) for name in names]


@pytest.fixture
def host(tmp_path, cameras):
    return Host(tmp_path, cameras)


def test_from_recording_to_frozen_to_killed_each_state_is_told_with_its_cause(host, cameras):
    front, yard = cameras
    with host.recorder(front.name), host.recorder(yard.name) as second:
        wait_until(lambda: host.is_recording(front.name) and host.is_recording(yard.name), "both record", 60, 0.5)
        code, value, seen = host.json()
        assert (code, value["troubles"]) == (0, [])
        assert seen[front.name]["outage"] is None
        text = host.status().stdout
        assert "2 of 2 cameras recording" in text
        wait_until(lambda: host.json()[2][front.name]["waiting"]["segments"] > 0, "a segment is closed", 60, 0.5)
        waiting = host.json()[2][front.name]["waiting"]
        assert waiting["bytes"] > 10_000
        assert 0 < waiting["seconds"] < 60

        front.freeze()
        wait_until(lambda: not host.is_recording(front.name), "the freeze is noticed", 60, 0.5)
        code, value, seen = host.json()
        assert code == 1
        assert value["troubles"] == ["%s is not recording" % front.name]
        assert seen[front.name]["outage"]["cause"] in ("stalled", "camera_unreachable", "connection_lost")
        assert seen[front.name]["recorder"] is not None
        assert seen[yard.name]["recording"]
        front.clear()

        second.kill()
        code, value, seen = host.json()
        assert seen[yard.name]["outage"]["cause"] == "its process is gone"
        assert seen[yard.name]["outage"]["since"] is not None
        assert "not running" in host.status().stdout
        wait_until(lambda: host.is_recording(front.name), "the camera is recorded again", 90, 0.5)
    code, value, seen = host.json()
    assert seen[front.name]["outage"]["cause"] == "stopped"
    assert code == 1


def without_privileges(config):
    """Make a file unreadable, and return the words before a command that make this true for root, too."""
    config.chmod(0)
    if os.geteuid() != 0:
        return []
    os.chown(config, 65534, 65534)
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]


def test_without_the_configuration_the_recorders_are_still_seen_and_the_rest_is_said_to_be_unread(host, cameras):
    with host.recorder(cameras[0].name):
        wait_until(lambda: host.is_recording(cameras[0].name), "it records", 60, 0.5)
        before = without_privileges(host.config)
        code, value, seen = host.json("--state", str(host.state), before=before)
        assert seen[cameras[0].name]["recording"]
        assert seen[cameras[0].name]["waiting"] is None
        assert code == 0
        assert "may not be read by this user" in value["unread"][0]
        ledger = Path(paths.ledger(str(host.state), cameras[0].name))
        without_privileges(ledger)
        value = host.json("--state", str(host.state), before=before)[1]
        assert any(line.startswith(str(ledger) + ": permission denied") for line in value["unread"])
