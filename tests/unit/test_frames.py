"""The account of frames: every way in which footage can differ from what the camera sent is told apart."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.camera import Run, Sent
from tests.support import frames, nal, samples
from tests.support.frames import Frame, brief, settle


def held(*numbers: int) -> list[Frame]:
    return [Frame("front", number, 0.0, True, False) for number in numbers]


def test_a_faithful_recording_is_clean():
    account = settle(held(3, 4, 5), [(3, 5)])
    assert account.clean
    assert account.recorded == [3, 4, 5]
    assert (account.unsent, account.head, account.tail, account.holes) == ([], [], [], [])
    assert str(account) == "recorded 3 (3-5)"


def test_a_frame_between_recorded_ones_is_missing():
    account = settle(held(3, 4, 7), [(3, 7)])
    assert not account.clean
    assert account.missing == [5, 6]
    assert account.holes == [(5, 6)]


def test_what_was_sent_before_and_after_the_recording_is_told_apart():
    account = settle(held(5, 6), [(3, 8)])
    assert account.clean
    assert (account.head, account.tail) == ([3, 4], [7, 8])


def test_what_the_camera_never_sent_is_no_fault_of_the_recorder():
    account = settle(held(3, 4, 8, 9), [(3, 4), (8, 9)])
    assert account.clean
    assert account.unsent == [5, 6, 7]
    assert account.holes == [(5, 7)]


def test_a_frame_recorded_twice_is_doubled():
    account = settle(held(3, 4, 4, 5), [(3, 5)])
    assert not account.clean
    assert account.doubled == [4]


def test_a_torn_frame_is_torn_and_missing():
    torn = Frame("front", 4, 0.0, False, False)
    account = settle([*held(3), torn, *held(5)], [(3, 5)])
    assert not account.clean
    assert account.torn == [torn]
    assert account.missing == [4]


def test_frames_out_of_order_or_never_sent_are_found():
    account = settle(held(3, 5, 4, 6), [(3, 5)])
    assert not account.clean
    assert account.disorder == [4]
    assert account.unknown == [6]


def test_nothing_recorded_is_all_head():
    account = settle([], [(3, 5)])
    assert account.head == [3, 4, 5]
    assert str(settle([], [])) == "nothing recorded"


def test_sessions_of_the_camera_are_understood():
    sent = [
        Sent(1, 0.0, 1.0, "", [Run(1, 2, 0.0, 0.0)]),
        Sent(2, 0.0, None, "", [Run(4, 5, 0.0, 0.0), Run(7, 8, 0, 0)]),
    ]
    account = settle(held(1, 2, 4, 5, 7), sent)
    assert (account.unsent, account.tail) == ([3, 6], [8])


@given(st.lists(st.integers(0, 40)), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40))))
def test_every_frame_sent_is_in_exactly_one_place(numbers, runs):
    account = settle(held(*numbers), runs)
    given_out = {n for first, last in runs for n in range(first, last + 1)}
    places = [set(account.recorded), set(account.missing), set(account.head), set(account.tail)]
    assert set().union(*places) == given_out | set(account.unknown)
    assert sum(map(len, places)) == len(set().union(*places))
    assert not set(account.unsent) & given_out


def test_numbers_are_told_as_ranges():
    assert brief([3, 4, 5, 9, 11]) == "5 (3-5, 9, 11)"
    assert brief(range(0, 100, 2)).endswith("14, …)")


# Reading files made here, box by box


def box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def full(kind: bytes, flags: int, *numbers: object, version: int = 0) -> bytes:
    content = b"".join(n if isinstance(n, bytes) else struct.pack(">I", n) for n in numbers)
    return box(kind, struct.pack(">I", version << 24 | flags), content)


def picture(number: int, slices: bytes = b"\x65slice") -> bytes:
    stamp = nal.stamp_unit("h264", nal.Stamp("front", number, 5.0, nal.checksum([slices])))
    return b"".join(struct.pack(">I", len(unit)) + unit for unit in (stamp, slices))


AVCC = box(b"avcC", b"\x01\x64\x00\x0d\xff\xe0\x00")
ENTRY = box(b"avc1", bytes(78), box(b"pasp", bytes(8)), AVCC)


def movie(*table: bytes, version: int = 0) -> bytes:
    wide = bytes(16) if version else bytes(8)
    stbl = box(b"stbl", full(b"stsd", 0, 1, ENTRY), *table)
    mdhd = full(b"mdhd", 0, wide, 12_800, wide[:8] if version else wide[:4], 0, version=version)
    mdia = box(b"mdia", mdhd, full(b"hdlr", 0, 0, b"vide", bytes(13)), box(b"minf", stbl))
    return box(b"trak", full(b"tkhd", 0, wide, 7, 0, 0, version=version), mdia)


def table(sizes: list[int], chunks: bytes) -> list[bytes]:
    return [
        full(b"stts", 0, 1, len(sizes), 512),
        full(b"stsz", 0, 0, len(sizes), *sizes),
        full(b"stsc", 0, 2, 1, 2, 1, 2, 1, 1),  # the first chunk holds two samples, the others one each
        full(b"stss", 0, 1, 1),
        full(b"ctts", 0, 2, 1, 1024, 2, 0),
        chunks,
    ]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("offsets", [b"stco", b"co64"])
def test_a_progressive_file_is_read_by_its_tables(tmp_path, offsets, version):
    one, two, three = picture(1), picture(2), picture(3)
    start = 8 + 8  # after an empty box and the header of mdat
    places = [start, start + len(one + two) + 5]  # five bytes that belong to nobody
    chunks = full(offsets, 0, 2, *(struct.pack(">Q", p) if offsets == b"co64" else p for p in places))
    tables = table([len(one), len(two), len(three)], chunks)
    path = tmp_path / "a.mp4"
    path.write_bytes(
        box(b"free") + box(b"mdat", one, two, b"other", three) + box(b"moov", movie(*tables, version=version))
    )
    assert [(f.number, f.intact, f.key) for f in frames.frames(path)] == [
        (1, True, True),
        (2, True, False),
        (3, True, False),
    ]
    (track,) = samples.tracks(path)
    assert (track.number, track.kind, track.codec, track.timescale) == (7, "vide", "avc1", 12_800)
    assert [(sample.decode, sample.composition) for sample in track.samples] == [(0, 1024), (512, 512), (1024, 1024)]


def fragments(absolute: bool = False) -> bytes:
    """Return a fragmented movie of four frames; `absolute`: offsets count from the start of the file."""
    empty = [full(b"stsz", 0, 0, 0), full(b"stsc", 0, 0), full(b"stco", 0, 0), full(b"stts", 0, 0)]
    mvex = box(b"mvex", full(b"trex", 0, 7, 1, 512, 0, 0x10000))
    content = box(b"moov", movie(*empty), mvex)
    for first in (1, 3):
        pictures = [picture(first), picture(first + 1)]
        sizes = [len(one) for one in pictures]
        tfhd = full(b"tfhd", 0x1, 7, bytes(8)) if absolute else full(b"tfhd", 0x20000, 7)
        origin = len(content) if absolute else 0
        tfdt = full(b"tfdt", 0, struct.pack(">Q", first * 512), version=1)
        moof = b""
        for _ in range(2):  # the offset is known when the size is
            trun = full(b"trun", 0x1 | 0x4 | 0x200, 2, origin + len(moof) + 8, 0, *sizes)
            moof = box(b"moof", full(b"mfhd", 0, first), box(b"traf", tfhd, tfdt, trun))
        content += moof + box(b"mdat", *pictures)
    return content


@pytest.mark.parametrize("absolute", [False, True])
def test_a_fragmented_file_is_read_by_its_runs(tmp_path, absolute):
    path = tmp_path / "a.mp4"
    path.write_bytes(fragments(absolute))
    found = [(f.number, f.intact, f.key) for f in frames.frames(path)]
    assert found == [(1, True, True), (2, True, False), (3, True, True), (4, True, False)]
    assert [sample.decode for sample in samples.tracks(path)[0].samples] == [512, 1024, 1536, 2048]


def test_a_file_cut_anywhere_gives_its_first_frames_and_at_most_one_torn(tmp_path):
    whole = fragments()
    path = tmp_path / "a.mp4"
    most = 0
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        found = frames.frames(path)
        intact = [frame.number for frame in found if frame.intact]
        assert intact == [1, 2, 3, 4][: len(intact)]
        assert all(frame.intact for frame in found[:-1])
        assert len(intact) >= most
        most = len(intact)
    assert most == 4


def test_two_pictures_merged_into_one_sample_and_one_without_a_stamp_are_seen(tmp_path):
    def unit(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    merged = unit(b"\x41rest of a lost picture") + picture(1) + picture(2)
    foreign = unit(b"\x65foreign")
    start = 8
    chunks = full(b"stco", 0, 2, start, start + len(merged + foreign))
    tables = table([len(merged), len(foreign), 0], chunks)
    path = tmp_path / "a.mp4"
    path.write_bytes(box(b"mdat", merged, foreign) + box(b"moov", movie(*tables)))
    found = [(frame.mount, frame.number, frame.intact) for frame in frames.frames(path)]
    assert found == [("", -1, False), ("front", 1, True), ("front", 2, True), ("", -1, False)]


@pytest.mark.parametrize("content", [b"", b"\0", b"no movie at all", b"\0\0\0\1mdat", box(b"moov")])
def test_a_file_without_a_movie_has_no_frames(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    assert frames.frames(path) == []


def test_the_program_sums_up_and_fails_when_something_is_wrong(tmp_path, capsys):
    good, bad = tmp_path / "a.mp4", tmp_path / "b.mp4"
    good.write_bytes(fragments())
    bad.write_bytes(fragments()[:-1])
    assert frames.main([str(good)]) == 0
    assert capsys.readouterr().out == "%s: 4 (1-4)\nfront: recorded 4 (1-4)\n" % good
    assert frames.main([str(good), str(bad)]) == 1
    assert "front: recorded 7 (1-4, 1-3), doubled 3 (1-3), torn 1 (4), disorder 1 (1)" in capsys.readouterr().out
    assert frames.main([]) == 2
    assert frames.main(["--help"]) == 0
    assert "missing, doubled, torn" in capsys.readouterr().out
