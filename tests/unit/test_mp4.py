from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_backup.mp4 import inspect, silent

FPS, TIMESCALE = 25, 12800


def box(kind, *content):
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def full(kind, *content, version=0, flags=0):
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def u32(*numbers):
    return struct.pack(">%dI" % len(numbers), *numbers)


def track(number, handler, entry, *tables, timescale=TIMESCALE, duration=0):
    stsd = full("stsd", u32(1), box(entry, bytes(70)))
    empty = [full("stts", u32(0)), full("stsc", u32(0)), full("stsz", u32(0, 0)), full("stco", u32(0))]
    minf = box("minf", box("stbl", stsd, *(tables or empty)))
    mdhd = full("mdhd", u32(0, 0, timescale, duration), bytes(4))
    hdlr = full("hdlr", u32(0), handler.encode(), bytes(12), b"handler\0")
    return box("trak", full("tkhd", u32(0, 0, number), bytes(68)), box("mdia", mdhd, hdlr, minf))


def moov(*tracks, extends=(), duration=0):
    mvhd = full("mvhd", u32(0, 0, 1000, duration), bytes(80))
    trex = [full("trex", u32(number, 1, 512, size, 0)) for number, size in extends]
    return box("moov", mvhd, *tracks, *([box("mvex", *trex)] if extends else []))


FTYP = box("ftyp", b"isom", bytes(4), b"isommp42")
VIDEO = track(1, "vide", "avc1")
AUDIO = track(2, "soun", "mp4a", timescale=16000)


def fragment(start, video, audio=()):
    """One moof and its mdat; `start`: decoding time of the first video frame in frames; sizes of the samples."""

    def moof(offset):
        tfhd = full("tfhd", u32(1, 512), flags=0x20008)
        tfdt = full("tfdt", struct.pack(">Q", start * 512), version=1)
        trun = full("trun", u32(len(video)), struct.pack(">i", offset), u32(*video), flags=0x201)
        trafs = [box("traf", tfhd, tfdt, trun)]
        if audio:
            tfhd = full("tfhd", u32(2, 1024), flags=0x20008)
            tfdt = full("tfdt", u32(start * 640))
            trun = full("trun", u32(len(audio)), struct.pack(">i", offset + sum(video)), u32(*audio), flags=0x201)
            trafs.append(box("traf", tfhd, tfdt, trun))
        return box("moof", full("mfhd", u32(1)), *trafs)

    return moof(len(moof(0)) + 8) + box("mdat", b"m" * (sum(video) + sum(audio)))


MFRA = box("mfra", box("mfro", u32(0, 16)))
INDEX = moov(VIDEO, AUDIO, extends=[(1, 0), (2, 0)])
ONE, TWO = fragment(0, [900, 50, 60], [10, 11]), fragment(3, [800, 40], [12, 13, 14])
FRAGMENTED = FTYP + INDEX + ONE + TWO + MFRA


def tables(sizes, offset, spans=None):
    """spans: (how many frames, how many ticks each is shown), one after the other."""
    spans = spans or [(len(sizes), 512)]
    return (
        full("stts", u32(len(spans), *(number for span in spans for number in span))),
        full("stsc", u32(1, 1, len(sizes), 1)),
        full("stsz", u32(0, len(sizes)), u32(*sizes)),
        full("stco", u32(1, offset)),
    )


def progressive(sizes=(900, 50, 60, 70), spans=None):
    """ftyp, moov, mdat: as `-movflags +faststart` leaves it."""

    def index(offset):
        return moov(track(1, "vide", "avc1", *tables(sizes, offset, spans), duration=len(sizes) * 512), duration=160)

    head = len(FTYP) + len(index(0)) + 8
    return FTYP + index(head) + box("mdat", b"m" * sum(sizes))


@pytest.fixture
def look(tmp_path):
    def inspected(content):
        path = tmp_path / "movie.mp4"
        path.write_bytes(content)
        return inspect(str(path))

    return inspected


