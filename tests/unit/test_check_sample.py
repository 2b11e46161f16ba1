"""What a few seconds of packets say about a camera."""

from __future__ import annotations

import pytest

from camera_backup.check.sample import Sampler

HEADERS = """#extradata 0:       39, 0x8e40085e
#software: Lavf59.27.100
#tb 0: 1/90000
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 1920x1080
#sar 0: 1/1
#tb 1: 1/8000
#media_type 1: audio
#codec_id 1: pcm_mulaw
#sample_rate 1: 8000
#channel_layout_name 1: mono"""


def sampled(frames, group=50, audio=0, headers=HEADERS):
    sampler = Sampler()
    for line in headers.splitlines():
        sampler.feed(line)
    for number in range(frames):
        flags = "" if number % group == 0 else ", F=0x0"
        flags += ", S=1,       16"
        sampler.feed("0, %10d, %10d, 3600, 20000, 0x1a2d72af%s" % (number * 3600, number * 3600, flags))
    for number in range(audio):
        sampler.feed("1, %10d, %10d, 160, 160, 0x1a2d72af" % (number * 160, number * 160))
    return sampler


def test_codecs_size_rate_and_key_frame_distance_are_read_from_the_packets():
    stream = sampled(150, audio=300).stream()
    assert (stream.video, stream.audio, stream.size, stream.sample_rate) == ("h264", "pcm_mulaw", (1920, 1080), 8000)
    assert (stream.frames, stream.seconds, stream.key_interval) == (150, pytest.approx(6.0), 2.0)
    assert stream.bits_per_second == pytest.approx(25 * 20000 * 8 + 50 * 160 * 8)


def test_one_key_frame_tells_no_interval_and_is_never_enough():
    sampler = sampled(200, group=1000)
    assert sampler.stream().key_interval is None
    assert not sampler.enough(5)


def test_it_is_enough_after_the_wanted_seconds_with_two_key_frames():
    assert sampled(126).enough(5)
    assert not sampled(120).enough(5)


def test_less_than_a_second_is_no_rate():
    assert sampled(20).stream().bits_per_second is None


def test_no_video_is_told_from_no_frames():
    assert sampled(0, headers=HEADERS[HEADERS.index("#tb 1") :]).stream().video is None
    assert sampled(0).stream() == ("h264", "pcm_mulaw", (1920, 1080), 8000, 0, 0.0, None, None)


def test_the_longest_of_several_key_frame_distances_counts():
    sampler = sampled(1)
    for second in (1, 2, 9, 10):
        sampler.feed("0, %d, %d, 3600, 100, 0x0" % (second * 90000, second * 90000))
    assert sampler.stream().key_interval == 7.0


def test_a_key_frame_with_other_flags_is_still_one():
    sampler = sampled(1)
    sampler.feed("0, 180000, 180000, 3600, 100, 0x0, F=0x3")
    sampler.feed("0, 270000, 270000, 3600, 100, 0x0, F=0x2")
    assert sampler.stream().key_interval == 2.0


@pytest.mark.parametrize(
    "line", ["", "#", "#tb x: 1/2", "0, NOPTS, NOPTS, 0, 0, 0x0", "nonsense, 1, 2", "0, 1", "#software: Lavf"]
)
def test_lines_of_any_other_kind_change_nothing(line):
    sampler = sampled(150)
    before = sampler.stream()
    sampler.feed(line)
    assert sampler.stream() == before


def test_a_stream_without_dimensions_has_no_size():
    assert sampled(5, headers=HEADERS.replace("1920x1080", "axb")).stream().size is None


def test_a_time_base_of_zero_is_survived():
    assert sampled(10, headers=HEADERS.replace("1/90000", "1/0")).stream().frames == 0
