"""Before the disk is full: what goes, what stays, what is written down, and what a kill in between leaves behind."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from camera_backup import ledger, paths
from camera_backup.model import S3
from camera_backup.uploader import lease, recognition, steps, sweep, witness
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Store
from tests.support.uploading import CAMERA, PART, Place

NAMES = ["20231114_%02d0000.mp4" % hour for hour in range(5)]
YARD = "back-yard"


@pytest.fixture
def place(tmp_path):
    store = Store()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        place = Place(
            tmp_path, S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto")
        )
        place.store, place.proxy = store, proxy
        lease.prepare()
        yield place


def swept(place, needed, step=steps.nothing, least=0):
    return sweep.sweep(place.parameters, needed, least, step)


def dropped(place, camera=CAMERA):
    return ledger.read_dropped(paths.ledger(place.parameters.storage.state_path, camera))


def kept_on_disk(place, camera=CAMERA):
    return sorted(path.name for path in place.path(camera=camera).parent.glob("[!.]*.mp4"))


def proven(place, *names):
    """Upload segments and keep their files."""
    place.change("upload", delete_after_upload=False)
    for name in names:
        place.segment(name=name)
    assert place.run().proven == len(names)
    place.proxy.clear()


def test_what_is_proven_goes_first_the_oldest_first_and_no_more_than_needed(place):
    proven(place, *NAMES[1:4])
    place.segment(name=NAMES[0])
    place.change("storage", when_full="drop_oldest")
    result = swept(place, 1001)
    assert (result.released, result.dropped, result.short) == (2, 0, 0)
    assert kept_on_disk(place) == [NAMES[0], NAMES[3]]
    assert len(place.proxy.of("HeadObject", place.key(NAMES[1]))) == 1
    with place.catalog() as catalog:
        assert catalog.counts() == {"deleted": 2, "proven": 1}


def test_with_keep_nothing_unproven_goes_however_much_is_needed(place):
    proven(place, NAMES[2])
    place.segment(name=NAMES[0])
    result = swept(place, 10**9)
    assert (result.released, result.dropped, result.short) == (1, 0, 10**9 - 1000)
    assert kept_on_disk(place) == [NAMES[0]]
    assert dropped(place) == []


def test_the_oldest_of_all_cameras_is_dropped_and_leaves_its_tombstone(place, capfd):
    place.record(place.segment(name=NAMES[1]), NAMES[1])
    place.segment(name=NAMES[0], camera=YARD)
    place.segment(name=NAMES[2], camera=YARD)
    place.change("storage", when_full="drop_oldest")
    result = swept(place, 1500)
    assert (result.dropped, result.dropped_bytes) == (2, 2000)
    assert (kept_on_disk(place), kept_on_disk(place, YARD)) == ([], [NAMES[2]])
    (mine,), (other,) = dropped(place), dropped(place, YARD)
    assert mine[:5] == (NAMES[1], 1699920000.25, 1699923600.5, 1000, "disk_full")
    assert other[:5] == (NAMES[0], 1699920000.0, 1699920000.0, 1000, "disk_full")
    assert capfd.readouterr().err.count("segment_dropped") == 2


def test_without_the_bucket_the_proof_of_the_catalog_counts_when_space_is_needed(place, monkeypatch):
    proven(place, *NAMES[:2])
    place.proxy.stop()
    monkeypatch.setattr(witness, "PATIENCE", 3.0)
    assert swept(place, 1000).released == 1
    assert kept_on_disk(place) == [NAMES[1]]


def test_without_the_bucket_what_is_merely_old_stays(place, monkeypatch):
    proven(place, *NAMES[:2])
    place.change("storage", retention_seconds=60)
    monkeypatch.setattr(witness, "PATIENCE", 3.0)
    place.proxy.stop()
    assert swept(place, 0).released == 0
    place.proxy.start()
    assert swept(place, 0).released == 2


def test_what_is_old_and_cannot_be_asked_about_goes_before_footage_that_no_bucket_holds(place, monkeypatch):
    proven(place, NAMES[1])
    place.segment(name=NAMES[0])
    place.change("storage", retention_seconds=60, when_full="drop_oldest")
    monkeypatch.setattr(witness, "PATIENCE", 3.0)
    place.proxy.stop()
    result = swept(place, 1000)
    assert (result.released, result.dropped) == (1, 0)
    assert kept_on_disk(place) == [NAMES[0]]


def test_a_size_of_retention_keeps_the_newest(place):
    proven(place, *NAMES[:3])
    place.change("storage", retention_bytes=2000)
    assert swept(place, 0).released == 1
    assert kept_on_disk(place) == NAMES[1:3]


def test_what_has_vanished_from_the_bucket_stays_and_is_uploaded_again(place):
    """I1: proven long ago is not held today."""
    proven(place, NAMES[0])
    data = place.path(NAMES[0]).read_bytes()
    place.store.buckets["b"].clear()
    result = swept(place, 1000)
    assert (result.released, result.missing) == (0, 1)
    assert place.run().proven == 1
    assert place.store.buckets["b"][place.key(NAMES[0])].data == data


def test_a_kept_file_that_was_changed_is_not_the_one_that_was_proven(place):
    proven(place, NAMES[0])
    with place.path(NAMES[0]).open("ab") as stream:
        stream.write(b"more")
    assert swept(place, 1000).released == 0
    assert kept_on_disk(place) == [NAMES[0]]


def renumbered(place, *names):
    """Let the catalog know the files as they were on a device with another number, as a reboot may leave them."""
    with place.catalog() as catalog:
        for name in names:
            row = catalog.get(CAMERA, name)
            device, _, rest = row.identity.partition(":")
            catalog.recognised(row, "%d:%s" % (int(device) + 1, rest))


@pytest.mark.parametrize("reachable", [True, False])
def test_a_kept_file_on_a_disk_with_another_number_is_known_by_its_bytes_and_released(place, monkeypatch, reachable):
    proven(place, *NAMES[:2])
    renumbered(place, *NAMES[:2])
    place.change("storage", when_full="drop_oldest")
    if not reachable:
        monkeypatch.setattr(witness, "PATIENCE", 3.0)
        place.proxy.stop()
    result = swept(place, 1000)
    assert (result.released, result.dropped, result.unknown) == (1, 0, 0)
    assert (kept_on_disk(place), dropped(place)) == ([NAMES[1]], [])
    with place.catalog() as catalog:
        assert catalog.counts() == {"deleted": 1, "proven": 1}


def test_a_kept_file_on_a_disk_with_another_number_whose_time_is_over_is_released(place):
    proven(place, NAMES[0])
    renumbered(place, NAMES[0])
    place.change("storage", retention_seconds=60)
    assert swept(place, 0).released == 1
    assert kept_on_disk(place) == []


def test_a_disk_with_another_number_sends_nothing_again(place):
    proven(place, NAMES[0])
    renumbered(place, NAMES[0])
    assert place.run().proven == 0
    place.change("upload", delete_after_upload=True)
    assert place.run().proven == 1
    assert (place.proxy.received(), kept_on_disk(place)) == (0, [])


def test_another_file_that_looks_the_same_on_a_disk_with_another_number_stays(place):
    """I1: the same inode, size and time of change on another device are no proof."""
    proven(place, NAMES[0])
    times = os.stat(place.path(NAMES[0]))
    place.path(NAMES[0]).write_bytes(b"x" * 1000)
    os.utime(place.path(NAMES[0]), ns=(times.st_atime_ns, times.st_mtime_ns))
    renumbered(place, NAMES[0])
    result = swept(place, 1000)
    assert (result.released, result.unknown) == (0, 1)
    assert place.run().proven == 1
    assert sorted(blob.data == b"x" * 1000 for blob in place.store.buckets["b"].values()) == [False, True]


def test_a_kept_file_that_a_worker_takes_in_hand_while_it_is_read_stays(place, monkeypatch):
    """I1: from then on the catalog does not say any more that it is proven."""
    proven(place, NAMES[0])
    renumbered(place, NAMES[0])
    read = recognition.read

    def begun_meanwhile(directory, row):
        identity = read(directory, row)
        with place.catalog() as catalog:
            catalog.begin(CAMERA, row.name, row.place, row.key, identity, row.size, row.closed_at)
        return identity

    monkeypatch.setattr(recognition, "read", begun_meanwhile)
    result = swept(place, 1000)
    assert (result.released, result.unknown, kept_on_disk(place)) == (0, 0, [NAMES[0]])


def test_a_kept_file_of_which_no_hash_is_known_is_compared_with_its_object_and_not_sent(place):
    proven(place, NAMES[0])
    renumbered(place, NAMES[0])
    with place.catalog() as catalog:
        row = catalog.get(CAMERA, NAMES[0])
        catalog.proven(row, row.proof, row.etag, None, row.host)
    assert swept(place, 1000).unknown == 1
    assert place.run().proven == 1
    assert place.proxy.received() == 0
    assert swept(place, 1000).released == 1


def test_a_real_store_is_asked_before_anything_proven_goes_and_what_it_lost_is_uploaded_again(tmp_path, s3_server):
    place = Place.at(tmp_path, s3_server)
    lease.prepare()
    place.change("upload", delete_after_upload=False)
    data = {name: place.segment(size, name) for name, size in zip(NAMES, (1000, 2 * PART + 7, 1000, 2 * PART + 7))}
    assert place.run().proven == 4
    place.change("storage", retention_seconds=60)
    bucket = place.parameters.s3.bucket
    for name in NAMES[:2]:
        place.client.delete_object(Bucket=bucket, Key=place.key(name))
    # Somebody has put other bytes of the same length there: not what was proven either.
    place.client.put_object(Bucket=bucket, Key=place.key(NAMES[2]), Body=b"y" * 1000)
    result = swept(place, 0)
    assert (result.released, result.missing, result.dropped) == (1, 3, 0)
    assert kept_on_disk(place) == NAMES[:3]
    assert place.run().proven == 3
    held = place.objects()
    assert [held[place.key(name)] == data[name] for name in NAMES[:4]] == [True, True, False, True]
    assert data[NAMES[2]] in held.values()
    assert swept(place, 0).released == 3
    assert kept_on_disk(place) == []


def test_a_real_store_that_cannot_be_reached_releases_only_what_space_needs(tmp_path, s3_server, monkeypatch):
    place = Place.at(tmp_path, s3_server)
    lease.prepare()
    place.change("upload", delete_after_upload=False)
    for name in NAMES[:2]:
        place.segment(name=name)
    assert place.run().proven == 2
    place.change("storage", retention_seconds=60)
    monkeypatch.setattr(witness, "PATIENCE", 3.0)
    s3_server.stop()
    try:
        assert swept(place, 0).released == 0
        assert swept(place, 1).released == 1
    finally:
        s3_server.start()
    assert swept(place, 0).released == 1


def test_an_open_file_and_one_with_a_second_name_are_never_dropped(place):
    """I3."""
    for name in NAMES[:3]:
        place.segment(name=name)
    os.link(place.path(NAMES[1]), place.directory / "second-name")
    place.change("storage", when_full="drop_oldest")
    with place.path(NAMES[0]).open("ab"):
        result = swept(place, 2000)
    assert (result.dropped, kept_on_disk(place)) == (1, NAMES[:2])
    assert [one.name for one in dropped(place)] == [NAMES[2]]


def test_where_dropping_all_would_not_make_recording_go_on_nothing_is_dropped(place):
    """Something else fills the disk, or it is too small: footage that goes would go in vain."""
    proven(place, NAMES[3])
    for name in NAMES[:3]:
        place.segment(name=name)
    place.change("storage", when_full="drop_oldest")
    result = swept(place, 9000, least=4001)
    assert (result.released, result.dropped, result.spared, result.short) == (1, 0, 9000, 8000)
    assert (kept_on_disk(place), dropped(place)) == (NAMES[:3], [])


def test_where_the_threshold_is_out_of_reach_only_as_much_is_dropped_as_recording_needs(place):
    """Else every segment would go as soon as it is closed, before it is old enough to be uploaded."""
    for name in NAMES[:3]:
        place.segment(name=name)
    place.change("storage", when_full="drop_oldest")
    result = swept(place, 9000)
    assert (result.dropped, result.short) == (0, 9000)
    result = swept(place, 9000, least=1500)
    assert (result.dropped, result.short) == (2, 7000)
    assert kept_on_disk(place) == [NAMES[2]]


def test_a_segment_on_its_way_is_passed_over_and_told(place):
    for name in NAMES[:2]:
        place.segment(name=name)
    place.change("storage", when_full="drop_oldest")
    results = []

    def during(step, name):
        if step == steps.LOOKED and name == NAMES[0]:
            results.append(swept(place, 2000))

    place.run(during)
    assert (results[0].dropped, results[0].busy, results[0].short) == (1, 1000, 1000)
    assert list(place.store.buckets["b"]) == [place.key(NAMES[0])]


_KILL = """
import os, signal
from camera_backup.uploader import lease, parameters, sweep
given, last = %r, %r
def step(reached, name):
    if reached == last:
        os.kill(os.getpid(), signal.SIGKILL)
