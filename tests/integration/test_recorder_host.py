"""A host whose disk or clock fails: said once, waited out, nothing recorded is lost (I4, I6)."""

from __future__ import annotations

import tempfile
import time

from tests.simulators.camera import Look
from tests.support.disks import ext4, tmpfs
from tests.support.recorder import NotifySocket
from tests.support.together import performance, stage_ffmpeg, together

__all__ = ["performance", "stage_ffmpeg"]

LOOK = Look(audio="aac", gop=1.0)


def as_a_service():
    """Return the environment of a service, and what it says to systemd."""
    notify = NotifySocket(tempfile.mkdtemp() + "/notify")
    return {"NOTIFY_SOCKET": notify.address, "WATCHDOG_USEC": "4000000"}, notify


def assert_nothing_that_was_recorded_is_spoilt(host):
    account = host.account
    assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])


@together
def test_a_disk_that_breaks_is_said_once_can_be_repaired_and_is_recorded_to_again(stage):
    """errors=remount-ro, as a bad sector does it in the middle of a recording; nobody restarts the recorder."""
    host = stage.host(LOOK, segment_duration=5)
    environment, _ = as_a_service()
    with ext4(stage.directory / "image", host.local_path) as disk:
        recorder = host.record(0, environment)
        host.wait_for_segments(2)
        before = len(host.segments)
        disk.fail()
        host.wait_for_state("waiting", "disk_failed")
        time.sleep(4)
        assert "Read-only file system" in host.status["detail"]
        disk.unmount()
        host.wait_for(lambda: "is it mounted?" in (host.status["detail"] or ""), "a refusal of the bare directory", 70)
        assert list(host.local_path.iterdir()) == []
        disk.repair()
        disk.mount()
        host.wait_for_state("recording", seconds=90)
        host.wait_for_segments(before + 2)
        assert recorder.stop() == 0
        assert [cause for cause in host.causes if cause not in ("stopped", "connection_lost")] == ["disk_failed"]
        assert host.journal.count("cause=disk_failed") == 1, host.journal
        host.check_segments()
        assert_nothing_that_was_recorded_is_spoilt(host)
        host.stop_all()


@together
def test_a_service_waits_for_a_disk_that_is_not_mounted_and_records_nothing_beneath(stage):
    host = stage.host(LOOK, segment_duration=3600)
    environment, notify = as_a_service()
    with tmpfs(host.local_path, "size=64m"), host.record(2):
        pass
    recorder = host.start(environment)
    host.wait_for_state("waiting", "disk_failed")
    host.wait_for(lambda: "READY=1" in notify.texts, "READY")
    assert list(host.local_path.iterdir()) == []
    assert host.camera.stats()["connections"] == 1, "the camera is left alone meanwhile"
    assert recorder.stop() == 0
    by_hand = host.start()
    assert by_hand.process.wait(30) == 4
    assert host.journal.splitlines()[-1].startswith(
        "camera-backup: %s: is not the disk that was recorded to before (there is no " % host.local_path
    )
    # The disk was replaced, and the operator says so.
    (host.state_path / "storage.json").unlink()
    with host.record(2):
        pass
    assert len(host.segments) == 1


@together
def test_a_storage_that_is_not_there_at_the_boot_is_waited_for(stage):
    host = stage.host(LOOK)
    environment, notify = as_a_service()
    host.local_path.rmdir()
    recorder = host.start(environment)
    host.wait_for_state("waiting", "disk_failed")
    words = "STATUS=the disk cannot be used: %s: is not there; is the disk mounted?; next attempt in" % host.local_path
    host.wait_for(lambda: any(text.startswith(words) for text in notify.texts), words)
    host.local_path.mkdir()
    host.wait_for_state("recording")
    host.wait_for_segments(1)
    assert recorder.stop() == 0
    assert host.causes == ["stopped", "disk_failed", "stopped"]


@together
def test_a_disk_without_inodes_pauses_the_recording_until_there_are_some(stage):
    host = stage.host(LOOK, segment_duration=5)
    with tmpfs(host.local_path, "size=64m,nr_inodes=1000"):
        recorder = host.record(0)
        host.wait_for_segments(1)
        strangers = host.local_path / "strangers"
        strangers.mkdir()
        for number in range(800):
            (strangers / str(number)).touch()
        host.wait_for_state("paused", "disk_full")
        connections = host.camera.stats()["connections"]
        host.wait_for(lambda: not host.spooled, "the last segment")
        held = len(host.segments)
        time.sleep(4)
        assert host.status["state"] == "paused"
        assert host.camera.stats()["connections"] == connections
        for path in strangers.iterdir():
            path.unlink()
        host.wait_for_state("recording")
        host.wait_for_segments(held + 1)
        assert recorder.stop() == 0
        assert host.causes.count("disk_full") == 1
        host.check_segments()
        assert_nothing_that_was_recorded_is_spoilt(host)
