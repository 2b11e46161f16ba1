"""A camera that changes its picture is noticed in the file being recorded."""

from __future__ import annotations

import os
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camera_backup.recorder.picture import Picture, sequence_sets

SMALL, LARGE, PPS, SEI, SLICE = b"\x67small", b"\x67large one", b"\x68p", b"\x06stamp", b"\x65" + bytes(9000)


def stored(*units):
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in units)


def box(kind, body, long=False):
    if long:
        return struct.pack(">I4sQ", 1, kind, len(body) + 16) + body
    return struct.pack(">I4s", len(body) + 8, kind) + body


def fragment(*units, **how):
    return box(b"moof", bytes(100)) + box(b"mdat", stored(*units), **how)


HEAD = box(b"ftyp", b"isom") + box(b"moov", bytes(500))


@pytest.fixture
def film(tmp_path):
    path = tmp_path / "20261122_130000.mp4"
    path.write_bytes(HEAD)
    return path


def grow(path, content):
    with path.open("ab") as stream:
        stream.write(content)


def test_the_same_picture_all_the_time_is_no_change(film):
    picture = Picture()
    for now in range(5):
        grow(film, fragment(SMALL, PPS, SEI, SLICE))
        assert not picture.changed(str(film), "h264", now)


def test_another_size_is_a_change_when_its_fragment_is_whole(film):
    picture = Picture()
    grow(film, fragment(SMALL, PPS, SLICE))
    assert not picture.changed(str(film), "h264", 1000.0)
    other = fragment(LARGE, PPS, SLICE, long=True)
    grow(film, other[:-1])
    assert not picture.changed(str(film), "h264", 1002.0)
    grow(film, other[-1:])
    assert picture.changed(str(film), "h264", 1004.0)


def test_a_change_at_the_beginning_of_the_next_file_is_one_too(film, tmp_path):
    picture = Picture()
    grow(film, fragment(SMALL, SLICE))
    assert not picture.changed(str(film), "h264", 1000.0)
    following = tmp_path / "20261122_140000.mp4"
    following.write_bytes(HEAD + fragment(LARGE, SLICE))
    assert picture.changed(str(following), "h264", 1002.0)


def test_another_ffmpeg_may_begin_with_another_picture(film):
    picture = Picture()
    grow(film, fragment(SMALL, SLICE))
    assert not picture.changed(str(film), "h264", 1000.0)
    film.write_bytes(HEAD + fragment(LARGE, SLICE))
    picture.begin()
    assert not picture.changed(str(film), "h264", 1002.0)
    grow(film, fragment(SMALL, SLICE))
    assert picture.changed(str(film), "h264", 1004.0), "its file is read from the beginning, whatever its name"


def test_a_change_is_noticed_although_frames_without_parameter_sets_follow_at_once(film):
    picture = Picture()
    grow(film, fragment(SMALL, SLICE))
    assert not picture.changed(str(film), "h264", 1000.0)
    grow(film, fragment(LARGE, SLICE) + fragment(SLICE))
    assert picture.changed(str(film), "h264", 1002.0)


def test_looking_keeps_no_file_open(film):
    picture = Picture()
    grow(film, fragment(SMALL, SLICE))
    picture.changed(str(film), "h264", 1000.0)
    before = os.listdir("/proc/self/fd")
    picture.changed(str(film), "h264", 1002.0)
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_camera_that_alternates_is_not_started_anew_all_the_time(film):
    picture = Picture()
    starts = 0
    for turn in range(600):
        grow(film, fragment(SMALL if turn % 2 else LARGE, SLICE))
        if picture.changed(str(film), "h264", 1000.0 + 2 * turn):
            starts += 1
            picture.begin()
            film.write_bytes(HEAD)
    assert starts == 2


def test_a_picture_parameter_set_that_changes_alone_is_no_change(film):
    grow(film, fragment(SMALL, b"\x68p", SLICE) + fragment(SMALL, b"\x68q", SLICE))
    assert not Picture().changed(str(film), "h264", 1000.0)


def test_a_camera_that_sends_no_parameter_sets_between_its_frames_cannot_change(film):
    grow(film, fragment(SMALL, SLICE) + fragment(SLICE) + fragment(SLICE))
    assert not Picture().changed(str(film), "h264", 1000.0)


@pytest.mark.parametrize("codec", ["av1", "mpeg4", None])
def test_what_is_neither_h264_nor_h265_is_left_alone(film, codec):
    """Even where its bytes look like parameter sets of the others."""
    picture = Picture()
    for now, which in enumerate((b"small", b"large")):
        grow(film, fragment(b"\x67" + which, b"\x42\x01" + which))
        assert not picture.changed(str(film), codec, now)


def test_a_file_that_is_gone_is_no_change(tmp_path):
    assert not Picture().changed(str(tmp_path / "gone.mp4"), "h264", 1000.0)


def test_the_sets_of_h265_are_found_by_their_numbers():
    vps, sps, pps, slice_ = b"\x40\x01v", b"\x42\x01s", b"\x44\x01p", b"\x26\x01" + bytes(50)
    assert sequence_sets(stored(vps, sps, pps, slice_, sps), "hevc") == [sps]


def test_a_set_that_is_cut_off_is_none():
    assert sequence_sets(stored(SMALL, LARGE)[:-1], "h264") == [SMALL]


@given(st.binary(max_size=300), st.sampled_from(["h264", "hevc"]))
def test_whatever_the_bytes_they_raise_nothing(content, codec):
    sequence_sets(content, codec)


@given(st.binary(max_size=300))
@example(bytes(16))  # boxes that have no length
@example(struct.pack(">I4sQ", 1, b"mdat", 0))
def test_whatever_the_file_holds_looking_at_it_ends(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.mp4"
    path.write_bytes(content)
    Picture().changed(str(path), "h264", 1000.0)
