"""A part of a file as a body: what HTTP libraries do to it."""

import ctypes
import mmap
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.bucket.slices import Slice, SourceChanged, SourceGone, SourceUnreadable, fill, new_buffer
from camera_backup.bucket.source import Source

DATA = bytes(range(256)) * 1200


@pytest.fixture(scope="module")
def descriptor(tmp_path_factory):
    path = tmp_path_factory.mktemp("slices") / "f"
    path.write_bytes(DATA)
    found = os.open(path, os.O_RDONLY)
    yield found
    os.close(found)


def body(descriptor, offset=0, length=307_200, grain=65536, pace=lambda count: None):
    return Slice(descriptor, offset, length, new_buffer(), pace, grain)


@given(st.data())
def test_any_slice_read_in_any_steps_gives_its_bytes(descriptor, data):
    offset = data.draw(st.integers(0, len(DATA)))
    length = data.draw(st.integers(0, len(DATA) - offset))
    part = body(descriptor, offset, length, grain=data.draw(st.integers(1, 70_000)))
    steps = data.draw(st.lists(st.sampled_from([1, 100, 65_536, 131_072, -1]), min_size=1, max_size=3))
    got = b""
    while True:
        block = part.read(steps[len(got) % len(steps)] if length < 500 else -1)
        if not block:
            break
        got += bytes(block)
    assert got == DATA[offset : offset + length]
    assert len(part) == length
    assert part.tell() == length


def test_it_can_be_rewound_for_a_second_attempt(descriptor):
    part = body(descriptor, 10, 100)
    first = bytes(part.read())
    assert part.read() == b""
    assert part.seek(0) == 0
    assert bytes(part.read()) == first
    assert part.seek(-1, os.SEEK_END) == 99
    assert part.seek(-1, os.SEEK_CUR) == 98
    assert part.seek(1000) == 100


def test_every_byte_that_leaves_is_paced(descriptor):
    paced = []
    part = body(descriptor, 0, 150_000, pace=paced.append)
    while part.read(131_072):
        pass
    assert paced == [65536, 65536, 150_000 - 131_072]


def test_nothing_is_allocated_for_a_block(descriptor):
    part = body(descriptor)
    first = part.read(1000)
    second = part.read(1000)
    assert first.obj is second.obj


def test_the_buffer_begins_with_a_page():
    """Else every byte is copied three times slower on some processors."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(new_buffer()))
    assert address % mmap.PAGESIZE == 0


def test_a_file_that_was_cut_is_noticed(descriptor):
    part = body(descriptor, len(DATA) - 10, 20)
    assert len(part.read()) == 10
    with pytest.raises(SourceChanged):
        part.read()


def test_a_disk_that_fails_is_not_taken_for_a_network_that_does():
    with pytest.raises(SourceUnreadable):
        fill(-1, new_buffer(), 0)
    assert not issubclass(SourceUnreadable, OSError)


def test_a_source_is_one_ordinary_file_for_as_long_as_it_does_not_change(tmp_path):
    (tmp_path / "f").write_bytes(b"x")
    source = Source(str(tmp_path), "f")
    source.unchanged()
    (tmp_path / "f").write_bytes(b"xy")
    with pytest.raises(SourceChanged):
        source.unchanged()
    source.close()


def test_a_source_that_is_gone_a_link_or_a_pipe_is_refused(tmp_path):
    with pytest.raises(SourceGone):
        Source(str(tmp_path), "f")
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(SourceUnreadable):
        Source(str(tmp_path), "link")
    (tmp_path / "directory").mkdir()
    with pytest.raises(SourceChanged):
        Source(str(tmp_path), "directory")
