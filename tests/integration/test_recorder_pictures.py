"""Cameras that are set to another picture, start at night, or send a lot."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from camera_backup import ledger
from tests.simulators.camera import Look, clips
from tests.support.together import performance, stage_ffmpeg, together

__all__ = ["performance", "stage_ffmpeg"]

LOOK = Look(gop=1.0)
LARGE = Look(width=640, height=360, gop=1.0)
H265 = Look(codec="h265", gop=1.0)
FLOOD = Look(width=1920, height=1080, bitrate=100_000_000, gop=1.0, seconds=2)


@pytest.fixture(scope="module", autouse=True)
def encoded():
    """Encode the clips before any camera sends: all cameras would have to wait for it."""
    for look in (LOOK, LARGE, H265, FLOOD):
        clips.load(look)


def pictures(path):
    """Return codec and size as a player is told them, and as it decodes them; fail when it complains."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-select_streams", "v"]
    said = subprocess.run(
        [*command, "-show_entries", "stream=codec_name,width,height:frame=width,height", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr == "", said.stderr
    found = json.loads(said.stdout)
    [stream] = found["streams"]
    told = (stream["codec_name"], stream["width"], stream["height"])
    return told, [(frame["width"], frame["height"]) for frame in found["frames"]]


@together
def test_a_camera_that_is_set_to_another_size_gets_a_new_segment_and_both_play(stage):
    host = stage.host(LOOK, segment_duration=3600)
    with host.record(4):
        host.camera.switch(LARGE)
        switched = time.time()
        host.wait_for(lambda: "connection_lost" in host.causes, "a new start")
        assert time.time() - switched < 10
        host.wait_for_state("recording")
        time.sleep(4)
    first, second = host.segments
    [gap] = [gap for gap in host.gaps if gap.cause == "connection_lost"]
    assert gap.detail == "the camera changed the format of its picture"
    assert gap.end - gap.start < 10
    told, shown = pictures(first)
    assert told == ("h264", 320, 180)
    assert shown[0] == (320, 180)
    told, shown = pictures(second)
    assert told == ("h264", 640, 360)
    assert "other_streams_ignored" not in host.journal
    assert set(shown) == {(640, 360)}
    account = host.account
    assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])
    host.check_segments()


@together
def test_a_camera_that_is_set_to_h265_and_comes_back_gets_a_new_segment_and_both_play(stage):
    host = stage.host(LOOK, segment_duration=3600)
    with host.record(3):
        host.camera.refuse()
        host.camera.drop()
        host.camera.switch(H265)
        host.wait_for_state("waiting", "camera_unreachable")
        host.camera.clear()
        host.wait_for_state("recording")
        time.sleep(4)
    codecs = [pictures(path)[0][0] for path in host.segments]
    # FFmpeg is started twice for H.265: what it recorded until that was known is kept.
    assert codecs in (["h264", "hevc"], ["h264", "hevc", "hevc"])
    host.check_segments()


@together
def test_a_camera_that_starts_anew_at_night_is_recorded_soon_after_it_is_back(stage):
    """The connection breaks, for a while nobody listens, then its server answers 503 until the video is ready."""
    host = stage.host(LOOK, segment_duration=3600)
    with host.record(3):
        host.camera.refuse()
        host.camera.drop("rst")
        host.wait_for_state("waiting", "camera_unreachable")
        time.sleep(8)
        host.camera.clear()
        host.camera.status(503)
        host.wait_for_state("waiting", "stream_refused")
        host.camera.clear()
        back = time.time()
        host.wait_for_state("recording")
    assert [gap.cause for gap in host.gaps] == [
        "stopped",
        "connection_lost",
        "camera_unreachable",
        "stream_refused",
        "stopped",
    ]
    refused = next(gap for gap in host.gaps if gap.cause == "stream_refused")
    assert refused.end - back < 30
    for earlier, later in zip(host.gaps[1:], host.gaps[2:4]):
        assert earlier.end == pytest.approx(later.start, abs=0.01), "no second without a cause"
    assert host.account.clean or host.account.unsent


@together
def test_of_two_pictures_on_one_url_the_first_is_recorded_and_that_is_said_once(stage):
    host = stage.host(LOOK, segment_duration=3600)
    host.camera.second_picture()
    with host.record(2):
        host.camera.drop()
        host.wait_for(lambda: host.status["reconnects"] == 1, "a new connection")
        host.wait_for_state("recording")
        time.sleep(2)
    words = "other_streams_ignored camera=%s videos=2 recorded=" % host.name
    assert host.journal.count(words) == 1, host.journal
    assert [pictures(path)[0] for path in host.segments] == [("h264", 320, 180)] * 2
    host.check_segments()


@together
def test_a_camera_that_sends_100_megabits_a_second_is_recorded_whole(stage):
    host = stage.host(FLOOD, segment_duration=5, min_free=64 << 20)
    with host.record(2) as recorder:
        began, before = time.monotonic(), cpu(recorder.pid)
        time.sleep(10)
        share = (cpu(recorder.pid) - before) / (time.monotonic() - began)
    account = host.account
    assert account.clean, account
    assert len(account.recorded) >= 10 * 25
    records = ledger.segments(host.ledger).values()
    assert max(record.bytes * 8e-6 / (record.end - record.start) for record in records) > 80
    # What FFmpeg takes for it is not ours to judge; the supervisor must not feel the difference.
    assert share < 0.05


def cpu(pid):
    """Return the seconds of CPU a process has used, without its children."""
    return sum(int(path.read_text().split()[0]) for path in Path("/proc/%d/task" % pid).glob("*/schedstat")) / 1e9
