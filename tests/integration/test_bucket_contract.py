"""What our uploader promises, kept with every real server: the same tests on Swift and `rclone serve s3`, over TLS."""

import dataclasses
import hashlib
import mmap
import os
import sqlite3

import pytest

from camera_backup import paths, segments
from camera_backup.bucket.capabilities import COMPOSITE, HONOURED, IGNORED, WHOLE
from camera_backup.catalog import DELETED, PROVEN
from camera_backup.uploader import steps
from tests.simulators.s3_proxy import Forward, Proxy
from tests.support.certs import Authority
from tests.support.uploading import CAMERA, MIB, NAME, PART, Place, examined, noise


@pytest.fixture
def place(tmp_path, s3_server):
    return Place.at(tmp_path, s3_server)


@pytest.fixture
def counted(tmp_path, place):
    """The same place behind a proxy that counts, and the proxy."""
    authority = Authority(tmp_path / "tls")
    s3 = place.parameters.s3
    with Proxy(Forward(s3.endpoint, s3.ca_file), authority.issue()) as proxy:
        can = place.can
        place.change("s3", endpoint=proxy.endpoint, ca_file=authority.ca_file)
        place.believe(can)
        yield proxy


def other_object(place, body, key=None):
    place.client.put_object(Bucket=place.parameters.s3.bucket, Key=key or place.key(), Body=body)


def test_the_probe_finds_out_what_the_server_does_and_leaves_nothing_behind(tmp_path, s3_server, request):
    place = Place.at(tmp_path, s3_server, examine=False)
    can = examined(place.parameters.s3)
    assert (can.md5_put, can.md5_part, can.unsigned, can.list_parts, can.etag_part) == (True,) * 5
    assert abs(can.skew) < 60
    if "swift" in request.node.name:
        assert (can.crc32_put, can.crc32_part) == (True, True)
        assert (can.put_if_absent, can.complete_if_absent) == (HONOURED, HONOURED)
        assert (can.etag_put, can.etag_multipart) == (WHOLE, COMPOSITE)
    else:
        # It shows our own checksum, right or wrong, which proves nothing; and it overwrites in silence.
        assert (can.crc32_put, can.crc32_part) == (False, False)
        assert (can.put_if_absent, can.complete_if_absent) == (IGNORED, IGNORED)
        assert (can.etag_put, can.etag_multipart) == (WHOLE, WHOLE)
    assert place.objects() == {}
    assert place.unfinished() == []


@pytest.mark.parametrize("size", [1, 1000, PART, PART + 1, 3 * PART, 3 * PART + 7])
def test_a_segment_is_stored_proven_and_then_deleted(place, size):
    data = place.segment(size)
    result = place.run()
    assert (result.proven, result.undone, result.pause) == (1, {}, None)
    assert place.objects() == {place.key(): data}
    assert not place.path().exists()
    assert place.unfinished() == []
    with place.catalog() as catalog:
        row = catalog.get(CAMERA, NAME)
        assert (row.state, row.key, row.size) == (DELETED, "site-7/front-door/2023/11/14/" + NAME, size)


def test_an_object_carries_what_the_recorder_wrote_down(place):
    data = place.segment(2 * PART)
    place.record(data)
    place.run()
    found = place.metadata(place.key())
    assert found["camera"] == CAMERA
    assert found["start"] == "2023-11-14T00:00:00.250Z"
    assert found["duration"] == "3600.250"
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["host"] == os.uname().nodename


def test_a_ledger_about_other_bytes_is_not_believed(place):
    data = place.segment(1000)
    place.record(b"another size", sha256="0" * 64)
    place.run()
    found = place.metadata(place.key())
    assert found["sha256"] == hashlib.sha256(data).hexdigest()
    assert found["start"] == "2023-11-14T00:00:00.000Z"


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
def test_the_same_bytes_under_the_same_key_are_success_and_not_sent_again(place, counted, size):
    data = place.segment(size)
    other_object(place, data)
    counted.clear()
    assert place.run().proven == 1
    assert counted.received() == 0
    assert not place.path().exists()
    assert place.objects() == {place.key(): data}


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
def test_other_bytes_under_the_same_key_stay_and_ours_go_beside_them(place, size, capsys):
    """I2, and I1: equal sizes prove nothing."""
    data = place.segment(size)
    foreign = noise(size, 99)
    other_object(place, foreign)
    assert place.run().proven == 1
    digest = hashlib.sha256(data).hexdigest()
    assert place.objects() == {place.key(): foreign, segments.conflict_key(place.key(), digest): data}
    assert not place.path().exists()
    assert "segment_conflict" in capsys.readouterr().err


