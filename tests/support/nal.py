"""Network abstraction layer units of H.264 and H.265, and the frame number we hide in each picture.

Every access unit the simulated camera sends carries a supplemental enhancement message (SEI, user_data_unregistered:
H.264 D.2.7, H.265 D.3.7) with a `Stamp`. Copying the stream keeps it, so a recording tells which frames it holds.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import Iterable, NamedTuple

UUID = bytes.fromhex("c3a9e1d27b5f4c08a6d4b1f0937e25cb")

_USER_DATA_UNREGISTERED = 5
_SEI_HEADER = {"h264": b"\x06", "h265": b"\x4e\x01"}
_FIXED = struct.Struct(">QQI")


class Stamp(NamedTuple):
    """What a frame says about itself.

    mount: name of the camera
    number: the camera's count of frames, in decoding order, never repeated
    wall: seconds since the epoch at which the frame left the camera
    checksum: of the slices of its picture (`checksum`)
    """

    mount: str
    number: int
    wall: float
    checksum: int


def escape(rbsp: bytes) -> bytes:
    """Insert the emulation prevention bytes, so that no start code appears inside the payload (H.264 7.4.1)."""
    return re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", rbsp)


def unescape(payload: bytes) -> bytes:
    """Remove the emulation prevention bytes: the way back of `escape`."""
    return payload.replace(b"\x00\x00\x03", b"\x00\x00")


def unit_type(codec: str, unit: bytes) -> int:
    """Return the type field of a unit's header."""
    return unit[0] & 0x1F if codec == "h264" else (unit[0] >> 1) & 0x3F


def is_slice(codec: str, unit: bytes) -> bool:
    """Whether the unit holds a part of a picture."""
    kind = unit_type(codec, unit)
    return 1 <= kind <= 5 if codec == "h264" else kind < 32


def is_message(codec: str, unit: bytes) -> bool:
    """Whether the unit holds supplemental messages that precede the picture."""
    return unit_type(codec, unit) == (6 if codec == "h264" else 39)


def checksum(units: Iterable[bytes]) -> int:
    """Given the slices of a picture in order, return the checksum that its stamp carries.

    Zero bytes after a unit are padding, not part of it (H.264 7.4.1, B.1); FFmpeg leaves one there in H.265.
    """
    value = 0
    for unit in units:
        value = zlib.crc32(unit.rstrip(b"\0"), value)
    return value


def stamp_unit(codec: str, stamp: Stamp) -> bytes:
    """Return the SEI unit that carries `stamp`."""
    mount = stamp.mount.encode()
    body = bytes([len(mount)]) + mount + _FIXED.pack(stamp.number, round(stamp.wall * 1e6), stamp.checksum)
    payload = UUID + body + struct.pack(">I", zlib.crc32(body))
    size = b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255])
    return _SEI_HEADER[codec] + escape(bytes([_USER_DATA_UNREGISTERED]) + size + payload + b"\x80")


def read_stamp(codec: str, unit: bytes) -> Stamp | None:
    """Given an SEI unit, return the stamp it carries, or None when it carries none or a damaged one."""
    payload = unescape(unit[len(_SEI_HEADER[codec]) :])
    at = payload.find(UUID)
    if at < 0:
        return None
    body = payload[at + len(UUID) :]
    size = 1 + body[0] + _FIXED.size if body else 1
    if len(body) < size + 4 or struct.unpack(">I", body[size : size + 4])[0] != zlib.crc32(body[:size]):
        return None
    number, wall, slices = _FIXED.unpack(body[size - _FIXED.size : size])
    return Stamp(body[1 : 1 + body[0]].decode(), number, wall / 1e6, slices)


def split(sample: bytes, length_size: int = 4) -> list[bytes]:
    """Given a sample of an MP4, return its units; the last is cut short when the sample is."""
    units = []
    at = 0
    while at + length_size < len(sample):
        size = int.from_bytes(sample[at : at + length_size], "big")
        at += length_size
        if size:
            units.append(sample[at : at + size])
        at += size
    return units
