"""The checksums S3 knows, with the standard library alone: slow for the two CRCs it lacks, and meant for that."""

from __future__ import annotations

import base64
import functools
import hashlib
import zlib
from typing import Callable


@functools.lru_cache(maxsize=None)
def _table(polynomial: int) -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


def _reflected(polynomial: int, bits: int, data: bytes) -> bytes:
    table, ones = _table(polynomial), (1 << bits) - 1
    crc = ones
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return (crc ^ ones).to_bytes(bits // 8, "big")


ALGORITHMS: dict[str, Callable[[bytes], bytes]] = {
    "crc32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "crc32c": lambda data: _reflected(0x82F63B78, 32, data),
    "crc64nvme": lambda data: _reflected(0x9A6C9329AC4BC9B5, 64, data),
    "md5": lambda data: hashlib.md5(data).digest(),
    "sha1": lambda data: hashlib.sha1(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
}


def encoded(algorithm: str, data: bytes) -> str:
    """Return a checksum of `data` as S3 writes it in headers."""
    return base64.b64encode(ALGORITHMS[algorithm](data)).decode()
