from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder import ffmpeg

DEBIAN_12 = """ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers
built with gcc 12 (Debian 12.2.0-14+deb12u1)
libavutil      57. 28.100 / 57. 28.100
libavformat    59. 27.100 / 59. 27.100
"""
V51, V71, V90 = (ffmpeg.Version("x", library) for library in ((59, 27), (61, 7), (62, 3)))


def test_the_version_is_read_as_debian_prints_it():
    version = ffmpeg.version(DEBIAN_12)
    assert (version.text, version.libavformat) == ("5.1.9-0+deb12u1", (59, 27))


def test_a_nightly_build_is_judged_by_its_library():
    version = ffmpeg.version("ffmpeg version N-120000-gabcdef Copyright\nlibavformat    62. 13.101 / 62. 13.101\n")
    assert (version.text, version.supported, version.hybrid) == ("N-120000-gabcdef", True, True)


@pytest.mark.parametrize(
    "output",
    [
        "",
        "avconv version 11\n",
        "ffmpeg version 5.1\n",
        "libavformat 59. 27.100\n",
        "ffmpeg version 5.1\nlibavformat x",
    ],
)
def test_what_is_no_ffmpeg_has_no_version(output):
    assert ffmpeg.version(output) is None


@pytest.mark.parametrize(
    ("library", "supported", "hybrid", "verifies"),
    [
        ((58, 76), False, False, False),  # 4.4
        ((59, 16), False, False, False),  # 5.0
        ((59, 27), True, False, False),  # 5.1
        ((61, 1), True, False, False),  # 7.0
        ((61, 7), True, True, False),  # 7.1
        ((62, 0), True, True, True),
    ],
)
def test_what_a_version_can_do(library, supported, hybrid, verifies):
    version = ffmpeg.Version("x", library)
    assert (version.supported, version.hybrid, version.verifies) == (supported, hybrid, verifies)


def command(version=V51, transport="tcp", video=None, audio="copy"):
    return ffmpeg.command("/usr/bin/ffmpeg", version, transport, 3600, video, audio, "/spool/run")


def test_the_command_line_is_the_one_that_was_measured():
    assert " ".join(command()) == (
        "/usr/bin/ffmpeg -hide_banner -nostdin -nostats -loglevel level+info -progress pipe:3 -stats_period 2 "
        "-f concat -safe 0 -protocol_whitelist pipe,tcp,tls,rtsp,rtsps -i pipe:0 -map 0:v:0 -c:v copy "
        "-map 0:a:0? -c:a copy -copyinkf:a -max_interleave_delta 500000 "
        "-f segment -segment_time 3600 -segment_atclocktime 1 -reset_timestamps 1 -segment_format mp4 "
        "-segment_format_options movflags=+frag_keyframe+empty_moov+default_base_moof:flush_packets=1 "
        "-segment_list pipe:4 -segment_list_type csv /spool/run/%09d.mp4"
    )


def test_newer_versions_write_hybrid_files():
    assert "movflags=+hybrid_fragmented:flush_packets=1" in command(V71)


def test_h265_gets_the_tag_that_plays_everywhere_and_nothing_else_does():
    assert "-tag:v hvc1" in " ".join(command(video="hevc"))
    assert "-tag:v" not in command(video="h264")


def test_audio_is_copied_encoded_or_not_even_asked_for():
    assert command(audio="aac")[command().index("-c:a") :][:4] == ["-c:a", "aac", "-b:a", "32k"]
    assert "0:a:0?" not in command(audio="off")
    assert "-c:a" not in command(audio="off")


def test_udp_needs_its_protocols():
    assert "pipe,tcp,tls,rtsp,rtsps,udp,rtp" in command(transport="udp")


def test_no_argument_holds_anything_of_the_url():
    assert not any("rtsp://" in argument for argument in command())


def test_the_script_names_the_url_and_the_options():
    options = {"rtsp_transport": "tcp", "timeout": "10000000"}
    assert ffmpeg.script("rtsp://u:p'w@host/x", options) == (
        "ffconcat version 1.0\nfile 'rtsp://u:p'\\''w@host/x'\noption rtsp_transport 'tcp'\noption timeout '10000000'\n"
    )


@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\x7f", "\t"])
def test_a_control_character_cannot_smuggle_a_line_into_the_script(character):
    with pytest.raises(ValueError, match="control character"):
        ffmpeg.script("rtsp://host/a%sfile b" % character, {})


def unquoted(token):
    """Read a token as FFmpeg's av_get_token does."""
    result, inside, escaped = "", False, False
    for character in token:
        if escaped:
            result, escaped = result + character, False
        elif character == "'":
            inside = not inside
        elif character == "\\" and not inside:
            escaped = True
        else:
            result += character
    assert not inside
    return result


@given(st.text(st.characters(min_codepoint=32, blacklist_characters="\x7f", blacklist_categories=["Cs"])))
def test_whatever_is_quoted_is_read_back(value):
    assert unquoted(ffmpeg.quoted(value)) == value


@pytest.mark.parametrize(
    ("setting", "codec", "plan"),
    [
        ("auto", None, "copy"),
        ("auto", "aac", "copy"),
        ("auto", "opus", "copy"),
        ("auto", "pcm_mulaw", "aac"),
        ("auto", "adpcm_g726", "aac"),
        ("copy", "pcm_mulaw", "copy"),
        ("aac", "aac", "aac"),
        ("off", "aac", "off"),
    ],
)
def test_auto_copies_what_mp4_holds_and_the_rest_is_as_configured(setting, codec, plan):
    assert ffmpeg.audio_plan(setting, codec) == plan


@pytest.mark.parametrize(("stall_timeout", "patience"), [(5, 2), (6, 2), (15, 5), (30, 10), (300, 10)])
def test_ffmpeg_gives_up_before_the_supervisor_does(stall_timeout, patience):
    assert ffmpeg.patience(stall_timeout) == patience
    assert 2 * ffmpeg.patience(stall_timeout) < max(stall_timeout, 4.1)


@pytest.mark.parametrize(
    ("version", "verify", "ca_file", "fingerprint", "options"),
    [
        (V71, True, "/ca.pem", None, {}),  # ignores them with a warning that holds the URL
        (V90, True, None, None, {}),
        (V90, True, "/ca.pem", None, {"ca_file": "/ca.pem"}),
        (V90, True, None, "ab" * 32, {"tls_verify": "0"}),
        (V90, False, "/ca.pem", None, {"tls_verify": "0"}),
    ],
)
def test_an_ffmpeg_that_verifies_is_told_what_to_believe(version, verify, ca_file, fingerprint, options):
    assert ffmpeg.tls_options(version, verify, ca_file, fingerprint) == options