def test_a_finished_fragmented_file_is_complete(look):
    movie = look(FRAGMENTED)
    assert (movie.complete, movie.fragmented, movie.reason) == (True, True, "")
    assert movie.samples == {1: 5, 2: 5}
    assert (movie.frames, movie.video_track, movie.video_codec) == (5, 1, "h264")
    assert movie.duration == pytest.approx(5 * 1024 / 16000)
    assert movie.sound_bytes == len(FRAGMENTED)


def test_a_finished_progressive_file_is_complete(look):
    movie = look(progressive())
    assert (movie.complete, movie.fragmented, movie.reason) == (True, False, "")
    assert (movie.samples, movie.frames) == ({1: 4}, 4)
    assert movie.duration == pytest.approx(0.16)


def test_an_index_at_the_end_is_as_good_as_one_at_the_start(look):
    content = progressive()
    index = content[len(FTYP) : content.index(b"mdat") - 4]
    moved = FTYP + box("free") + content[content.index(b"mdat") - 4 :] + index
    assert look(moved).complete
    assert look(moved).frames == 4


def test_a_killed_fragmented_file_has_no_mfra(look):
    movie = look(FTYP + INDEX + ONE + TWO)
    assert (movie.complete, movie.reason) == (False, "the recording was cut short (no mfra)")
    assert movie.samples == {1: 5, 2: 5}
    assert movie.sound_bytes == len(FTYP + INDEX + ONE + TWO)


@pytest.mark.parametrize(
    ("missing", "samples"),
    [
        (1, {1: 5, 2: 4}),  # the last byte of the last sample
        (14, {1: 5, 2: 4}),
        (15, {1: 5, 2: 3}),
        (39, {1: 5, 2: 2}),  # all audio of the last fragment
        (40, {1: 4, 2: 2}),
        (39 + 40, {1: 4, 2: 2}),
        (39 + 41, {1: 3, 2: 2}),
        (39 + 840, {1: 3, 2: 2}),
        (39 + 841, {1: 3, 2: 2}),  # into the moof
        (len(TWO), {1: 3, 2: 2}),
        (len(TWO) + 21, {1: 3, 2: 0}),
    ],
)
def test_in_a_torn_file_exactly_the_whole_samples_count(look, missing, samples):
    content = FTYP + INDEX + ONE + TWO
    movie = look(content[: len(content) - missing])
    assert movie.samples == samples
    assert not movie.complete
    # What is read up to there holds no part of a sample more.
    again = look(content[: movie.sound_bytes])
    assert again.samples == samples


def test_a_torn_progressive_file_holds_the_samples_whose_bytes_are_there(look):
    content = progressive((900, 50, 60, 70))
    assert look(content[:-1]).samples == {1: 3}
    assert look(content[:-71]).samples == {1: 2}
    assert look(content[:-71]).sound_bytes == len(content) - 70 - 60
    assert look(content[: -(70 + 60 + 50 + 900)]).samples == {1: 0}
    assert look(content[:-1]).reason == "cut short inside mdat"


def test_samples_spread_over_chunks_are_found(look):
    sizes = (10, 20, 30, 40, 50)
    stsc = full("stsc", u32(2, 1, 2, 1, 3, 1, 1))  # 2 in each of chunks 1 and 2, 1 in chunk 3
    base = 1000

    def index():
        stco = full("co64", u32(3), struct.pack(">3Q", base, base + 30, base + 100))
        stsz = full("stsz", u32(0, 5), u32(*sizes))
        return moov(track(1, "vide", "hvc1", full("stts", u32(0)), stsc, stsz, stco), duration=1)

    head = FTYP + index()
    content = head + box("mdat", b"m" * 2000)
    for end, count in ((base + 29, 1), (base + 30, 2), (base + 99, 3), (base + 100, 4), (base + 150, 5)):
        assert look(content[:end]).samples == {1: count}, end
    assert look(content[: base + 29]).video_codec == "hevc"


