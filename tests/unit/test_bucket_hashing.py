"""Hashes of parts, and how files are cut."""

import base64
import hashlib
import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.bucket.hashing import (
    CRC32,
    MAX_PARTS,
    MD5,
    base64_digest,
    choose_part_size,
    composite_etag,
    hash_range,
    ranges,
)
from camera_backup.bucket.slices import SourceChanged, new_buffer

MIB = 1024 * 1024
SIZES = st.integers(1, 200 * 1024**3)
PART_SIZES = st.integers(5 * MIB, 5 * 1024**3)


@given(SIZES, PART_SIZES)
def test_parts_are_equal_but_the_last_cover_the_file_and_are_not_too_many(size, preferred):
    part_size = choose_part_size(size, preferred)
    assert part_size >= preferred
    cut = ranges(size, part_size) if size / part_size < 20_000 else pytest.fail("too many parts")
    assert len(cut) <= MAX_PARTS
    assert {length for _, length in cut[:-1]} <= {part_size}
    assert 0 < cut[-1][1] <= part_size
    assert [offset for offset, _ in cut] == [n * part_size for n in range(len(cut))]
    assert sum(length for _, length in cut) == size


def test_the_preferred_part_size_is_kept_as_long_as_it_can_be():
    assert choose_part_size(10_000 * 16 * MIB, 16 * MIB) == 16 * MIB
    assert choose_part_size(10_000 * 16 * MIB + 1, 16 * MIB) == 17 * MIB


@pytest.fixture
def file(tmp_path):
    data = os.urandom(700_001)
    path = tmp_path / "f"
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor, data
    os.close(descriptor)


@pytest.mark.parametrize(("offset", "length"), [(0, 700_001), (1, 300_000), (262_144, 262_144), (700_000, 1), (5, 0)])
def test_a_range_has_the_hash_of_its_bytes_and_one_pass_gives_two(file, offset, length):
    descriptor, data = file
    part = data[offset : offset + length]
    whole, ticks = hashlib.sha256(), []
    digest = hash_range(descriptor, offset, length, MD5, new_buffer(), lambda: ticks.append(1), whole)
    assert digest == hashlib.md5(part).digest()
    assert whole.digest() == hashlib.sha256(part).digest()
    assert len(ticks) == -(-length // 262_144)
    crc = hash_range(descriptor, offset, length, CRC32, new_buffer(), lambda: None)
    assert crc == zlib.crc32(part).to_bytes(4, "big")


def test_a_range_beyond_the_end_means_that_the_file_was_cut(file):
    with pytest.raises(SourceChanged):
        hash_range(file[0], 700_000, 2, MD5, new_buffer(), lambda: None)


def test_the_composite_etag_is_the_md5_of_the_md5s_and_their_number():
    parts = [hashlib.md5(b"a").digest(), hashlib.md5(b"b").digest()]
    assert composite_etag(parts) == hashlib.md5(b"".join(parts)).hexdigest() + "-2"


def test_digests_travel_as_base64():
    assert base64.b64decode(base64_digest(b"\x00\xff")) == b"\x00\xff"
