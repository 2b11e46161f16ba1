from __future__ import annotations

import pytest

from camera_backup.recorder.tracks import FITS, SWITCH, UNSUPPORTED, Tracks

H264_AAC = {"Video": "h264", "Audio": "aac"}


def test_the_usual_camera_fits_from_the_start():
    tracks = Tracks("auto")
    assert tracks.learn({}) == FITS
    assert tracks.learn(H264_AAC) == FITS
    assert (tracks.video, tracks.audio_codec, tracks.audio) == ("h264", "aac", "copy")


def test_a_first_start_with_h265_has_to_be_repeated_and_the_next_one_not():
    tracks = Tracks("auto")
    assert tracks.learn({"Video": "hevc"}) == SWITCH
    assert tracks.learn({"Video": "hevc"}) == FITS
    assert Tracks("auto", "hevc").learn({"Video": "hevc"}) == FITS
    assert Tracks("auto", "hevc").learn({"Video": "h264"}) == SWITCH


def test_audio_that_mp4_cannot_hold_is_encoded_from_the_next_start_on():
    tracks = Tracks("auto")
    assert tracks.learn({"Video": "h264", "Audio": "pcm_mulaw"}) == SWITCH
    assert tracks.audio == "aac"
    assert tracks.learn({"Video": "h264", "Audio": "pcm_mulaw"}) == FITS
    assert Tracks("auto", "h264", "pcm_alaw").audio == "aac"


def test_a_camera_that_changes_to_aac_is_copied_again():
    tracks = Tracks("auto", "h264", "pcm_mulaw")
    assert tracks.learn(H264_AAC) == SWITCH
    assert tracks.audio == "copy"


@pytest.mark.parametrize("setting", ["copy", "aac", "off"])
def test_an_explicit_setting_is_kept_whatever_the_stream_holds(setting):
    tracks = Tracks(setting)
    assert tracks.learn({"Video": "h264", "Audio": "pcm_mulaw"}) == FITS
    assert tracks.audio == setting
    assert not tracks.settle({"Video": "h264", "Audio": "pcm_mulaw"})


@pytest.mark.parametrize("codec", ["mjpeg", "vp8", "none"])
def test_video_we_cannot_record_is_named(codec):
    tracks = Tracks("auto")
    assert tracks.learn({"Video": codec}) == UNSUPPORTED
    assert tracks.refusal() == (
        "the camera sends %s; accepted are H.264 and H.265 (choose one of them in the camera)" % codec
    )


def test_what_cannot_be_copied_is_encoded_and_what_cannot_be_encoded_is_left_out():
    tracks = Tracks("auto", "h264", "opus")
    codecs = {"Video": "h264", "Audio": "opus"}
    assert [tracks.settle(codecs), tracks.audio] == [True, "aac"]
    assert [tracks.settle(codecs), tracks.audio] == [True, "off"]
    assert not tracks.settle(codecs)
    assert tracks.learn(codecs) == FITS


def test_without_audio_there_is_nothing_to_settle_for():
    assert not Tracks("auto").settle({"Video": "h264"})
