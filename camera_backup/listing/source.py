"""Footage as the bucket lists it. Bounded: a camera with years of footage costs a page or two for a day's question."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Iterable, Iterator, Mapping, NamedTuple, Protocol

from camera_backup.bucket.proof import Object
from camera_backup.listing.footage import Footage, footage
from camera_backup.listing.ranges import Range, Window, window
from camera_backup.segments import CAMERA_NAME

HEADS_AT_ONCE = 8

_LAST = "\U0010ffff"  # sorts behind every character of a key


class Entry(Protocol):
    """An object in a listing."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def size(self) -> int: ...  # noqa: D102


class Store(Protocol):
    """What is needed of `camera_backup.bucket.client.Bucket`."""

    prefix: str

    def list(self, prefix: str, start_after: str = "", stop_at: str = _LAST) -> Iterator[Entry]:
        """Yield the objects whose keys begin with a prefix, in order of their keys."""

    def head(self, key: str) -> Object | None:
        """Return what the bucket shows of an object, None when there is none."""


class Found(NamedTuple):
    """Footage of one camera in order of time, and how many objects there were that are not ours."""

    footage: list[Footage]
    foreign: int


def cameras(store: Store) -> list[str]:
    """Return the cameras that have anything in the bucket, configured or not; one request each."""
    base = store.prefix + "/" if store.prefix else ""
    found: list[str] = []
    after = ""
    while True:
        entry = next(iter(store.list(base, after)), None)
        # A store that ignores StartAfter would show the same key again, for ever.
        if entry is None or entry.key <= after:
            return sorted(found)
        name, slash, _ = entry.key[len(base) :].partition("/")
        if slash and CAMERA_NAME.match(name):
            found.append(name)
        after = base + name + slash + _LAST if slash else entry.key


def read(store: Store, camera: str, wanted: Range, longest: int) -> Found:
    """Given a camera and a range, return what the bucket lists of it; raise StoreError."""
    part = window(store.prefix, camera, wanted, longest)
    items: list[Footage] = []
    foreign = 0
    for entry in store.list(part.prefix, part.after, part.before or _LAST):
        item = footage(store.prefix, entry.key, entry.size)
        if item is None:
            foreign += 1
        elif _inside(item, part):
            items.append(item)
    # Marks such as _2 and .damaged sort beside their second, not behind it.
    return Found(sorted(items, key=lambda item: (item.start, item.key)), foreign)


def _inside(item: Footage, part: Window) -> bool:
    return part.after < item.key and (not part.before or item.key < part.before)


def with_metadata(store: Store, found: Iterable[Footage]) -> list[Footage]:
    """Given footage, ask for each object's metadata and return it with lengths, hashes and hosts; raise StoreError."""
    with ThreadPoolExecutor(HEADS_AT_ONCE) as pool:
        return list(pool.map(lambda item: _described(item, store.head(item.key)), found))


def _seconds(told: str | None) -> int | None:
    """Return a mark as a number; None for none, and for what is no mark: anybody may have written the metadata."""
    return int(told) if told is not None and re.fullmatch("[+-][0-9]{1,12}", told) else None


def _described(item: Footage, shown: Object | None) -> Footage:
    told: Mapping[str, str] = shown.metadata if shown else {}
    clock, skew = _seconds(told.get("clock")), _seconds(told.get("clock-skew"))
    item = replace(item, sha256=told.get("sha256"), host=told.get("host"), clock=clock, clock_skew=skew)
    try:
        return replace(item, seconds=float(told["duration"]), exact=True)
    except (KeyError, ValueError):
        return item
