"""The recorder as a service: systemd's protocol, signals, the one lock, the disk, the clock of the host."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from camera_backup import ledger
from tests.simulators.camera import Look
from tests.support.moving_clock import moving_clock
from tests.support.recorder import PROGRAM, Host, NotifySocket, command_line, gone
from tests.support.together import performance, stage_ffmpeg, together

__all__ = ["performance", "stage_ffmpeg"]

LOOK = Look(audio="aac", gop=1.0)


def listening(stage, name, **variables):
    """Return a notify socket and the environment that names it."""
    stage.directory.mkdir(parents=True, exist_ok=True)
    # The path of a socket is short: 107 bytes.
    address = "@camera-backup-%d-%s" % (os.getpid(), name) if name else tempfile.mkdtemp() + "/notify"
    return NotifySocket(address), {"NOTIFY_SOCKET": address, **variables}


@together
def test_systemd_is_told_when_media_flows_what_goes_on_and_that_we_live(stage):
    host = stage.host(LOOK, segment_duration=3600)
    notify, environment = listening(stage, "", WATCHDOG_USEC="6000000")
    began = time.monotonic()
    with host.record(14, environment):
        pass
    texts = notify.texts
    assert texts.count("READY=1") == 1
    ready = texts.index("READY=1")
    assert texts[ready - 1].startswith("STATUS=recording since ")
    sentences = [text for text in texts if text.startswith("STATUS=recording since ")]
    assert any(" UTC, 2" in text and ".mp4" in text and " Mbit/s" in text for text in sentences), texts
    pings = [moment for moment, text in notify.messages if text == "WATCHDOG=1"]
    assert max(after - before for before, after in zip([began, *pings], pings)) < 6.0
    assert texts[-2:] == ["STOPPING=1", "STATUS=stopped"] or "STOPPING=1" in texts


@together
def test_a_camera_that_is_off_holds_up_neither_the_boot_nor_the_watchdog(stage):
    host = stage.host(LOOK)
    host.camera.refuse()
    name = "off%s" % stage.ffmpeg.replace("/", "")
    notify, environment = listening(stage, name, WATCHDOG_USEC="2000000")
    recorder = host.start(environment)
    host.wait_for(lambda: "READY=1" in notify.texts, "READY", 45)
    time.sleep(4)
    waiting = [text for text in notify.texts if text.startswith("STATUS=camera unreachable: Connection refused; next")]
    assert waiting, notify.texts
    assert notify.texts.count("WATCHDOG=1") >= 3
    assert recorder.stop() == 0


@together
def test_a_service_without_ffmpeg_waits_for_it_and_says_so(stage):
    program = stage.directory / "ffmpeg"
    notify, environment = listening(stage, "")
    host = stage.host(LOOK, ffmpeg=str(program))
    recorder = host.start(environment)
    host.wait_for_state("waiting", "ffmpeg_failed")
    words = "STATUS=FFmpeg failed: %s: not found; install FFmpeg 5.1 or newer; next attempt in " % program
    host.wait_for(lambda: any(text.startswith(words) for text in notify.texts), words)
    program.symlink_to(shutil.which(stage.ffmpeg))
    host.wait_for_state("recording")
    assert recorder.stop() == 0
    assert host.causes == ["stopped", "ffmpeg_failed", "stopped"]


@together
def test_a_second_recorder_of_a_camera_is_refused_and_harms_nothing(stage):
    host = stage.host(LOOK)
    with host.record(1) as recorder:
        second = host.start()
        assert second.process.wait(30) == 4
        assert host.journal.splitlines()[-1] == "camera-backup: %s: is already being recorded, by process %d" % (
            host.name,
            recorder.pid,
        )
        assert host.status["pid"] == recorder.pid
        host.wait_for_segments(1)
    assert host.account.clean


@together
def test_ctrl_c_stops_as_cleanly_as_systemd_does(stage):
    host = stage.host(LOOK, segment_duration=3600)
    recorder = host.record(3)
    began = time.monotonic()
    os.killpg(recorder.pid, signal.SIGINT)
    assert recorder.process.wait(60) == 0
    assert time.monotonic() - began < 20
    host.check_segments()
    assert host.account.clean
    assert len(host.segments) == 1
    assert host.ledger[-1]["event"] == "stop"


@together
def test_a_hangup_changes_nothing(stage):
    host = stage.host(LOOK)
    with host.record(1) as recorder:
        recorder.process.send_signal(signal.SIGHUP)
        host.wait_for_segments(2)
    assert host.account.clean
    assert host.status["reconnects"] == 0


@together
def test_a_recorder_that_waits_or_connects_stops_at_once(stage):
    host = stage.host(LOOK)
    host.camera.refuse()
    recorder = host.start()
    host.wait_for_state("waiting", "camera_unreachable")
    began = time.monotonic()
    assert recorder.stop() == 0
    assert time.monotonic() - began < 5
    host.camera.clear()
    host.camera.hang()
    recorder = host.start()
    host.wait_for(lambda: recorder.process.poll() is None and host.status["state"] == "starting", "an attempt")
    time.sleep(1)
    assert recorder.stop() == 0
    assert host.causes[-1] == "stopped"
    assert host.segments == []
    assert host.spooled == []


@together
def test_recording_pauses_before_the_disk_is_full_and_goes_on_when_there_is_room(stage):
    host = stage.host(LOOK, segment_duration=3600)
    disk = os.statvfs(host.local_path)
    free = disk.f_bavail * disk.f_frsize
    # Other programs write to this disk, too: leave them 2 GB of play.
    host.write_settings(min_free=free + (2 << 30))
    recorder = host.start()
    host.wait_for_state("paused", "disk_full")
    assert host.camera.stats()["connections"] == 0
    assert recorder.stop() == 0
    assert host.causes == ["stopped", "disk_full", "stopped"]


@together
def test_a_full_filesystem_costs_no_segment_that_was_recorded(stage):
    """A file system of 12 MB of its own; a ballast file fills it, and is taken away again."""
    host = stage.host(Look(bitrate=2_000_000, gop=1.0), segment_duration=5, min_free=4 << 20)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(host.local_path)], check=True)
    try:
        recorder = host.record(4)
        ballast = host.local_path / "ballast"
        ballast.write_bytes(bytes(14 << 20))
        host.wait_for_state("paused", "disk_full")
        host.wait_for(lambda: not host.spooled, "the last segment")
        held = len(host.segments)
        assert held >= 1
        time.sleep(3)
        assert host.status["state"] == "paused"
        ballast.unlink()
        host.wait_for_state("recording")
        host.wait_for_segments(held + 1)
        assert recorder.stop() == 0
        account = host.account
        assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])
        # Without room for a second copy a sound file is published as it is.
        host.check_segments(fragmented=True)
        assert "disk_full" in host.causes
        gap = next(found for found in host.gaps if found.cause == "disk_full")
        assert gap.end - gap.start > 3
    finally:
        host.stop_all()
        subprocess.run(["umount", "-l", str(host.local_path)], check=True)


def record_over_a_change_of_the_clock(stage, zone, before, step):
    """Record from `before` (epoch seconds) on, set the clock by `step` seconds, go on recording; return the host."""
    variables, offset, ffmpeg = moving_clock(stage)
    host = stage.host(LOOK, segment_duration=5, ffmpeg=ffmpeg)
    behind = int(before - time.time())
    offset.write_text("%+d" % behind)
    with host.record(12, {**variables, "TZ": zone}):
        seen = len(host.segments)
        offset.write_text("%+d" % (behind + step))
        host.wait_for_segments(seen + 4)
    return host


# 2026-11-01: clocks of New York go from 02:00 EDT back to 01:00 EST at 06:00 UTC.
HALF_PAST_ONE = 1793511000


@together
def test_the_hour_that_comes_twice_in_autumn_is_recorded_twice(stage):
    host = record_over_a_change_of_the_clock(stage, "America/New_York", HALF_PAST_ONE, 3600)
    assert host.account.clean, host.account
    assert not host.account.unsent
    hours = {path.name[:11] for path in host.segments}
    assert hours == {"20261101_05", "20261101_06"}
    host.check_segments()


@together
def test_a_clock_that_is_set_back_overwrites_nothing(stage):
    host = record_over_a_change_of_the_clock(stage, "UTC", HALF_PAST_ONE, -15)
    account = host.account
    assert (account.missing, account.doubled, account.torn, account.unknown) == ([], [], [], [])
    records = ledger.segments(host.ledger)
    assert sorted(records) == [path.name for path in host.segments]


@together
def test_a_child_has_a_session_of_its_own_a_bare_environment_and_no_other_descriptors(stage):
    host = stage.host(LOOK)
    with host.record(1, {"CAMERA_BACKUP_CANARY": "x"}) as recorder:
        ffmpeg = recorder.ffmpeg
        assert os.getsid(ffmpeg) == ffmpeg
        variables = Path("/proc/%d/environ" % ffmpeg).read_bytes().split(b"\0")
        # The 7.1 of the tests is a shell script, which adds PWD.
        kept = [one for one in sorted(variables) if not one.startswith(b"PWD=")]
        assert kept == [b"", b"LC_ALL=C", b"PATH=/bin:/usr/bin", b"TZ=UTC"]
        links = {fd.name: os.readlink(fd) for fd in Path("/proc/%d/fd" % ffmpeg).iterdir()}
        ours = {number: link for number, link in links.items() if int(number) <= 5 or int(number) >= 20}
        assert ours["5"].startswith(str(host.footage / ".spool"))
        assert not any(link.endswith(".lock") for link in links.values()), links
        assert max(map(int, links)) < 20, links
        assert not gone(ffmpeg)


@together
def test_by_hand_from_a_configuration_file(stage):
    """`camera-backup record NAME --config FILE` does the same."""
    host = stage.host(LOOK)
    path = stage.directory / "config.yaml"
    path.write_text(
        "storage: {local_path: '%s', state_path: '%s', min_free: 1 MiB}\n"
        "s3: {access_key_id: a, secret_access_key: b, bucket: my-bucket, endpoint: 'https://s3.camera-backup.net'}\n"
        "cameras:\n  - {name: '%s', rtsp_url: '%s'}\n"
        "recording: {ffmpeg: '%s', segment_duration: 60}\n"
        % (host.local_path, host.state_path, host.name, host.camera.url, stage.ffmpeg)
    )
    path.chmod(0o600)
    with host.log.open("ab") as log:
        process = subprocess.Popen([PROGRAM, "record", host.name, "--config", str(path)], stdout=log, stderr=log)
    try:
        host.wait_for_state("recording")
        assert b"rtsp" not in command_line(process.pid)
    finally:
        process.terminate()
        assert process.wait(60) == 0, host.journal
    assert host.account.clean
    unknown = subprocess.run(
        [PROGRAM, "record", "nobody", "--config", str(path)], capture_output=True, text=True, check=False
    )
    assert unknown.returncode == 2
    assert unknown.stderr == "camera-backup: %s: has no camera nobody; it has: %s\n" % (path, host.name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "format is None, this version reads 1; run camera-backup-generate again"),
        ("not json", "is not JSON; run camera-backup-generate again"),
        (None, "No such file or directory (written by camera-backup-generate)"),
    ],
)
def test_a_per_camera_file_that_cannot_be_used_is_one_line(tmp_path, content, message):
    path = tmp_path / "recorder.json"
    if content is not None:
        path.write_text(content)
    done = subprocess.run(
        [PROGRAM, "record", "front"],
        env={**os.environ, "CREDENTIALS_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == "camera-backup: %s: %s\n" % (path, message)


def test_a_disk_that_is_not_mounted_is_one_line(tmp_path):
    class Camera:
        name, url = "front", "rtsp://127.0.0.1/x"

    host = Host(tmp_path, Camera, local_path=str(tmp_path / "mnt"))
    assert host.start().process.wait(30) == 4
    assert host.journal == "camera-backup: %s: is not there; is the disk mounted?\n" % (tmp_path / "mnt")
