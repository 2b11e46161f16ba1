"""Reading a bucket's listing: bounded, complete, in order of time."""

from __future__ import annotations

import calendar
from typing import NamedTuple

import pytest

from camera_backup.bucket.proof import Object
from camera_backup.listing import source
from camera_backup.listing.ranges import Range
from camera_backup.segments import Segment, object_key

NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))


class Entry(NamedTuple):
    key: str
    size: int


class Store:
    """A bucket in memory that counts what a listing made it show. `obedient`: it honours StartAfter."""

    def __init__(self, prefix="", obedient=True):
        self.prefix = prefix
        self.obedient = obedient
        self.objects = {}
        self.shown = 0

    def add(self, camera, start, metadata=None, **marks):
        key = object_key(self.prefix, camera, Segment(start, **marks).name)
        self.objects[key] = Object(10, "", metadata or {})
        return key

    def list(self, prefix, start_after="", stop_at="\U0010ffff"):
        for key in sorted(self.objects):
            if key.startswith(prefix) and (key > start_after or not self.obedient):
                if key >= stop_at:
                    return
                self.shown += 1
                yield Entry(key, self.objects[key].size)

    def head(self, key):
        return self.objects.get(key)


@pytest.mark.parametrize(
    ("told", "marks"),
    [
        ({}, (None, None)),
        ({"clock": "+86400", "clock-skew": "-7200"}, (86400, -7200)),
        ({"clock": "nan", "clock-skew": "1" * 5000}, (None, None)),
        ({"clock": "+", "clock-skew": "+1e9"}, (None, None)),
    ],
)
def test_marks_of_a_wrong_clock_are_read_and_nonsense_is_none(told, marks):
    store = Store()
    store.add("front", NOON, told)
    [item] = source.with_metadata(store, source.read(store, "front", Range(), 3600).footage)
    assert (item.clock, item.clock_skew) == marks


@pytest.mark.parametrize("prefix", ["", "site-7/nvr"])
def test_every_camera_with_footage_is_found_with_one_object_each(prefix):
    store = Store(prefix)
    for camera in ("back", "back-yard", "front"):
        for hour in range(50):
            store.add(camera, NOON + 3600 * hour)
    store.objects["zz/other/2026/11/22/20261122_120000.mp4"] = Object(1, "", {})
    base = prefix + "/" if prefix else ""
    store.objects[base + ".camera-backup/probe/x"] = Object(1, "", {})
    store.objects[base + "readme.txt"] = Object(1, "", {})
    found = source.cameras(store)
    # Any folder may be a removed camera's; what is in it is for the listing to say.
    assert found == ["back", "back-yard", "front", *([] if prefix else ["zz"])]
    assert store.shown <= 7


def test_a_store_that_ignores_start_after_ends_the_search_and_does_not_hang():
    store = Store(obedient=False)
    store.add("back", NOON)
    store.add("front", NOON)
    assert source.cameras(store) == ["back"]


@pytest.mark.parametrize("obedient", [True, False])
def test_a_range_reads_what_lies_in_it_also_where_start_after_is_ignored(obedient):
    store = Store(obedient=obedient)
    keys = [store.add("front", NOON + 3600 * hour) for hour in range(-48, 48)]
    found = source.read(store, "front", Range(NOON, NOON + 7200), 3600)
    # One earlier, which may reach into the range.
    assert [item.key for item in found.footage] == keys[47:50]
    assert store.shown <= (3 if obedient else 14)


def test_years_of_footage_cost_no_more_than_the_range_asked_for():
    store = Store()
    for day in range(700):
        store.add("front", NOON - 86400 * day)
    source.read(store, "front", Range(NOON, None), 3600)
    assert store.shown == 1


def test_marks_sort_by_time_not_by_spelling():
    store = Store()
    late = store.add("front", NOON, copy=2)
    damaged = store.add("front", NOON, damaged=True)
    plain = store.add("front", NOON)
    after = store.add("front", NOON + 1)
    assert [item.key for item in source.read(store, "front", Range(), 3600).footage] == [damaged, plain, late, after]


def test_what_is_not_ours_is_counted_and_not_shown():
    store = Store()
    store.add("front", NOON)
    store.objects["front/notes.txt"] = Object(1, "", {})
    found = source.read(store, "front", Range(), 3600)
    assert (len(found.footage), found.foreign) == (1, 1)


def test_metadata_gives_exact_lengths_hashes_and_hosts_and_may_be_missing():
    store = Store()
    store.add("front", NOON, {"duration": "10.040", "sha256": "ab", "host": "nvr1"})
    store.add("front", NOON + 10, {"duration": "soon"})
    store.add("front", NOON + 20)
    found = source.with_metadata(store, source.read(store, "front", Range(), 3600).footage)
    assert [(item.seconds, item.exact, item.sha256, item.host) for item in found] == [
        (10.04, True, "ab", "nvr1"),
        (None, False, None, None),
        (None, False, None, None),
    ]


def test_an_object_that_vanished_meanwhile_is_still_listed():
    store = Store()
    store.add("front", NOON)
    found = source.read(store, "front", Range(), 3600).footage
    store.objects.clear()
    assert source.with_metadata(store, found) == found
