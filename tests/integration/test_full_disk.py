"""A disk of its own that really is full: nothing is damaged, and what the policy promises happens."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from camera_backup import catalog, files, jsonlines, ledger, paths
from camera_backup.model import S3
from tests.integration.test_uploader_service import service
from tests.simulators.camera import CameraServer, Look
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Store
from tests.support.processes import wait_until
from tests.support.recorder import Host
from tests.support.uploading import CAMERA, MIB, PART, Place

OLD = ["20231114_%02d0000.mp4" % hour for hour in range(3)]

# The distances of the policy are for disks of hundreds of gigabytes.
SMALL = (
    "from camera_backup.uploader import keeper, space; space.HORIZON = 4.0; keeper.LOOK_SECONDS = 0.5; "
    "keeper.REST_SECONDS = 1.0; from camera_backup.uploader import witness; witness.PATIENCE = 2.0; "
)


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 MiB."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)


def free(disk):
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize


def fill(disk, leave=0):
    """Write a ballast that leaves so many bytes; return it."""
    ballast = disk / "ballast"
    with ballast.open("wb") as stream:
        try:
            while free(disk) > leave:
                os.write(stream.fileno(), bytes(min(MIB, free(disk) - leave)))
        except OSError:
            return ballast
    return ballast


@pytest.fixture
def place(disk):
    store = Store()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        place = Place(disk, S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto"))
        place.store, place.proxy = store, proxy
        place.change("upload", check_interval=1)
        yield place


def test_a_line_that_found_no_room_is_no_event_and_the_next_one_is_whole(disk):
    path = str(disk / "ledger.jsonl")
    jsonlines.append(path, {"event": "first"})
    ballast = fill(disk)
    with pytest.raises(OSError, match="No space|could be written"):
        jsonlines.append(path, {"event": "lost", "long": "x" * 9000})
    ballast.unlink()
    jsonlines.append(path, {"event": "second"})
    assert [event["event"] for event in jsonlines.read(path)] == ["first", "second"]


def test_a_small_file_that_found_no_room_stays_as_it_was(disk):
    path = disk / "status.json"
    files.replace(str(path), "old")
    fill(disk)
    with pytest.raises(OSError, match="No space"):
        files.replace(str(path), "new" * 4000)
    assert path.read_text() == "old"
    assert sorted(os.listdir(disk)) == ["ballast", "status.json"]


def test_a_catalog_that_found_no_room_is_sound_and_goes_on_when_there_is_some(disk):
    path = str(disk / "catalog.sqlite")
    book = catalog.Catalog.open(path)
    book.begin("front", "a.mp4", "place", "key", "1:2:3:4", 3, 1.0)
    ballast = fill(disk)

    def write_on():
        for number in range(500):
            book.begin("front", "%d.mp4" % number, "place", "key" * 100, "1:2:3:4", 3, 1.0)

    with pytest.raises(sqlite3.OperationalError):
        write_on()
    assert book.get("front", "a.mp4") is not None
    book.close()
    ballast.unlink()
    book = catalog.Catalog.open(path)
    assert book.get("front", "a.mp4").size == 3
    book.begin("front", "z.mp4", "place", "key", "1:2:3:4", 3, 1.0)
    book.close()
    assert not [name for name in os.listdir(disk) if "corrupt" in name]


def test_what_is_kept_although_proven_makes_room_and_with_keep_nothing_else_does(place, disk):
    place.change("upload", delete_after_upload=False)
    for name in OLD:
        place.segment(8 * MIB, name)
    assert place.run().proven == 3
    place.proxy.stop()
    place.segment(8 * MIB, "20231114_050000.mp4")
    place.change("storage", min_free=30 * MIB)
    with service(place, SMALL) as running:
        wait_until(lambda: free(disk) >= 38 * MIB, "room")
        assert [place.path(name).exists() for name in OLD] == [False, True, True]
        fill(disk, 10 * MIB)
        running.wait_log("space_short")
        wait_until(lambda: running.status()["space"]["short"], "the word of it")
        assert (running.status()["space"]["released"], running.status()["space"]["dropped"]) == (3, 0)
        assert running.text().count("space_short") == 1
    assert [path.name for path in sorted(place.path().parent.glob("2*"))] == ["20231114_050000.mp4"]


def test_what_has_to_go_and_is_on_its_way_is_taken_from_the_worker_first(place, disk):
    place.segment(6 * PART, OLD[0])
    place.change("storage", min_free=4 * MIB, when_full="drop_oldest")
    place.change("upload", bandwidth_limit=MIB)
    with service(place, SMALL) as running:
        wait_until(lambda: place.proxy.received("UploadPart") > PART, "the first part")
        fill(disk, 10 * MIB)
        running.wait_log("segment_dropped")
        wait_until(lambda: running.status()["space"]["dropped"] == 1, "the count")
        place.segment(1000, OLD[1])
        wait_until(lambda: not place.path(OLD[1]).exists(), "the next segment")
        assert [one.name for one in ledger.read_dropped(paths.ledger(place.parameters.storage.state_path, CAMERA))] == [
            OLD[0]
        ]
    assert list(place.store.buckets["b"]) == [place.key(OLD[1])]
    assert place.store.uploads == {}


def test_a_disk_that_something_else_fills_costs_no_footage_in_vain_and_that_is_said(place, disk):
    for name in OLD:
        place.segment(MIB, name)
    place.change("storage", min_free=30 * MIB, when_full="drop_oldest")
    place.proxy.stop()
    ballast = fill(disk, 10 * MIB)
    # A recorder whose segment is large puts the threshold out of reach: all segments together do not make that much.
    recorder = {"updated": time.time(), "bits_per_second": 0, "segment": {"bytes": 8 * MIB}}
    status = Path(paths.recorder_status(place.parameters.storage.state_path, CAMERA))
    status.parent.mkdir(parents=True)
    status.write_text(json.dumps(recorder))
    with service(place, SMALL) as running:
        running.wait_log("space_short")
        wait_until(lambda: running.status()["space"]["short"], "the word of it")
        assert "dropping all segments would not make that much room" in running.text()
        time.sleep(3)
        assert (running.text().count("space_short"), running.status()["space"]["dropped"]) == (1, 0)
        # 38 MiB make a paused recorder go on: two of three segments of 1 MiB are enough for that now, and worth it.
        with ballast.open("r+b") as stream:
            stream.truncate(ballast.stat().st_size - (36 * MIB + MIB // 2 - free(disk)))
        wait_until(lambda: running.status()["space"]["dropped"] == 2, "two dropped segments")
        assert [place.path(name).exists() for name in OLD] == [False, False, True]
        wait_until(lambda: free(disk) >= 38 * MIB, "the mark")


def test_with_drop_oldest_a_long_outage_never_pauses_the_recorder_and_every_segment_is_accounted_for(
    place, disk, tmp_path
):
    """I6, I8: real camera, FFmpeg and uploader; the bucket cannot be reached until the end."""
    with CameraServer() as cameras:
        host = Host(
            disk / "host", cameras.add("yard", Look(bitrate=4_000_000, gop=1.0)), segment_duration=5, min_free=4 * MIB
        )
        place.change("storage", local_path=str(host.local_path), state_path=str(host.state_path), min_free=4 * MIB)
        place.change("storage", when_full="drop_oldest")
        place.change("upload", min_age=0)
        place.proxy.stop()
        for name in OLD:
            (host.footage).mkdir(exist_ok=True)
            (host.footage / name).write_bytes(bytes(2 * MIB))
        fill(disk, 24 * MIB)
        try:
            with service(place, SMALL) as running:
                recorder = host.record(5)
                wait_until(lambda: running.text().count("segment_dropped") >= 5, "five dropped segments", 90)
                assert host.status["state"] == "recording"
                assert recorder.stop() == 0
                place.proxy.start()
                wait_until(lambda: not host.segments, "the end of the backlog", 60)
        finally:
            host.stop_all()
        assert set(host.causes) == {"stopped"}
        recorded = {*OLD, *ledger.segments(host.ledger)}
        dropped = {one.name for one in ledger.dropped(host.ledger)}
        stored = {key.rpartition("/")[2] for key in place.store.buckets["b"]}
        assert stored | dropped == recorded
        assert stored & dropped == set()
        assert sorted(recorded)[: len(dropped)] == sorted(dropped)
        assert time.time() - max(one.at for one in ledger.dropped(host.ledger)) < 120
