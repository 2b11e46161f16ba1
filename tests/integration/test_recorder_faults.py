"""Cameras that fail in every way we know: each is noticed, named, and recorded again when it returns (I6)."""

from __future__ import annotations

import re
import time

import pytest

from camera_backup import ledger
from tests.simulators.camera import Look
from tests.support.certs import Authority, self_signed
from tests.support.processes import wait_until
from tests.support.together import performance, stage_ffmpeg, together

__all__ = ["performance", "stage_ffmpeg"]

STALL = 6
LOOK = Look(audio="aac", gop=1.0)


def last_gap(host):
    return host.gaps[-1]


def silence(stage, how):
    """Let a camera fall silent; return host, the wall clock time of its last frame, and of our noticing."""
    host = stage.host(LOOK, stall_timeout=STALL, segment_duration=10)
    host.record(4)
    getattr(host.camera, how)()
    last = max(run.last_wall for session in host.camera.sent() for run in session.runs)
    host.wait_for(lambda: host.status["state"] == "waiting", "the end of waiting for frames")
    return host, last, time.time()


def assert_noticed_in_time_and_recording_again(host, last, noticed):
    # It reaches FFmpeg, and us by its report every 2 s; a busy machine may need another one.
    assert noticed - last <= STALL + 5
    gap = last_gap(host)
    assert (gap.cause, gap.ongoing) == ("stalled", True), host.journal
    assert gap.start == pytest.approx(last, abs=3.0)
    host.camera.clear()
    returned = time.time()
    host.wait_for_state("recording")
    [over] = [found for found in host.gaps if found.id == gap.id]
    assert not over.ongoing
    # Reconnect (10 s at most after so few failures), probing, the next key frame.
    assert over.end - returned < 25
    host.wait_for_segments(1)
    account = host.account
    assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])


@together
def test_video_that_stops_while_audio_and_rtcp_go_on_is_noticed(stage):
    assert_noticed_in_time_and_recording_again(*silence(stage, "novideo"))


@together
def test_a_camera_that_sends_only_rtcp_is_noticed(stage):
    assert_noticed_in_time_and_recording_again(*silence(stage, "rtcponly"))


@together
def test_a_frozen_camera_whose_connection_stays_up_is_noticed(stage):
    assert_noticed_in_time_and_recording_again(*silence(stage, "freeze"))


@together
def test_a_camera_that_freezes_too_short_to_count_as_frozen_is_a_gap_all_the_same(stage):
    host = stage.host(LOOK, segment_duration=3600, stall_timeout=30)
    with host.record(4):
        frozen = time.time()
        host.camera.freeze()
        time.sleep(5)
        host.camera.clear()
        thawed = time.time()
        time.sleep(4)
    assert host.status["reconnects"] == 0
    [silence] = [gap for gap in host.gaps if gap.cause == "stalled"]
    assert silence.start == pytest.approx(frozen, abs=2)
    assert silence.end == pytest.approx(thawed, abs=2.5)


def freeze_while_ffmpeg_looks(stage, stall_timeout):
    """FFmpeg keeps what came to itself for up to four reads that fail, and names no time then."""
    host = stage.host(LOOK, stall_timeout=stall_timeout)
    host.camera.noaudio()
    host.start()
    wait_until(lambda: any(sent.runs for sent in host.camera.sent()), "frames")
    began = time.time()
    time.sleep(2.5)
    frozen = time.time()
    host.camera.freeze()
    host.wait_for(lambda: "stalled" in host.causes, "the gap")
    host.wait_for(lambda: ledger.segments(host.ledger), "the record")
    [record] = ledger.segments(host.ledger).values()
    assert record.start == pytest.approx(began, abs=2)
    assert record.end == pytest.approx(frozen, abs=2)
    assert last_gap(host).start == pytest.approx(frozen, abs=2)


@together
def test_a_camera_that_freezes_while_ffmpeg_looks_at_its_stream_is_dated_right(stage):
    freeze_while_ffmpeg_looks(stage, stall_timeout=6)


@together
def test_footage_before_a_freeze_while_ffmpeg_looks_is_kept_with_the_longest_reads(stage):
    freeze_while_ffmpeg_looks(stage, stall_timeout=30)