def test_samples_of_equal_size_need_no_table(look):
    same = (full("stsc", u32(1, 1, 3, 1)), full("stsz", u32(100, 3)), full("stco", u32(1, 600)))
    content = FTYP + moov(track(1, "vide", "avc1", *same)) + box("mdat", bytes(2000))
    assert look(content).samples == {1: 3}
    assert look(content[:850]).samples == {1: 2}


def test_sizes_and_durations_may_come_from_the_track_or_the_fragment(look):
    trun = full("trun", u32(4), struct.pack(">i", 100), flags=0x1)
    by_track = box("moof", box("traf", full("tfhd", u32(1), flags=0x20000), full("tfdt", u32(0)), trun))
    by_fragment = box("moof", box("traf", full("tfhd", u32(1, 7, 256, 9), flags=0x2001A), full("tfdt", u32(0)), trun))
    index = moov(VIDEO, extends=[(1, 5)])
    assert look(FTYP + index + by_track + box("mdat", bytes(500)) + MFRA).duration == pytest.approx(4 * 512 / TIMESCALE)
    assert look(FTYP + index + by_fragment + box("mdat", bytes(500)) + MFRA).duration == pytest.approx(
        4 * 256 / TIMESCALE
    )


def test_runs_without_an_offset_follow_each_other_and_an_explicit_base_counts(look):
    run = [full("trun", u32(1, 512, 30), flags=0x300), full("trun", u32(1, 512, 40), flags=0x300)]
    head = FTYP + INDEX
    tfhd = full("tfhd", u32(1), struct.pack(">Q", len(head) + 500), flags=0x1)
    content = head + box("moof", box("traf", tfhd, *run)) + box("mdat", bytes(2000))
    assert look(content[: len(head) + 529]).samples[1] == 0
    assert look(content[: len(head) + 530]).samples[1] == 1
    assert look(content[: len(head) + 570]).samples[1] == 2


def test_long_sizes_are_understood(look):
    content = progressive()
    at = content.index(b"mdat") - 4
    long = content[:at] + struct.pack(">I4sQ", 1, b"mdat", 16 + len(content) - at - 8) + content[at + 8 :]
    assert look(long).complete


def test_newer_headers_are_understood(look):
    mvhd = full("mvhd", bytes(16), struct.pack(">IQ", 1000, 5000), bytes(80), version=1)
    tkhd = full("tkhd", bytes(16), u32(7), bytes(68), version=1)
    mdhd = full("mdhd", bytes(16), struct.pack(">IQ", 1000, 6000), bytes(4), version=1)
    hdlr = full("hdlr", u32(0), b"vide", bytes(12))
    stbl = box("stbl", full("stsd", u32(1), box("vp09", bytes(70))), full("stz2", u32(16, 3), bytes(6)))
    content = FTYP + box("moov", mvhd, box("trak", tkhd, box("mdia", mdhd, hdlr, box("minf", stbl)))) + box("mdat")
    movie = look(content)
    assert (movie.samples, movie.video_codec, movie.duration) == ({7: 3}, "vp09", 6.0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (FTYP, "has no index (moov)"),
        (FTYP[:5], "ends inside the header of a box"),
        (bytes(4096), "holds no box at byte 0"),
        (FTYP + INDEX + bytes(4096), "holds no box at byte %d" % len(FTYP + INDEX)),
        (b"#!/bin/sh\necho hello world\n", "cut short inside in/s"),
        (FTYP + INDEX[:50], "cut short inside moov"),
        (FTYP + box("moov", box("trak", u32(9999), b"mdia")), "mdia reaches out of trak"),
        (FTYP + INDEX + box("moof", box("traf", full("trun", u32(2**31), flags=0x200))), "cannot hold"),
        (FTYP + INDEX + box("moof", box("traf", full("trun", u32(2**31)))), "cannot hold"),
        (FTYP + INDEX + box("moof", box("traf", full("trun", u32(1, 2**31), flags=0x1))), "cannot hold"),
    ],
)
def test_what_is_wrong_is_said(look, content, reason):
    movie = look(content)
    assert not movie.complete
    assert reason in movie.reason


