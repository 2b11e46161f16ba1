"""A place in time for every host, by its name, so that a thousand of them do not knock at the same second. Pure."""

from __future__ import annotations

import hashlib


def share(host: str) -> float:
    """Given the name of a host, return its own number from 0 to below 1: always the same, evenly spread over names."""
    return int.from_bytes(hashlib.sha256(host.encode("utf-8", "surrogateescape")).digest()[:6], "big") / 2**48