def fall_silent_at_a_cut(stage, how, seconds):
    """Let a camera fall silent from before to after the cut between two segments; return host, first and last time."""
    host = stage.host(LOOK, segment_duration=10, stall_timeout=30)
    with host.record(4):
        time.sleep((8 - time.time()) % 10)
        silent = time.time()
        getattr(host.camera, how)()
        time.sleep(seconds)
        host.camera.clear()
        back = time.time()
        time.sleep(4)
    assert host.status["reconnects"] == 0
    return host, silent, back


def assert_the_silence_at_a_cut_is_known(host, silent, back, held_back=False):
    silences = [gap for gap in host.gaps if gap.cause == "stalled"]
    assert len(silences) == 1, (silent, back, host.ledger, host.journal)
    [silence] = silences
    assert silence.start == pytest.approx(silent, abs=3.0)
    assert silence.end == pytest.approx(back, abs=2.5)
    records = list(ledger.segments(host.ledger).values())
    assert min(abs(record.end - silence.start) for record in records) < 1
    # What FFmpeg still held back when the camera fell silent may have a key frame, and then begins the next segment.
    within = any(record.start < silence.start and silence.end < record.end for record in records)
    assert (held_back and within) or min(abs(record.start - silence.end) for record in records) < 0.01


@together
def test_a_camera_that_freezes_while_a_segment_is_cut_is_a_gap_all_the_same(stage):
    assert_the_silence_at_a_cut_is_known(*fall_silent_at_a_cut(stage, "freeze", 5), held_back=True)


@together
def test_video_that_stops_for_long_while_a_segment_is_cut_is_a_gap_and_no_part_of_a_segment(stage):
    assert_the_silence_at_a_cut_is_known(*fall_silent_at_a_cut(stage, "novideo", 14))


@together
def test_a_dropped_connection_is_a_short_gap(stage):
    host = stage.host(LOOK)
    recorder = host.record(3)
    host.camera.drop("rst")
    host.wait_for(lambda: "connection_lost" in host.causes, "the gap")
    # Not for the state: for a moment it still is that of before.
    host.wait_for(lambda: not last_gap(host).ongoing, "its end")
    gap = last_gap(host)
    assert gap.cause == "connection_lost"
    assert gap.end - gap.start < 15
    assert recorder.stop() == 0
    account = host.account
    assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])
    host.check_segments()


@together
def test_a_camera_that_is_off_is_waited_for_and_recorded_when_it_comes(stage):
    host = stage.host(LOOK)
    host.camera.refuse()
    host.start()
    host.wait_for_state("waiting", "camera_unreachable")
    status = host.status
    assert status["detail"] == "Connection refused"
    assert 0 < status["next_attempt"] - status["updated"] <= 66
    assert last_gap(host).cause == "camera_unreachable"
    host.camera.clear()
    host.wait_for_state("recording")
    assert (last_gap(host).cause, last_gap(host).ongoing) == ("camera_unreachable", False)


@together
def test_a_camera_that_answers_and_has_no_picture_yet_counts_as_silent_and_is_recorded_when_it_has(stage):
    host = stage.host(LOOK, stall_timeout=5)
    host.camera.novideo()
    host.start()
    host.wait_for_state("waiting", "stalled")
    assert host.status["detail"].startswith("no video frame for ")
    host.camera.clear()
    host.wait_for_state("recording", seconds=45)  # a pause of five minutes it is not


@together
def test_a_connection_that_ends_before_a_picture_came_is_not_called_a_silent_camera(stage):
    host = stage.host(LOOK)
    host.camera.novideo()
    host.start()
    ended = 0

    def named():
        """End every session half a second after it began: on a busy host the first one takes too long to tell."""
        nonlocal ended
        if len(host.camera.sent()) > ended:
            time.sleep(0.5)
            ended = len(host.camera.sent())
            host.camera.drop()
        status = host.status
        # FFmpeg 7.1 says so itself.
        reasons = ("the connection ended before a picture came", "End of file")
        return status["cause"] == "camera_unreachable" and status["detail"] in reasons

    host.wait_for(named, "the gap")


@together
def test_the_same_failure_again_opens_no_second_gap_and_floods_no_journal(stage):
    host = stage.host(LOOK)
    host.camera.refuse()
    host.start()
    host.wait_for(lambda: host.status.get("reconnects", 0) >= 3 and host.status["state"] == "waiting", "4 failures")
    assert host.causes == ["stopped", "camera_unreachable"]
    assert host.journal.count("Connection refused") == 1
    assert list((host.footage / ".spool").iterdir()) == []


