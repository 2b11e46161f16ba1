"""RTP packets: cut and addressed so that any receiver puts the same picture together again."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.camera import rtp
from tests.support.rtsp_client import Packet, pictures

HEADERS = {"h264": [b"\x65", b"\x41", b"\x06"], "h265": [b"\x26\x01", b"\x02\x01", b"\x4e\x01"]}


def parse(data: bytes) -> list[Packet]:
    found = []
    for piece in rtp.split(data):
        dollar, channel, size = struct.unpack(">cBH", piece[:4])
        assert dollar == b"$"
        assert size == len(piece) - 4
        version, kind, sequence, timestamp, source = struct.unpack(">BBHII", rtp.datagram(piece)[:12])
        assert version == 0x80
        found.append(Packet(channel, bool(kind & 0x80), kind & 0x7F, sequence, timestamp, source, piece[16:]))
    return found


@pytest.mark.parametrize("codec", ["h264", "h265"])
@given(sizes=st.lists(st.integers(0, 5000) | st.sampled_from([1397, 1398, 1399, 1400]), min_size=1, max_size=4))
def test_units_of_any_size_survive_the_packets(codec, sizes):
    units = [HEADERS[codec][i % 3] + bytes(n & 0xFF for n in range(size)) for i, size in enumerate(sizes)]
    packets = parse(rtp.pack(codec, units, marker=True).data)
    assert list(pictures(iter(packets), codec)) == [units]
    assert max(len(packet.payload) for packet in packets) <= rtp.PAYLOAD
    assert [packet.marker for packet in packets] == [False] * (len(packets) - 1) + [True]


def test_packets_are_numbered_on_from_where_the_client_is_and_wrap():
    packets = rtp.bundle([b"a", b"bb", b"ccc"], 96, marker=True)
    found = parse(bytes(rtp.address(packets, 6, 0xFFFE, 2**32 + 7, 0xCAFE)))
    assert [packet.sequence for packet in found] == [0xFFFE, 0xFFFF, 0]
    assert {(packet.channel, packet.timestamp, packet.source, packet.kind) for packet in found} == {(6, 7, 0xCAFE, 96)}
    assert [packet.payload for packet in found] == [b"a", b"bb", b"ccc"]


def test_addressing_one_client_leaves_the_shared_packets_alone():
    packets = rtp.bundle([b"a"], 96, marker=True)
    before = packets.data
    rtp.address(packets, 2, 5, 6, 7)
    assert packets.data == before


def test_joined_packets_are_those_of_both():
    both = rtp.bundle([b"a", b"b"], 96, marker=False) + rtp.EMPTY + rtp.bundle([b"c"], 96, marker=True)
    assert [packet.payload for packet in parse(bytes(rtp.address(both, 0, 1, 2, 3)))] == [b"a", b"b", b"c"]


def test_a_sender_report_ties_the_rtp_clock_to_the_wall_clock():
    report = rtp.sender_report(1, 0xCAFE, 1_800_000_000.5, 2**32 + 90_000, 12, 3456)
    assert struct.unpack(">cBH", report[:4]) == (b"$", 1, len(report) - 4)
    version, kind, words, source, seconds, fraction, timestamp, packets, octets = struct.unpack(
        ">BBHIIIIII", report[4:32]
    )
    assert (version, kind, words) == (0x80, 200, 6)
    assert (source, timestamp, packets, octets) == (0xCAFE, 90_000, 12, 3456)
    assert seconds - 2_208_988_800 == 1_800_000_000
    assert fraction == 2**31
    assert struct.unpack(">BBHI", report[32:40]) == (0x81, 202, 3, 0xCAFE)
    assert (len(report) - 36) % 4 == 0