lease.prepare()
sweep.sweep(parameters.parse(parameters.read(given), given), %d, 0, step)
"""


def killed_at(place, step, needed):
    script = _KILL % (str(place.write_parameters() / "uploader.json"), step, needed)
    done = subprocess.run([sys.executable, "-c", script], env=place.environment(), capture_output=True, timeout=60)
    assert done.returncode == -9, done.stderr.decode()


def half_sent(place):
    """Leave a segment of which a part has arrived."""
    data = place.segment(2 * PART, NAMES[0])
    place.killed_at(steps.PART_KEPT)
    place.change("storage", when_full="drop_oldest")
    return data


@pytest.mark.parametrize("step", steps.DROP)
def test_a_kill_while_dropping_leaves_no_gap_without_a_tombstone(place, step):
    """I6: the record first, the file after it."""
    half_sent(place)
    killed_at(place, step, 1)
    assert [one.name for one in dropped(place)] == [NAMES[0]]
    assert place.path(NAMES[0]).exists() == (step == steps.ANNOUNCED)
    result = swept(place, 1 if step == steps.ANNOUNCED else 0)
    assert result.dropped == (step == steps.ANNOUNCED)
    assert [one.name for one in dropped(place)] == [NAMES[0]]
    place.segment(name=NAMES[1])
    assert place.run().proven == 1
    assert place.store.uploads == {}
    with place.catalog() as catalog:
        assert catalog.get(CAMERA, NAMES[0]) is None


def test_what_is_dropped_half_sent_leaves_its_tombstone_here_and_nothing_in_a_real_store(tmp_path, s3_server):
    place = Place.at(tmp_path, s3_server)
    lease.prepare()
    half_sent(place)
    assert len(place.unfinished()) == 1
    assert swept(place, 1).dropped == 1
    assert [one.name for one in dropped(place)] == [NAMES[0]]
    data = place.segment(name=NAMES[1])
    assert place.run().proven == 1
    assert (place.objects(), place.unfinished()) == ({place.key(NAMES[1]): data}, [])


def test_a_tombstone_whose_file_is_there_when_space_came_back_is_taken_back(place):
    data = half_sent(place)
    killed_at(place, steps.ANNOUNCED, 1)
    assert place.run().proven == 1
    assert place.store.buckets["b"][place.key(NAMES[0])].data == data
    assert dropped(place) == []


@pytest.mark.parametrize("step", [steps.UNLINKED, steps.DELETED])
def test_a_kill_while_releasing_what_is_proven_loses_nothing(place, step):
    proven(place, *NAMES[:2])
    killed_at(place, step, 1)
    assert kept_on_disk(place) == [NAMES[1]]
    assert swept(place, 1000).released == 1
    assert len(place.store.buckets["b"]) == 2


def test_a_tombstone_that_cannot_be_written_keeps_the_file(place):
    place.segment(name=NAMES[0])
    place.change("storage", when_full="drop_oldest")
    os.mkdir(os.path.join(place.parameters.storage.state_path, "ledger"))
    os.mkdir(paths.ledger(place.parameters.storage.state_path, CAMERA))
    with pytest.raises(sweep.HostError, match="no room could be made"):
        swept(place, 1000)
    assert kept_on_disk(place) == [NAMES[0]]