def test_a_file_that_cannot_be_read_is_an_oserror(tmp_path):
    with pytest.raises(FileNotFoundError):
        inspect(str(tmp_path / "none"))


SAMPLES = [FRAGMENTED, progressive(), FTYP + INDEX + ONE + TWO, FTYP + box("free") + INDEX + ONE]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_whatever_the_bytes_it_neither_raises_nor_counts_what_is_not_there(tmp_path_factory, data):
    content = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0xFF]) | st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path_factory.getbasetemp() / "mutated.mp4"
    path.write_bytes(content)
    movie = inspect(str(path))
    assert movie.sound_bytes <= len(content)
    assert movie.duration >= 0
    assert movie.complete == (movie.reason == "")


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FRAGMENTED)))
def test_the_longer_the_rest_of_a_file_the_more_samples_it_holds(tmp_path_factory, cut):
    path = tmp_path_factory.getbasetemp() / "cut.mp4"
    counts = []
    for length in (cut, min(cut + 1, len(FRAGMENTED)), len(FRAGMENTED)):
        path.write_bytes(FRAGMENTED[:length])
        counts.append(sum(inspect(str(path)).samples.values()))
    assert counts == sorted(counts)
    assert counts[-1] == 10


@pytest.mark.parametrize("zeros", [512, 70_000])
def test_zeros_at_the_end_of_a_torn_file_are_no_samples(look, zeros):
    """As a power cut leaves it: the length of the file is on the disk, its last content is not."""
    torn = FTYP + INDEX + ONE + TWO[:-30]
    movie = look(torn + bytes(zeros))
    assert (movie.complete, movie.samples) == (False, {1: 5, 2: 2})
    assert movie.sound_bytes == look(torn).sound_bytes


def test_a_few_zeros_at_the_end_may_be_a_sample(look):
    content = FTYP + INDEX + ONE + TWO[:-14] + bytes(14)
    assert look(content).samples == {1: 5, 2: 5}


def test_zeros_after_all_that_a_finished_file_needs_make_it_no_finished_one(look):
    movie = look(FTYP + INDEX + ONE + MFRA + bytes(4096))
    end = len(FTYP + INDEX + ONE + MFRA)
    assert (movie.complete, movie.reason, movie.samples) == (False, "holds no box at byte %d" % end, {1: 3, 2: 2})


def test_a_file_of_zeros_holds_nothing(look):
    assert look(bytes(200_000)).samples == {}


def frozen(tmp_path, spans):
    path = tmp_path / "movie.mp4"
    path.write_bytes(progressive((900,) + (50,) * (sum(count for count, _ in spans) - 1), spans))
    return inspect(str(path))


SECOND = TIMESCALE


def test_a_picture_that_stands_still_for_long_is_a_silence(tmp_path):
    movie = frozen(tmp_path, [(50, 512), (1, 4 * SECOND), (50, 512)])
    assert movie.silences == (pytest.approx((2.0, 6.0)),)
    assert (movie.video_duration, movie.usual) == pytest.approx((8.0, 0.04))


def test_a_slow_camera_is_not_silent_between_its_pictures(tmp_path):
    assert frozen(tmp_path, [(10, 5 * SECOND), (3, 6 * SECOND)]).silences == ()
    assert len(frozen(tmp_path, [(10, 5 * SECOND), (1, 30 * SECOND)]).silences) == 1
    assert not silent(6.0, usual=5.0)
    assert silent(30.0, usual=5.0)


def test_less_than_three_seconds_are_no_silence():
    assert [silent(seconds, usual=0.04) for seconds in (0.0, 2.9, 3.0)] == [False, False, True]


def test_a_table_that_claims_more_frames_than_there_can_be_is_not_believed(look):
    assert look(progressive(spans=[(0xFFFFFFFF, 4 * SECOND)])).silences == ()


@pytest.mark.parametrize("content", [b"", FRAGMENTED, FTYP + b"\0" * 40, progressive()[:-1]])
def test_what_has_no_table_has_no_silences(look, content):
    assert look(content).silences == ()