def refused_login(stage, scheme):
    camera = stage.camera(LOOK, user="user", password="right password", scheme=scheme)
    host = stage.host(camera)
    host.write_settings(url=camera.url.replace("right", "wrong"))
    host.start()
    host.wait_for_state("waiting", "login_refused")
    assert "401 Unauthorized" in host.status["detail"]
    # A camera locks the account that asks too often: not again before 5 s, and slower every time.
    host.wait_for(lambda: host.status["reconnects"] >= 1, "a second attempt")
    host.wait_for_state("waiting", "login_refused")
    before = camera.stats()["logins_refused"]
    time.sleep(8)
    assert camera.stats()["logins_refused"] == before
    assert host.causes == ["stopped", "login_refused"]
    host.write_settings(url=camera.url)


@together
def test_a_refused_basic_login_is_named_and_not_repeated_fast(stage):
    refused_login(stage, "basic")


@together
def test_a_refused_digest_login_is_named_and_not_repeated_fast(stage):
    refused_login(stage, "digest")


@together
def test_a_stream_that_does_not_exist_is_named(stage):
    host = stage.host(LOOK)
    host.write_settings(url=host.camera.url + "-not-there")
    host.start()
    host.wait_for_state("waiting", "stream_refused")
    assert "404" in host.status["detail"]


@together
def test_a_camera_with_too_many_viewers_is_named(stage):
    host = stage.host(LOOK)
    host.camera.status(503)
    host.start()
    host.wait_for_state("waiting", "stream_refused")
    assert "5XX" in host.status["detail"]


@together
def test_a_camera_that_never_answers_describe_is_unreachable(stage):
    host = stage.host(LOOK)
    host.camera.hang()
    host.start()
    host.wait_for_state("waiting", "camera_unreachable")
    assert re.match("no answer for [2-9] s", host.status["detail"])


@together
def test_a_name_that_does_not_resolve_is_unreachable(stage):
    host = stage.host(LOOK)
    host.write_settings(url="rtsp://camera.invalid/stream")
    host.start()
    host.wait_for_state("waiting", "camera_unreachable")
    assert "resolve" in host.status["detail"]


def wrong_certificate(stage, words, leaf, **tls):
    camera = stage.camera(LOOK, cert_file=leaf.cert_file, key_file=leaf.key_file)
    host = stage.host(camera, tls={"verify": True, "ca_file": None, "fingerprint": None, **tls})
    host.start()
    host.wait_for_state("waiting", "certificate_refused")
    assert re.search(words, host.status["detail"]), host.status["detail"]
    # Nobody asked for the stream, so no login was shown to whoever that is.
    assert camera.stats()["requests"] == 0
    assert host.causes == ["stopped", "certificate_refused"]


@together
def test_a_certificate_nobody_vouches_for_is_refused(stage):
    wrong_certificate(stage, "self.signed", self_signed(stage.directory))


@together
def test_a_certificate_of_another_authority_is_refused(stage):
    leaf = Authority(stage.directory / "other").issue()
    wrong_certificate(stage, "unable to get", leaf, ca_file=Authority(stage.directory / "ours").ca_file)


@together
def test_a_certificate_for_another_name_is_refused(stage):
    authority = Authority(stage.directory / "ours")
    wrong_certificate(stage, "127.0.0.1", authority.issue("camera.example"), ca_file=authority.ca_file)


@together
def test_an_expired_certificate_is_refused(stage):
    authority = Authority(stage.directory / "ours")
    wrong_certificate(stage, "expired", authority.issue(days=-1), ca_file=authority.ca_file)


@together
def test_another_certificate_than_the_pinned_one_is_refused(stage):
    pinned = self_signed(stage.directory / "pinned").fingerprint
    wrong_certificate(stage, "fingerprint", self_signed(stage.directory / "shown"), fingerprint=pinned)


@together
def test_a_ca_file_that_is_not_there_is_named(stage):
    leaf = self_signed(stage.directory)
    wrong_certificate(stage, "nowhere.pem", leaf, ca_file=str(stage.directory / "nowhere.pem"))


