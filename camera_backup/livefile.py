"""Read a live status file. It is written anew every few seconds, and what stands in it may be anything."""

from __future__ import annotations

import json
from typing import IO, Any

MOST = 1e15
"""More than any number that makes sense in one, bytes or seconds."""


def load(stream: IO[str]) -> Any:  # noqa: ANN401
    """Given an open file, return the JSON in it; raise ValueError also for what is too deep or a number too large."""
    try:
        return json.load(stream, parse_int=_int, parse_float=_float, parse_constant=_float)
    except RecursionError:
        raise ValueError("lists in lists, without end") from None


def _int(text: str) -> int:
    _float(text)
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not abs(value) < MOST:
        raise ValueError("no number that makes sense: %s" % text[:20])
    return value
