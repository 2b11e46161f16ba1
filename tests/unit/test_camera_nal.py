"""Units and stamps: what is hidden in a picture is read back exactly, or not at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import nal

CODECS = ("h264", "h265")
STAMP = nal.Stamp("front-door", 90_000, 1_800_000_000.25, 0xDEADBEEF)

# Mostly zeros and the bytes that are dangerous after them.
dangerous = st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 4, 255]), max_size=200).map(bytes)


@given(dangerous)
def test_escaping_leaves_no_start_code_and_can_be_undone(payload):
    escaped = nal.escape(payload)
    assert not re.search(rb"\x00\x00[\x00-\x02]", escaped)
    assert nal.unescape(escaped) == payload


def test_escaping_adds_only_what_is_needed():
    assert nal.escape(b"\x00\x00\x04\x00\x01") == b"\x00\x00\x04\x00\x01"
    assert nal.escape(b"\x00\x00\x00\x00\x01") == b"\x00\x00\x03\x00\x00\x03\x01"
    assert nal.escape(b"\x00\x00\x03") == b"\x00\x00\x03\x03"


@pytest.mark.parametrize("codec", CODECS)
@given(
    mount=st.text(min_size=1, max_size=60),
    number=st.integers(0, 2**64 - 1),
    wall=st.integers(0, 2**52).map(lambda micros: micros / 1e6),
    checksum=st.integers(0, 2**32 - 1),
)
def test_a_stamp_is_read_as_it_was_written(codec, mount, number, wall, checksum):
    stamp = nal.Stamp(mount, number, wall, checksum)
    unit = nal.stamp_unit(codec, stamp)
    assert nal.is_message(codec, unit)
    assert not nal.is_slice(codec, unit)
    read = nal.read_stamp(codec, unit)
    assert read is not None
    assert read._replace(wall=0.0) == stamp._replace(wall=0.0)
    assert read.wall == pytest.approx(wall, abs=1e-5)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.data())
def test_a_damaged_stamp_is_none_or_says_the_same(codec, data):
    unit = bytearray(nal.stamp_unit(codec, STAMP))
    at = data.draw(st.integers(0, len(unit) - 1))
    unit[at] ^= data.draw(st.integers(1, 255))
    assert nal.read_stamp(codec, bytes(unit)) in (None, STAMP)


@pytest.mark.parametrize("codec", CODECS)
def test_a_stamp_cut_short_is_none(codec):
    unit = nal.stamp_unit(codec, STAMP)
    assert all(nal.read_stamp(codec, unit[:size]) is None for size in range(3, len(unit) - 1))


def test_the_message_of_an_encoder_is_no_stamp():
    assert nal.read_stamp("h264", b"\x06\x05\x18" + bytes(16) + b"x264 core" + b"\x80") is None


def test_the_checksum_sees_every_change_but_padding():
    slices = [b"\x65first", b"\x65second"]
    whole = nal.checksum(slices)
    assert nal.checksum([slices[0], slices[1] + b"\x00"]) == whole
    for changed in ([slices[0]], slices[::-1], [slices[0], b"\x65seconD"], [slices[0], slices[1][:-1]]):
        assert nal.checksum(changed) != whole


def test_a_sample_is_split_at_its_lengths_and_cut_where_it_ends():
    sample = b"\x00\x00\x00\x02\x65\x01" + b"\x00\x00\x00\x03\x06\x05\x01"
    assert nal.split(sample) == [b"\x65\x01", b"\x06\x05\x01"]
    assert nal.split(sample[:-1]) == [b"\x65\x01", b"\x06\x05"]
    assert nal.split(sample[:8]) == [b"\x65\x01"]
    assert nal.split(b"\x00\x02\x65\x01", length_size=2) == [b"\x65\x01"]
