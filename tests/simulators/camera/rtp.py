"""RTP packets: cut once (RFC 6184, RFC 7798), addressed for each client and frame. RTCP sender reports (RFC 3550)."""

from __future__ import annotations

import struct
from typing import Iterator, NamedTuple, Sequence

PAYLOAD = 1400  # bytes of payload per packet: what fits an Ethernet frame
VIDEO = 96

_INTERLEAVED = 4  # "$", channel, length
_RTP = 12
HEADER = _INTERLEAVED + _RTP
_NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970


class Packets(NamedTuple):
    """Packets one after the other, each with its interleaved and RTP header, channel and the rest still blank."""

    data: bytes
    offsets: tuple[int, ...]

    def __add__(self, other: object) -> Packets:
        assert isinstance(other, Packets)
        return Packets(self.data + other.data, self.offsets + tuple(len(self.data) + at for at in other.offsets))


EMPTY = Packets(b"", ())


def pack(codec: str, units: Sequence[bytes], marker: bool = False) -> Packets:
    """Given units of one picture, return their packets; `marker`: they are the last of it."""
    return bundle([payload for unit in units for payload in fragments(codec, unit)], VIDEO, marker)


def fragments(codec: str, unit: bytes) -> Iterator[bytes]:
    """Given a unit, yield the payloads that carry it: itself, or fragmentation units when it is too large."""
    if len(unit) <= PAYLOAD:
        yield unit
        return
    size = 1 if codec == "h264" else 2
    if codec == "h264":
        indicator, kind = bytes([unit[0] & 0xE0 | 28]), unit[0] & 0x1F
    else:
        indicator, kind = bytes([unit[0] & 0x81 | 49 << 1, unit[1]]), unit[0] >> 1 & 0x3F
    step = PAYLOAD - size - 1
    for at in range(size, len(unit), step):
        start, end = at == size, at + step >= len(unit)
        yield indicator + bytes([start << 7 | end << 6 | kind]) + unit[at : at + step]


def bundle(payloads: Sequence[bytes], payload_type: int, marker: bool) -> Packets:
    """Given payloads, return them as packets; `marker` sets the marker bit of the last."""
    data = bytearray()
    offsets = []
    for index, payload in enumerate(payloads):
        last = marker and index == len(payloads) - 1
        offsets.append(len(data))
        data += struct.pack(">cBHBBHII", b"$", 0, _RTP + len(payload), 0x80, last << 7 | payload_type, 0, 0, 0)
        data += payload
    return Packets(bytes(data), tuple(offsets))


def address(packets: Packets, channel: int, sequence: int, timestamp: int, source: int) -> bytearray:
    """Return the packets with their headers filled in, numbered from `sequence` on."""
    data = bytearray(packets.data)
    for offset in packets.offsets:
        data[offset + 1] = channel
        struct.pack_into(">HII", data, offset + _INTERLEAVED + 2, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, source)
        sequence += 1
    return data


def split(data: bytes) -> Iterator[bytes]:
    """Yield each packet of `data`, with its interleaved header."""
    at = 0
    while at < len(data):
        end = at + _INTERLEAVED + int.from_bytes(data[at + 2 : at + 4], "big")
        yield data[at:end]
        at = end


def datagram(piece: bytes) -> bytes:
    """Return the packet without its interleaved header."""
    return piece[_INTERLEAVED:]


def sender_report(channel: int, source: int, wall: float, timestamp: int, packets: int, octets: int) -> bytes:
    """Return an interleaved RTCP packet that ties the RTP clock to the wall clock: sender report and CNAME."""
    ntp = round((wall + _NTP_EPOCH) * 2**32)
    fields = (source, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    report = struct.pack(">BBHIQIII", 0x80, 200, 6, *fields)
    name = struct.pack(">BBHI", 0x81, 202, 3, source) + b"\x01\x06camera"
    content = report + name
    return struct.pack(">cBH", b"$", channel, len(content)) + content