@pytest.mark.parametrize("size", [1000, 2 * PART + 7])
def test_an_object_that_appears_while_we_send_is_not_replaced(place, size):
    """I2: on Swift by If-None-Match; rclone ignores that, so the last look before Complete has to do."""
    data = place.segment(size)
    foreign = noise(500, 99)
    last = {1000: steps.LOOKED}.get(size, steps.PART_KEPT)

    def intrude(step, name):
        if step == last and not place.objects():
            other_object(place, foreign)

    if size == 1000 and place.can.put_if_absent != HONOURED:
        return  # nothing lies between the look and the request; no client can do better on such a server
    place.run(intrude)
    assert place.objects()[place.key()] == foreign
    assert data in place.objects().values()


def test_kept_segments_stay_and_are_not_uploaded_again(place, counted):
    place.change("upload", delete_after_upload=False)
    data = [place.segment(1000), place.segment(2 * PART, "20231114_010000.mp4")]
    assert place.run().proven == 2
    counted.clear()
    assert place.run().proven == 0
    assert counted.records == []
    assert sorted(place.objects().values()) == sorted(data)
    assert len(list(place.path().parent.iterdir())) == 2


def test_kept_segments_are_looked_at_again_before_they_are_deleted_later(place):
    """I1: what was proven last month may be gone from the bucket by now."""
    place.change("upload", delete_after_upload=False)
    there, gone = place.segment(1000), place.segment(1000, "20231114_010000.mp4")
    place.run()
    place.client.delete_object(Bucket=place.parameters.s3.bucket, Key=place.key("20231114_010000.mp4"))
    place.change("upload", delete_after_upload=True)
    assert place.run().proven == 2
    assert place.objects() == {place.key(): there, place.key("20231114_010000.mp4"): gone}
    assert list(place.path().parent.iterdir()) == []


def test_a_file_that_is_open_for_writing_is_left_alone_whatever_its_age(place):
    """I3."""
    place.segment(1000, age=86400)
    with place.path().open("r+b"):
        result = place.run()
    assert result.undone == {(CAMERA, NAME): "a process has the file open for writing"}
    assert place.objects() == {}
    assert place.path().exists()


def test_a_file_that_is_mapped_writable_is_left_alone(place):
    """I3: the descriptor is closed, the mapping writes on."""
    place.segment(1000)
    with place.path().open("r+b") as stream:
        mapping = mmap.mmap(stream.fileno(), 0)
    assert place.run().proven == 0
    assert place.path().exists()
    mapping.close()
    place.grow_old()
    assert place.run().proven == 1


def test_a_writer_that_comes_between_proof_and_deletion_keeps_the_file(place):
    """I3, I1."""
    place.segment(1000)
    writers = []

    def come(step, name):
        if step == steps.PROVEN:
            writers.append(place.path().open("ab"))

    result = place.run(come)
    writers[0].close()
    assert result.undone == {(CAMERA, NAME): "a process has the file open for writing"}
    assert place.path().exists()


def test_a_file_that_is_rewritten_on_the_way_is_kept_and_uploaded_as_it_is_now(place):
    """I1; every change at every step is tried in test_uploader_changes.py."""
    place.segment(2 * PART + 7)

    def rewrite(step, name):
        if step == steps.PART_KEPT:
            with place.path().open("r+b") as stream:
                stream.write(b"the index moves to the front")

    assert place.run(rewrite).undone == {(CAMERA, NAME): "the file was written to while it was on its way"}
    data = place.path().read_bytes()
    place.grow_old()
    assert place.run().proven == 1
    assert place.objects() == {place.key(): data}
    assert place.unfinished() == []


def test_after_a_kill_half_way_at_most_one_part_is_sent_again(place, counted):
    data = place.segment(10 * PART)
    place.killed_at(steps.PART_SENT, 5)
    assert counted.received("UploadPart") == 5 * PART
    assert place.run().proven == 1
    assert counted.received("UploadPart") <= 11 * PART
    assert place.objects() == {place.key(): data}
    assert place.unfinished() == []


def test_an_upload_goes_on_although_the_catalog_is_lost(place, counted):
    """The store still knows the parts, and their ETags tell whether they are ours."""
    # Not by CRC-32: then nobody but the catalog knows what the parts were.
    place.believe(dataclasses.replace(place.can, crc32_part=False))
    data = place.segment(6 * PART)
    place.killed_at(steps.PART_KEPT, 4)
    with place.catalog() as catalog:
        catalog._db.execute("DELETE FROM segment")
        catalog._db.execute("DELETE FROM part")
    assert place.run().proven == 1
    assert counted.received("UploadPart") == 6 * PART
    assert place.objects() == {place.key(): data}
    assert place.unfinished() == []


