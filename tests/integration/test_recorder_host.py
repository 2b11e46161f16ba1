"""A host whose disk or clock fails: said once, waited out, nothing recorded is lost (I4, I6)."""

from __future__ import annotations

import os
import signal
import tempfile
import time

import pytest

from camera_backup import ledger, segments
from camera_backup.uploader import facts
from tests.simulators.camera import Look
from tests.support.disks import ext4, tmpfs
from tests.support.frames import frames
from tests.support.moving_clock import moving_clock
from tests.support.recorder import NotifySocket, gone
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


DAY = 86400


def assert_nothing_is_missing(host):
    """In whatever order the names of the files are."""
    account = host.account
    assert (account.missing, account.doubled, account.torn, account.unknown) == ([], [], [], [])


def clock_host(stage, at):
    """Return a host whose clock says `at` (epoch seconds), its environment, and a function that sets the clock."""
    variables, offset, ffmpeg = moving_clock(stage)
    behind = at - time.time()

    def step(seconds):
        offset.write_text("%+d" % (behind + seconds))

    step(0)
    return stage.host(LOOK, segment_duration=5, ffmpeg=ffmpeg), variables, step


def metadata_of(host):
    """Return name → metadata its object would get now."""
    names = [path.name for path in host.segments]
    known = facts.recorded(str(host.state_path), host.name, names)
    about = {n: facts.facts(known[n], str(host.footage), n, (host.footage / n).stat().st_size) for n in names}
    return {name: facts.metadata(one, "sha", host.name, "nvr", "token", 5) for name, one in about.items()}


def set_the_clock(stage, step):
    """Record, set the clock by `step` seconds, record; return the segments from before and all of them."""
    host, variables, set_by = clock_host(stage, 1795348800)
    with host.record(0, variables) as recorder:
        host.wait_for_segments(2)
        before = host.segments
        pid = recorder.ffmpeg
        set_by(step)
        host.wait_for_segments(5)
        assert recorder.ffmpeg == pid, "the recording goes on"
    assert_nothing_is_missing(host)
    [event] = [event for event in host.ledger if event["event"] == "clock"]
    assert event["step"] == pytest.approx(step, abs=3)
    assert host.journal.count("clock_was_set") == 1
    return host, before


def assert_all_dates_are_right_or_marked(host, before, step, right):
    """`right`: the day on which it really was, by the clock that is right in the end."""
    marked = metadata_of(host)
    for name, found in marked.items():
        off = float(found.get("clock", 0))
        assert off == pytest.approx(0, abs=0) or off == pytest.approx(step, abs=3), (name, found)
        named = segments.parse(name).start
        assert named + off == pytest.approx(right, abs=120), (name, found)
    assert all("clock" in marked[path.name] for path in before)
    assert "clock" not in marked[max(marked, key=lambda name: (host.footage / name).stat().st_mtime)]


@together
def test_a_clock_that_is_set_forward_by_a_day_loses_nothing_and_marks_what_was_recorded_before(stage):
    host, before = set_the_clock(stage, DAY)
    assert_all_dates_are_right_or_marked(host, before, DAY, 1795348800 + DAY)


@together
def test_a_clock_that_is_set_back_by_a_day_loses_nothing_and_marks_what_was_recorded_before(stage):
    host, before = set_the_clock(stage, -DAY)
    assert_all_dates_are_right_or_marked(host, before, -DAY, 1795348800 - DAY)


@together
def test_a_boot_in_1970_is_recorded_and_marked_as_soon_as_the_time_is_known(stage):
    """A host without a clock that runs on: NTP comes while it records."""
    host, variables, set_by = clock_host(stage, 1000)
    with host.record(0, variables):
        host.wait_for_segments(2)
        before = host.segments
        assert before[0].name.startswith("19700101_")
        set_by(1795348800 - 1000)
        host.wait_for_segments(5)
    assert host.account.clean, host.account
    assert_all_dates_are_right_or_marked(host, before, 1795348800 - 1000, 1795348800)


@together
def test_recording_goes_on_over_the_last_second_of_32_bit_clocks(stage):
    host, variables, _ = clock_host(stage, (1 << 31) - 14)
    with host.record(0, variables):
        host.wait_for(lambda: any(path.name > "20380119_031408" for path in host.segments), "2038")
        host.wait_for_segments(5)
    assert host.account.clean, host.account
    names = [path.name for path in host.segments]
    assert names[0] < "20380119_031407.mp4" < names[-1], names
    host.check_segments()
    for record in ledger.segments(host.ledger).values():
        assert record.start == pytest.approx(segments.parse(record.name).start, abs=6)


@together
def test_zeros_that_a_power_cut_left_at_the_end_of_files_cost_no_whole_frame(stage):
    """A file system may have given a file its length and not its content: segment, ledger and status end in zeros."""
    host = stage.host(LOOK, segment_duration=3600)
    recorder = host.record(4)
    ffmpeg = recorder.ffmpeg
    # Stopped first: it must not get the chance to finish its file.
    os.kill(ffmpeg, signal.SIGSTOP)
    recorder.kill()
    os.kill(ffmpeg, signal.SIGKILL)
    host.wait_for(lambda: gone(ffmpeg), "the end of FFmpeg")
    [raw] = host.spooled
    content = raw.read_bytes()
    cut = len(content) * 2 // 3
    whole = [frame.number for frame in frames(raw) if frame.intact]
    raw.write_bytes(content[:cut] + bytes(len(content) - cut))
    log = host.state_path / "ledger" / (host.name + ".jsonl")
    log.write_bytes(log.read_bytes() + bytes(4096))
    status = host.state_path / "recorders" / (host.name + ".json")
    status.write_bytes(bytes(300))
    [name] = host.recovered()
    held = frames(host.footage / name)
    assert all(frame.intact for frame in held)
    numbers = [frame.number for frame in held]
    assert numbers == whole[: len(numbers)]
    assert len(numbers) >= len(whole) // 2
    recorder = host.start()
    host.wait_for(lambda: b"\0" not in status.read_bytes(), "a status of the new recorder")
    host.wait_for_state("recording")
    time.sleep(2)
    assert recorder.stop() == 0
    assert len(host.segments) == 2
    host.check_segments()
    assert_nothing_that_was_recorded_is_spoilt(host)
    assert "recorder_killed" in host.causes
