"""When a host is well, and how that is told."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from camera_backup.status import view
from camera_backup.status.live import Recorder, Uploader
from camera_backup.status.report import (
    CameraStatus,
    DiskStatus,
    HostStatus,
    Lost,
    Outage,
    Proven,
    Waiting,
    exit_code,
    stuck,
    together,
    troubles,
)

NOW = 1795359900.0

LIVE = Recorder(
    state="recording",
    since=NOW - 7500,
    cause=None,
    detail=None,
    pid=1,
    boot_id="b",
    updated=NOW,
    segment_name="20261122_130000.mp4",
    segment_start=NOW - 7500,
    segment_bytes=1_840_000_000,
    bits_per_second=4.05e6,
    next_attempt=None,
    last_media=NOW,
)
FRONT = CameraStatus("front", True, LIVE, None, Proven("20261122_120000.mp4", NOW - 720), Waiting())
IDLE = Uploader("idle", NOW - 60, 1, NOW, None, NOW + 120, ())
DISK = DiskStatus("/srv", 500 * 10**9, 100 * 10**9, 10**9)
WELL = HostStatus(NOW, (FRONT,), Waiting(), IDLE, "", (), DISK, 960)

LOST = replace(FRONT, name="back", live=None, outage=Outage(NOW - 300, "host_down"))
WAITING = Waiting(3, 5_400_000_000, 10800, NOW - 100)


def test_a_host_that_records_all_and_uploads_is_well():
    assert exit_code(WELL) == 0
    assert troubles(WELL) == []


def test_one_enabled_camera_that_does_not_record_is_not_well():
    host = replace(WELL, cameras=(FRONT, LOST))
    assert exit_code(host) == 1
    assert troubles(host) == ["back is not recording"]


def test_a_disabled_camera_may_rest():
    assert exit_code(replace(WELL, cameras=(FRONT, replace(LOST, enabled=False)))) == 0


def test_without_a_configuration_only_a_camera_stopped_on_purpose_may_rest():
    unknown = replace(LOST, enabled=None)
    assert exit_code(replace(WELL, cameras=(unknown,))) == 1
    stopped = replace(unknown, outage=Outage(NOW, "stopped"))
    assert exit_code(replace(WELL, cameras=(stopped,))) == 0


def test_an_enabled_camera_whose_recorder_was_stopped_is_not_well():
    assert exit_code(replace(WELL, cameras=(replace(LOST, outage=Outage(NOW, "stopped")),))) == 1


def test_a_backlog_that_is_being_uploaded_is_not_stuck_however_old():
    busy = replace(IDLE, state="uploading")
    assert stuck(replace(WELL, waiting=WAITING._replace(oldest=NOW - 10**6), uploader=busy)) == ""


def test_an_idle_or_absent_uploader_is_stuck_once_patience_ends():
    patient, impatient = WAITING._replace(oldest=NOW - 960), WAITING._replace(oldest=NOW - 961)
    assert stuck(replace(WELL, waiting=patient)) == ""
    assert "does not take them" in stuck(replace(WELL, waiting=impatient))
    gone = replace(WELL, waiting=impatient, uploader=None, uploader_gone="its process is gone")
    assert stuck(gone) == "segments wait and no uploader runs: its process is gone"
    assert stuck(replace(gone, waiting=patient)) == ""


def test_a_paused_uploader_is_stuck_at_once():
    paused = replace(WELL, uploader=replace(IDLE, state="paused", cause="403 AccessDenied"))
    assert stuck(paused) == "uploading is paused: 403 AccessDenied"
    assert exit_code(paused) == 1


def test_a_disk_down_to_its_reserve_is_not_well():
    full = replace(WELL, disk=replace(DISK, free=10**9 - 1))
    assert exit_code(full) == 1
    assert "too full to record" in view.text(full, False, None)


def test_a_segment_that_the_store_will_never_accept_is_not_well_and_is_named():
    host = replace(WELL, refused=("front/20261122_130000.mp4: EntityTooLarge",))
    assert exit_code(host) == 1
    assert "refused   front/20261122_130000.mp4: EntityTooLarge" in view.text(host, False, None)
    assert view.summary(host).endswith("; 1 segment refused by the store")


def test_a_clock_that_is_not_the_stores_is_not_well_and_is_told_with_its_direction():
    host = replace(WELL, uploader=replace(IDLE, clock_skew=7200.0))
    assert exit_code(host) == 1
    assert "clock     the clock of this host is 2 h behind the store's" in view.text(host, False, None)
    assert view.summary(host).endswith("; the clock of this host is 2 h behind the store's, uploads are marked")
    assert view.as_json(host)["uploader"]["clock_skew"] == 7200.0
    assert exit_code(replace(WELL, uploader=replace(IDLE, clock_skew=-59.0))) == 0


def test_nothing_readable_is_not_well():
    assert exit_code(HostStatus(NOW, (), Waiting(), None, "", (), None, 960, ("x",))) == 1
    assert exit_code(HostStatus(NOW, (), Waiting(), IDLE, "", (), None, 960)) == 0


def test_what_waits_is_added_up():
    assert together([]) == Waiting()
    assert together([WAITING, Waiting(), Waiting(1, 1, 1.0, NOW - 500)]) == (4, 5_400_000_001, 10801, NOW - 500)


def test_a_recording_camera_is_one_line_with_all_that_matters():
    line = view.text(WELL, False, None).splitlines()[1]
    cells = ["front", "recording", "2 h 5 min", "4.05 Mbit/s", "20261122_130000.mp4", "1.84 GB", "12 min ago", "-"]
    assert re.split("  +", line) == cells


def test_a_camera_that_does_not_record_says_since_when_and_why():
    waiting = replace(LIVE, state="waiting", next_attempt=NOW + 12, segment_name=None, segment_bytes=None)
    outage = Outage(NOW - 300, "camera_unreachable", "connection refused")
    camera = replace(FRONT, live=waiting, outage=outage, waiting=WAITING, proven=None)
    line = view.text(replace(WELL, cameras=(camera,)), False, None).splitlines()[1]
    assert "waiting" in line
    assert "5 min" in line
    assert "never" in line
    assert "3, 5.40 GB, 3 h" in line
    assert line.endswith("camera unreachable since 2026-11-22 15:00:00; connection refused; next attempt in 12 s")


def test_the_last_line_is_the_summary():
    host = replace(WELL, cameras=(FRONT, LOST), waiting=WAITING)
    assert view.text(host, False, None).splitlines()[-1] == (
        "1 of 2 cameras recording; 3 segments (5.40 GB, 3 h) wait for upload"
    )
    assert view.summary(WELL) == "1 of 1 camera recording; nothing waits for upload"
    paused = replace(WELL, uploader=replace(IDLE, state="paused", cause="outage"))
    assert view.summary(paused).endswith("; uploading is paused: outage")


def test_the_disk_says_how_long_it_lasts_without_uploads():
    assert "room for 2 d 6 h without uploads" in view.text(WELL, False, None)
    assert "room" not in view.text(replace(WELL, cameras=()), False, None)


def test_a_scan_that_is_due_is_not_told_as_past():
    assert "uploader  idle for 1 min, next scan in 2 min" in view.text(WELL, False, None)
    due = replace(WELL, uploader=replace(IDLE, next_scan=NOW - 3))
    assert "idle for 1 min, next scan due" in view.text(due, False, None)


def test_what_travels_now_is_shown_with_its_progress():
    busy = replace(IDLE, state="uploading", sending=(("front", "20261122_120000.mp4", 2_000_000, 500_000),))
    assert "sending front/20261122_120000.mp4, 500 kB of 2 MB" in view.text(replace(WELL, uploader=busy), False, None)


def test_what_could_not_be_read_is_said():
    text = view.text(replace(WELL, unread=("/etc/x: permission denied",)), False, None)
    assert "not read  /etc/x: permission denied\n" in text


@pytest.mark.parametrize(("host", "colour"), [(WELL, "\x1b[32m"), (replace(WELL, cameras=(LOST,)), "\x1b[31m")])
def test_the_summary_is_green_or_red(host, colour):
    assert view.text(host, True, None).splitlines()[-1].startswith(colour)
    assert "\x1b" not in view.text(host, False, None)


def test_json_says_the_same_with_numbers():
    value = view.as_json(replace(WELL, cameras=(FRONT, LOST)))
    assert value["ok"] is False
    assert value["cameras"][0]["recorder"]["bits_per_second"] == 4.05e6
    assert value["cameras"][1]["outage"] == {"since": NOW - 300, "cause": "host_down", "detail": ""}
    assert value["disk"]["free"] == 100 * 10**9


def test_what_was_dropped_for_space_is_told_with_amount_and_cause():
    lost = Lost("front", 12, 21_600_000_000, 43200.0, "disk_full", NOW - 7200)
    shown = view.text(replace(WELL, dropped=(lost,)), False, None)
    assert "front: 12 segments, 21.6 GB, 12 h of footage, never uploaded; the last 2 h ago: the disk was full" in shown
    assert view.as_json(replace(WELL, dropped=(lost,)))["dropped"][0]["segments"] == 12


def test_a_host_that_lost_footage_is_not_well_for_a_day():
    lost = Lost("front", 12, 21_600_000_000, 43200.0, "disk_full", NOW - 86399)
    host = replace(WELL, dropped=(lost, lost._replace(camera="yard", last=NOW - 7200)))
    assert exit_code(host) == 1
    [trouble] = troubles(host)
    assert trouble == "footage was dropped for space, never uploaded, the last 2 h ago: of front, yard"
    assert view.summary(host).endswith("; " + trouble)
    past = replace(WELL, dropped=(lost._replace(last=NOW - 86400),))
    assert exit_code(past) == 0
    assert "front: 12 segments" in view.text(past, False, None)


def test_of_many_cameras_that_lost_footage_some_are_named():
    lost = [Lost("cam%d" % number, 1, 1, 1.0, "disk_full", NOW - 60) for number in range(7)]
    assert troubles(replace(WELL, dropped=tuple(lost)))[0].endswith("of cam0, cam1, cam2, cam3, cam4 and 2 more")


def test_the_room_counts_what_is_kept_although_proven_and_says_what_comes_then():
    disk = replace(DISK, free=10**9 + 4_050_000 // 8 * 3600, kept=4_050_000 // 8 * 3600, when_full="drop_oldest")
    shown = view.text(replace(WELL, disk=disk), False, None)
    assert "room for 2 h without uploads, then the oldest footage is dropped" in shown