def test_an_upload_of_somebody_else_for_our_key_is_neither_used_nor_aborted(place):
    """Only parts that are our bytes make an upload ours."""
    place.segment(2 * PART + 7)
    where = {"Bucket": place.parameters.s3.bucket, "Key": place.key()}
    foreign = place.client.create_multipart_upload(**where)["UploadId"]
    place.client.upload_part(**where, UploadId=foreign, PartNumber=1, Body=noise(PART, 99))
    assert place.run().proven == 1
    assert place.unfinished() == [place.key()]
    assert len(place.client.list_parts(**where, UploadId=foreign)["Parts"]) == 1


def test_a_file_that_vanishes_leaves_no_upload_behind(place):
    place.segment(2 * PART + 7)
    place.killed_at(steps.PART_KEPT)
    place.path().unlink()
    assert place.unfinished() == [place.key()]
    result = place.run()
    assert (result.undone, result.pause) == ({}, None)
    assert place.unfinished() == []
    assert place.objects() == {}


def test_a_corrupt_catalog_is_moved_aside_and_nothing_is_lost(place, capsys):
    stored, waiting = place.segment(1000), None
    place.change("upload", delete_after_upload=False)
    place.run()
    place.change("upload", delete_after_upload=True)
    waiting = place.segment(2000, "20231114_010000.mp4")
    catalog = paths.catalog(place.parameters.storage.state_path)
    with open(catalog, "r+b") as stream:
        stream.write(b"this is no database any more" * 200)
    assert place.run().proven == 2
    assert place.objects() == {place.key(): stored, place.key("20231114_010000.mp4"): waiting}
    assert list(place.path().parent.iterdir()) == []
    assert "catalog_corrupt" in capsys.readouterr().err
    assert [name for name in os.listdir(place.directory / "state") if ".corrupt-" in name]


def test_reading_back_proves_what_nothing_else_does(place):
    place.change("s3", proof="read-back")
    data = place.segment(2 * PART + 7)
    assert place.run().proven == 1
    assert place.objects() == {place.key(): data}
    with place.catalog() as catalog:
        assert catalog.get(CAMERA, NAME).proof == "read-back"


def test_segments_of_all_cameras_go_also_of_those_no_longer_configured(place):
    data = {
        place.key(name, camera): place.segment(500, name, camera)
        for camera in ("front-door", "removed", "Yard_2")
        for name in (NAME, "20231114_010000.mp4")
    }
    place.change("upload", workers=3)
    assert place.run().proven == 6
    assert place.objects() == data


def test_foreign_files_links_hidden_and_empty_ones_are_left_alone(place):
    directory = place.path().parent
    (directory / "notes.txt").write_text("mine")
    (directory / ".hidden.mp4").write_text("x")
    (directory / "20231114_020000.mp4").write_bytes(b"")
    (directory / "20231114_030000.mp4").symlink_to(directory / "notes.txt")
    (directory / "20231399_030000.mp4").write_text("no such day")
    before = sorted(directory.iterdir())
    for entry in before:
        os.utime(entry, (0, 0), follow_symlinks=False)
    assert place.run().proven == 0
    assert sorted(directory.iterdir()) == before
    assert place.objects() == {}


def test_young_segments_wait(place):
    place.segment(1000, age=10)
    result = place.run()
    assert (result.proven, result.undone) == (0, {})
    assert place.path().exists()


def test_what_a_former_run_proved_needs_no_second_upload(place, counted):
    """Killed between the proof and the deletion: one look at the bucket, then the file goes."""
    place.segment(2 * PART)
    place.killed_at(steps.PROVEN)
    with place.catalog() as catalog:
        assert catalog.get(CAMERA, NAME).state == PROVEN
    counted.clear()
    assert place.run().proven == 1
    assert counted.received() == 0
    assert not place.path().exists()


def test_the_catalog_is_synchronous_before_a_file_goes(place):
    """I1 across a power cut: WAL with synchronous=FULL."""
    with place.catalog() as catalog:
        assert catalog._all("PRAGMA synchronous") == [(2,)]
        assert catalog._all("PRAGMA journal_mode") == [("wal",)]
    place.segment(1000)
    seen = []

    def look(step, name):
        if step == steps.PROVEN:
            with sqlite3.connect(paths.catalog(place.parameters.storage.state_path)) as other:
                seen.extend(other.execute("SELECT state FROM segment").fetchall())
            assert place.path().exists()

    place.run(look)
    assert seen == [("proven",)]


def test_large_parts_are_chosen_once_and_kept_for_an_upload(place, counted):
    """Parts of one upload must be equal (R2), also when the configuration changes between two runs."""
    data = place.segment(4 * PART)
    place.killed_at(steps.PART_KEPT, 2)
    place.change("upload", part_size=7 * MIB)
    assert place.run().proven == 1
    assert {record.received for record in counted.of("UploadPart")} == {PART}
    assert place.objects() == {place.key(): data}