@together
def test_a_pinned_a_self_signed_and_an_unverified_camera_are_recorded(stage):
    leaf = self_signed(stage.directory)
    camera = stage.camera(LOOK, cert_file=leaf.cert_file, key_file=leaf.key_file)
    host = stage.host(camera, segment_duration=3600)
    for tls in (
        {"verify": True, "ca_file": None, "fingerprint": leaf.fingerprint},
        {"verify": True, "ca_file": leaf.cert_file, "fingerprint": None},
        {"verify": False, "ca_file": None, "fingerprint": None},
    ):
        host.write_settings(tls=tls)
        with host.record(1):
            pass
    assert len(host.segments) == 3
    host.check_segments()


@together
def test_a_plain_camera_where_tls_is_configured_is_named(stage):
    host = stage.host(LOOK)
    host.write_settings(url=host.camera.url.replace("rtsp:", "rtsps:"))
    host.start()
    host.wait_for(lambda: host.status["state"] == "waiting", "a failure")
    assert host.status["cause"] in ("stream_refused", "camera_unreachable")


@together
def test_a_missing_ffmpeg_ends_a_recorder_by_hand_with_one_line(stage):
    host = stage.host(LOOK, ffmpeg="/nowhere/ffmpeg")
    assert host.start().process.wait(30) == 4
    assert host.journal.splitlines()[-1] == ("camera-backup: /nowhere/ffmpeg: not found; install FFmpeg 5.1 or newer")


@together
def test_an_ffmpeg_that_is_too_old_ends_a_recorder_by_hand_with_one_line(stage):
    old = stage.directory / "ffmpeg"
    stage.directory.mkdir(parents=True, exist_ok=True)
    old.write_text("#!/bin/sh\necho 'ffmpeg version 4.4.4'\necho 'libavformat    58. 76.100 / 58. 76.100'\n")
    old.chmod(0o755)
    host = stage.host(LOOK, ffmpeg=str(old))
    assert host.start().process.wait(30) == 4
    assert host.journal.splitlines()[-1] == "camera-backup: %s: is FFmpeg 4.4.4; 5.1 or newer is needed" % old


def jumping_clock(stage, seconds):
    """FFmpeg finds the time again by the camera's next sender report. Many cameras send none."""
    host = stage.host(LOOK, segment_duration=5)
    host.camera.noreports()
    with host.record(0):
        # Without a break: one whose time went astray from the start counts as a camera that never kept it.
        host.wait_for(
            lambda: host.status["state"] == "recording" and host.status["since"] < time.time() - 20, "20 s of recording"
        )
        before = len(host.segments)
        host.camera.jump(seconds)
        host.wait_for(lambda: "connection_lost" in host.causes, "a new start")
        host.wait_for_segments(before + 4)
    gap = next(found for found in host.gaps if found.cause == "connection_lost")
    assert gap.end - gap.start < 25
    account = host.account
    assert (account.doubled, account.torn, account.unknown, account.disorder) == ([], [], [], [])
    for record in ledger.segments(host.ledger).values():
        assert record.end - record.start < 20, record
        assert abs(record.end - time.time()) < 120, record


@together
def test_a_camera_whose_clock_is_set_forward_is_started_anew(stage):
    jumping_clock(stage, 3600.0)


@together
def test_a_camera_whose_clock_is_set_back_is_started_anew(stage):
    jumping_clock(stage, -3600.0)


@together
def test_a_camera_that_never_kept_time_is_recorded_all_the_same(stage):
    host = stage.host(LOOK, segment_duration=3600)
    host.camera.constant()
    with host.record(0):
        attempts = host.status["reconnects"]
        time.sleep(25)
        assert host.status["reconnects"] == attempts, host.journal
    account = host.account
    assert account.clean, account


@together
def test_a_stream_that_is_no_video_we_record_is_named(stage):
    """A stand-in for FFmpeg says what the real one says to a Motion JPEG camera (5.1 and 7.1, measured)."""
    fake = stage.directory / "ffmpeg"
    stage.directory.mkdir(parents=True, exist_ok=True)
    fake.write_text(
        "#!/bin/sh\n"
        "[ \"$1\" = -version ] && { printf 'ffmpeg version 5.1.9\\nlibavformat 59. 27.100\\n'; exit; }\n"
        "echo '[info]   Stream #0:0: Video: mjpeg (Baseline), yuvj420p, 640x480' >&2\n"
        "exec sleep 60\n"
    )
    fake.chmod(0o755)
    host = stage.host(LOOK, ffmpeg=str(fake))
    host.start()
    host.wait_for_state("waiting", "unsupported")
    assert host.status["detail"].startswith("the camera sends mjpeg; accepted are H.264 and H.265")
