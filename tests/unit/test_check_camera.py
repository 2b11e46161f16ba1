"""What was seen of a camera, in the words of an operator: what is wrong and what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from camera_backup.check import camera as judge
from camera_backup.check.camera import Seen, findings
from camera_backup.check.findings import CAMERA, OK, PROBLEM, WARNING
from camera_backup.check.sample import Stream
from camera_backup.model import Camera, Tls

STREAM = Stream("h264", "aac", (1920, 1080), 16000, 125, 5.0, 4_050_000.0, 2.0)
SECRET = "s3cr3t-pass"
FRONT = Camera("front", "rtsps://u:%s@10.0.0.9:8554/main" % SECRET, True, "tcp", "auto", Tls(True, None, None))


def judged(camera=FRONT, **changes):
    return {f.item: f for f in findings(camera, Seen(None, "", STREAM._replace(**changes), 6.0))}


def refused(cause, detail):
    (finding,) = findings(FRONT, Seen(cause, detail, None, 1.0))
    return finding


def test_a_good_camera_is_well_in_every_point():
    found = judged()
    assert {f.level for f in found.values()} == {OK}
    assert {f.area for f in found.values()} == {CAMERA}
    assert found["connection"].text == "10.0.0.9 port 8554 over TCP, login accepted"
    assert found["video"].text == "h264 1920×1080, 25 frames a second"
    assert found["bitrate"].text == "4.05 Mbit/s, 43.7 GB a day"
    assert found["key frames"].text == "every 2.0 s"


@pytest.mark.parametrize(
    ("cause", "detail", "item", "text"),
    [
        ("login_refused", "401 Unauthorized", "login", "login refused: 401 Unauthorized"),
        ("stream_refused", "Server returned 404 Not Found", "stream", "stream refused: 404 Not Found"),
        (
            "camera_unreachable",
            "No route to host",
            "connection",
            "camera unreachable: 10.0.0.9 port 8554: No route to host",
        ),
        ("certificate_refused", "self-signed", "certificate", "certificate refused: self-signed"),
        ("stalled", "it sends no video", "stream", "stalled: it sends no video"),
        ("ffmpeg_failed", "", "stream", "ffmpeg failed"),
    ],
)
def test_a_camera_without_a_stream_is_one_problem_with_its_cause_and_what_to_do(cause, detail, item, text):
    finding = refused(cause, detail)
    assert (finding.level, finding.item, finding.text) == (PROBLEM, item, text)
    assert finding.advice


def test_a_codec_that_no_segment_can_hold_is_a_problem():
    assert judged(video="mjpeg")["video"].level == PROBLEM


@pytest.mark.parametrize(
    ("setting", "codec", "level", "words"),
    [
        ("auto", None, OK, "none"),
        ("auto", "pcm_mulaw", OK, "converted to AAC"),
        ("aac", "aac", OK, "converted to AAC"),
        ("copy", "pcm_mulaw", WARNING, "will not be recorded"),
        ("copy", "aac", OK, "copied"),
        ("off", "aac", OK, "not recorded"),
    ],
)
def test_what_will_happen_to_the_sound_is_said(setting, codec, level, words):
    found = judged(replace(FRONT, audio=setting), audio=codec)["audio"]
    assert found.level == level
    assert words in found.text


def test_rare_key_frames_are_a_warning_with_the_cost():
    assert judged(key_interval=5.0)["key frames"].level == OK
    assert judged(key_interval=5.1)["key frames"].level == WARNING
    assert "none seen twice within 6 s" in judged(key_interval=None)["key frames"].text


def test_time_stamps_that_stand_still_are_a_warning_and_no_figures_are_made_of_them():
    stream = STREAM._replace(seconds=0.0, bits_per_second=None, key_interval=0.0)
    found = {f.item: f for f in findings(FRONT, Seen(None, "", stream, 30.0))}
    assert found["time stamps"].text == "advanced by 0.0 s within 30 s: segments would have wrong lengths"
    assert found["video"].text == "h264 1920×1080"
    assert "key frames" not in found
    assert "bitrate" not in found


def test_a_rate_that_could_not_be_measured_is_not_invented():
    assert judged(bits_per_second=None)["bitrate"].level == WARNING
    assert judge.bytes_per_second(Seen(None, "", STREAM._replace(bits_per_second=None), 1.0)) == 0
    assert judge.bytes_per_second(Seen("stalled", "", None, 1.0)) == 0
    assert judge.bytes_per_second(Seen(None, "", STREAM, 6.0)) == 4_050_000 / 8


def test_how_the_certificate_was_checked_is_said():
    def with_tls(*tls):
        return judged(replace(FRONT, tls=Tls(*tls)))["certificate"]

    assert with_tls(True, None, None).text == "verified against the system's authorities"
    assert with_tls(True, "/etc/ca.pem", None).text == "verified against /etc/ca.pem"
    assert with_tls(True, None, "ab" * 32).text == "is the one of tls.fingerprint"
    assert with_tls(False, None, None).level == WARNING


def test_a_camera_without_tls_has_no_certificate_to_talk_about():
    assert "certificate" not in judged(replace(FRONT, url="rtsp://10.0.0.9/main"))
    assert "no login given" in judged(replace(FRONT, url="rtsp://10.0.0.9/main"))["connection"].text


def test_no_finding_holds_the_password():
    seen = [*judged().values(), refused("camera_unreachable", "x"), refused("login_refused", "401")]
    assert all(SECRET not in repr(finding) for finding in seen)
