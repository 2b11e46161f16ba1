"""Objects as footage: what is ours, how long it lasts, what is missing in between."""

from __future__ import annotations

import calendar

import pytest

from camera_backup.ledger import Dropped
from camera_backup.listing import view
from camera_backup.listing.footage import Footage, Gap, explained, footage, gaps, totals, with_lengths
from camera_backup.segments import Segment, conflict_key, object_key

NOON = calendar.timegm((2026, 11, 22, 12, 0, 0))


def segment(offset, seconds=None, size=1000, **more):
    name = Segment(NOON + offset).name
    return Footage("door", "door/2026/11/22/" + name, name, NOON + offset, size, seconds=seconds, **more)


def test_our_keys_are_understood_with_and_without_prefix_and_with_marks():
    key = object_key("a/b", "door", Segment(NOON, 2, True).name)
    found = footage("a/b", key, 5)
    assert (found.camera, found.start, found.bytes, found.damaged, found.conflict) == ("door", NOON, 5, True, False)
    assert footage("", object_key("", "door", Segment(NOON).name), 5).key == "door/2026/11/22/20261122_120000.mp4"


def test_bytes_kept_beside_others_are_seen_as_such():
    found = footage("", conflict_key(object_key("", "door", Segment(NOON).name), "ab" * 32), 5)
    assert (found.conflict, found.start) == (True, NOON)


@pytest.mark.parametrize(
    "key",
    [
        "notes.txt",
        "door/2026/11/22/notes.txt",
        "door/2026/11/23/20261122_120000.mp4",
        "door/20261122_120000.mp4",
        "-door/2026/11/22/20261122_120000.mp4",
        "other/door/2026/11/22/20261122_120000.mp4",
        "door/2026/11/22/20261122_120000.conflict-xyz.mp4",
    ],
)
def test_what_we_did_not_write_is_not_footage(key):
    assert footage("", key, 5) is None


def test_another_prefix_is_not_ours():
    assert footage("site", "sites/door/2026/11/22/20261122_120000.mp4", 5) is None


def test_measured_lengths_win_inferred_ones_reach_to_the_next_segment_and_the_last_is_unknown():
    found = with_lengths([segment(0), segment(3600), segment(9000), segment(9010)], {segment(9000).name: 9.5}, 3600)
    assert [(item.seconds, item.exact) for item in found] == [(3600, False), (3600, False), (9.5, True), (None, False)]


def test_a_length_from_the_bucket_is_not_replaced():
    assert with_lengths([segment(0, 10.0, exact=True)], {segment(0).name: 9.0}, 3600)[0].seconds == 10.0


def test_two_files_of_the_same_second_do_not_make_each_other_zero_long():
    twice = [segment(0), segment(0), segment(3600)]
    assert [item.seconds for item in with_lengths(twice, {}, 3600)] == [3600, 3600, None]


def test_footage_that_follows_within_two_seconds_is_gapless_three_are_a_gap():
    assert gaps([segment(0, 10, exact=True), segment(12, 10, exact=True)]) == {}
    found = [segment(0, 10, exact=True), segment(13, 10, exact=True)]
    assert gaps(found) == {found[0].key: Gap(NOON + 10, NOON + 13)}


def test_an_inferred_end_is_trusted_less():
    assert gaps([segment(0, 3600), segment(3625, 3600)]) == {}
    assert len(gaps([segment(0, 3600), segment(3635, 3600)])) == 1


def test_a_gap_is_counted_from_the_footage_that_reaches_farthest():
    found = [segment(0, 100, exact=True), segment(5, 10, exact=True), segment(120, 10, exact=True)]
    assert gaps(found) == {found[0].key: Gap(NOON + 100, NOON + 120)}


def test_nothing_has_no_gaps_and_no_totals():
    assert gaps([]) == {}
    assert totals([]) == (0, 0, 0.0)


def test_the_table_shows_a_gap_where_it_is():
    found = [segment(0, 10.2, exact=True), segment(60, 10, damaged=True)]
    assert view.table(found, list(gaps(found).values()), False, False) == (
        "START (UTC)          LENGTH  SIZE  KEY\n"
        "2026-11-22 12:00:00    10 s  1 kB  door/2026/11/22/20261122_120000.mp4\n"
        "2026-11-22 12:00:10    50 s        no footage\n"
        "2026-11-22 12:01:00   ~10 s  1 kB  door/2026/11/22/20261122_120100.mp4  (unrepaired)\n"
    )


def test_the_long_table_adds_hash_and_host():
    text = view.table([segment(0, 10, exact=True, sha256="ab" * 32, host="nvr1")], [], True, False)
    assert "LENGTH  SIZE  SHA-256" in text
    assert "ab" * 32 + "  nvr1  door/2026" in text


def test_the_summary_says_about_only_when_something_was_inferred():
    exact, inferred = [segment(0, 10.0, exact=True)], [segment(0, 3600.0)]
    assert view.summary("door", exact, []) == "door: 1 segment, 1 kB, 10 s"
    assert (
        view.summary("door", inferred, [Gap(0, 50)]) == "door: 1 segment, 1 kB, about 1 h; 1 gap, 50 s without footage"
    )
    assert view.summary("door", [], []) == "door: nothing in the bucket"


def test_json_has_numbers_not_words():
    found = [segment(0, 10.0, exact=True)]
    value = view.as_json(found, [Gap(1.0, 2.0)])
    assert value["total"] == {"segments": 1, "bytes": 1000, "seconds": 10.0}
    assert value["segments"][0]["start"] == NOON
    assert value["gaps"] == [{"start": 1.0, "end": 2.0, "cause": None}]


def dropped(offset, seconds):
    return Dropped(Segment(NOON + offset).name, NOON + offset, NOON + offset + seconds, 1000, "disk_full", NOON + 9999)


def test_what_was_dropped_is_a_gap_of_its_own_also_before_the_first_and_after_the_last_footage():
    found = [segment(100, 10, exact=True), segment(150, 10, exact=True)]
    between = list(gaps(found).values())
    assert explained(found, between, [dropped(120, 10), dropped(0, 20), dropped(200, 20)]) == [
        Gap(NOON, NOON + 20, "dropped"),
        Gap(NOON + 110, NOON + 120),
        Gap(NOON + 120, NOON + 130, "dropped"),
        Gap(NOON + 130, NOON + 150),
        Gap(NOON + 200, NOON + 220, "dropped"),
    ]


def test_what_the_bucket_holds_was_not_lost_whatever_a_tombstone_says():
    found = [segment(0, 10, exact=True)]
    assert explained(found, [], [dropped(0, 10)]) == []


def test_a_dropped_span_is_told_also_when_the_bucket_holds_nothing():
    missing = explained([], [], [dropped(0, 60)])
    assert "no footage: dropped for space" in view.table([], missing, False, False)
    assert view.summary("door", [], missing) == "door: nothing in the bucket; 1 gap, 1 min without footage"
