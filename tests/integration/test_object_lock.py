"""Object lock: what is asked for is on every object, or nothing is sent; and no object of the probe ever gets one.

A simulated bucket with Object Lock, with a key that reads and with one that may only write; then the ways in which a
store, a bucket or a key does not do it; then the real servers, of which none does.
"""

import calendar
import dataclasses
import time

import pytest

from camera_backup.bucket.errors import DENIED, LOCK
from camera_backup.check import bucket as check
from camera_backup.check.findings import OK, PROBLEM
from camera_backup.model import S3, Lock
from camera_backup.uploader import steps
from tests.simulators.s3_faults import Error, Fault
from tests.simulators.s3_messages import error
from tests.simulators.s3_proxy import Proxy
from tests.simulators.s3_store import EVERYTHING, MODE, UNTIL, Store
from tests.support.certs import Authority
from tests.support.uploading import CAMERA, NAME, PART, Place

SMALL, LARGE = 1000, 2 * PART + 7
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])

GOVERNANCE, COMPLIANCE = Lock("governance", 30), Lock("compliance", 90)
WRITE_ONLY = ("HeadObject", "GetObject", "List*", "DeleteObject", "AbortMultipartUpload")
EITHER = ("PutObject", "CreateMultipartUpload")


class NoRight(Fault):
    """The key may lock nothing: requests that ask for it are denied, as AWS does."""

    def takes(self, request):
        return MODE in request.headers and super().takes(request)

    def before(self, request, sleep):
        return error(403, "AccessDenied", "not authorized to perform: s3:PutObjectRetention")


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr("camera_backup.bucket.retry.DELAYS", (0.05,) * 6)


@pytest.fixture
def place(tmp_path):
    """A place whose simulated bucket has Object Lock, and which asks for GOVERNANCE."""
    authority = Authority(tmp_path / "tls")
    with Proxy(bucket(locked=True), authority.issue()) as proxy:
        s3 = S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", authority.ca_file, None, "auto")
        place = Place(tmp_path, s3, examine=False)
        place.proxy = proxy
        lock(place, GOVERNANCE)
        yield place


def bucket(**options):
    store = Store(**options)
    store.buckets["b"] = {}
    return store


def lock(place, wanted):
    mode, days = wanted or (None, None)
    place.change("s3", object_lock_mode=mode, object_lock_days=days)


def objects(place):
    return place.proxy.backend.buckets["b"]


def footage(place):
    return {key: blob.data for key, blob in objects(place).items() if ".camera-backup/" not in key}


def sent(place):
    """Return the requests that concern segments."""
    return [one for one in place.proxy.records if one.key.endswith(".mp4")]


def days_left(headers):
    """Return the days until the lock of some headers ends."""
    return (calendar.timegm(time.strptime(headers[UNTIL], "%Y-%m-%dT%H:%M:%SZ")) - time.time()) / 86400


def assert_locked(headers, wanted):
    assert headers[MODE] == wanted.mode.upper()
    assert days_left(headers) == pytest.approx(wanted.days, abs=0.01)


def assert_nothing_was_done(place):
    assert sent(place) == []
    assert objects(place) == {}
    assert place.proxy.backend.uploads == {}
    assert place.path().exists()


@pytest.mark.parametrize("denied", [(), WRITE_ONLY], ids=["a key that reads", "a key that may only write"])
@SIZES
def test_a_segment_is_locked_by_the_request_that_makes_its_object(place, size, denied):
    place.proxy.add(*(Error(operation, code="AccessDenied", times=0) for operation in denied))
    data = place.segment(size)
    result = place.run()
    assert (result.proven, result.undone, result.pause) == (1, {}, None)
    assert footage(place) == {place.key(): data}
    assert not place.path().exists()
    assert_locked(objects(place)[place.key()].headers, GOVERNANCE)
    locking = [one for one in sent(place) if MODE in one.headers]
    assert [one.operation for one in locking] == ["PutObject" if size == SMALL else "CreateMultipartUpload"]
    # Content-MD5 is the checksum that every store accepts with a lock.
    bodies = [one for one in sent(place) if one.operation in ("PutObject", "UploadPart")]
    assert all("content-md5" in one.headers and "x-amz-checksum-crc32" not in one.headers for one in bodies)


def test_no_object_of_the_probe_gets_a_lock_that_holds_and_nothing_of_it_stays(place):
    place.segment(SMALL)
    place.run()
    asked = [one for one in place.proxy.records if "/probe/" in one.key and MODE in one.headers]
    assert {(one.operation, days_left(one.headers) > 0) for one in asked} == {
        ("PutObject", False),
        ("CreateMultipartUpload", False),
        ("CreateMultipartUpload", True),
    }
    assert set(objects(place)) == {place.key()}
    assert place.proxy.backend.uploads == {}


@SIZES
def test_without_the_setting_no_request_speaks_of_locks(place, size):
    lock(place, None)
    place.segment(size)
    assert place.run().proven == 1
    assert [one for one in place.proxy.records if MODE in one.headers or UNTIL in one.headers] == []


def test_the_lock_of_a_camera_goes_before_that_of_the_bucket(place):
    place.parameters = dataclasses.replace(place.parameters, camera_locks={"yard": COMPLIANCE, "attic": None})
    for camera in (CAMERA, "yard", "attic"):
        place.segment(SMALL, camera=camera)
    assert place.run().proven == 3
    assert_locked(objects(place)[place.key()].headers, GOVERNANCE)
    assert_locked(objects(place)[place.key(camera="yard")].headers, COMPLIANCE)
    assert MODE not in objects(place)[place.key(camera="attic")].headers


@pytest.mark.parametrize(
    ("ignoring", "words"),
    [
        (EITHER, "ignores object lock,"),
        (["PutObject"], "ignores object lock,"),
        (["CreateMultipartUpload"], "ignores object lock of multipart uploads"),
    ],
)
@pytest.mark.parametrize("denied", [(), WRITE_ONLY[:3]], ids=["a key that reads", "a key that may not read"])
def test_a_store_that_ignores_object_lock_gets_nothing_and_it_is_said(place, ignoring, words, denied):
    place.proxy.backend = bucket(locked=True, ignores_lock=ignoring)
    place.proxy.add(*(Error(operation, code="AccessDenied", times=0) for operation in denied))
    place.segment(SMALL)
    for _ in range(2):
        result = place.run()
        assert result.pause.cause == LOCK
        assert words in result.pause.words
        assert_nothing_was_done(place)


@SIZES
def test_a_bucket_without_object_lock_gets_nothing_until_it_has_one(place, size):
    place.proxy.backend = bucket()
    data = place.segment(size)
    result = place.run()
    assert result.pause.cause == LOCK
    assert "create one with Object Lock" in result.pause.words
    assert_nothing_was_done(place)
    place.proxy.backend = bucket(locked=True)
    assert place.run().proven == 1
    assert footage(place) == {place.key(): data}


def test_a_key_that_may_lock_nothing_pauses_until_it_may(place):
    data = place.segment(SMALL)
    denial = NoRight(times=0)
    place.proxy.add(denial)
    result = place.run()
    assert result.pause.cause == DENIED
    assert "s3:PutObjectRetention" in result.pause.words
    assert_nothing_was_done(place)
    place.proxy.faults.remove(denial)
    assert place.run().proven == 1
    assert footage(place) == {place.key(): data}


@SIZES
def test_what_changed_since_the_store_was_looked_at_is_noticed_by_the_upload(place, size):
    """A wrong guess about the store costs no footage: the upload itself is refused."""
    place.segment(SMALL)
    place.run()
    data = place.segment(size)
    place.proxy.backend = bucket()
    for number in range(2):
        result = place.run()
        assert result.pause.cause == LOCK
        assert (number == 0) == bool(result.undone)
        assert footage(place) == {}
        assert place.path().exists()
    place.proxy.backend = bucket(locked=True)
    assert place.run().proven == 1
    assert footage(place) == {place.key(): data}


@SIZES
def test_a_right_that_is_taken_away_is_named_by_the_upload(place, size):
    place.segment(SMALL, "20231114_010000.mp4")
    place.run()
    place.segment(size)
    place.proxy.add(NoRight(times=0))
    result = place.run()
    assert result.pause.cause == DENIED
    assert "s3:PutObjectRetention" in result.pause.words
    assert place.path().exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [(GOVERNANCE, COMPLIANCE), (GOVERNANCE, Lock("governance", 31)), (GOVERNANCE, None), (None, GOVERNANCE)],
)
@pytest.mark.parametrize("enforce", [EVERYTHING, {"content-md5"}], ids=["by CRC-32 without a lock", "by MD5"])
def test_an_upload_that_was_begun_under_another_lock_begins_again(place, before, after, enforce):
    place.proxy.backend = bucket(locked=True, enforce=enforce)
    lock(place, before)
    data = place.segment(LARGE)
    place.killed_at(steps.PART_KEPT)
    lock(place, after)
    place.proxy.clear()
    assert place.run().proven == 1
    assert place.proxy.received("UploadPart") >= LARGE
    assert footage(place) == {place.key(): data}
    headers = objects(place)[place.key()].headers
    assert_locked(headers, after) if after else None
    assert (MODE in headers) == (after is not None)
    assert place.proxy.backend.uploads == {}


def test_an_upload_goes_on_under_the_same_lock(place):
    data = place.segment(6 * PART)
    place.killed_at(steps.PART_KEPT, 4)
    place.proxy.clear()
    assert place.run().proven == 1
    assert [one.part for one in place.proxy.of("UploadPart", place.key())] == [5, 6]
    assert footage(place) == {place.key(): data}
    assert_locked(objects(place)[place.key()].headers, GOVERNANCE)


def test_an_upload_of_which_the_catalog_knows_no_more_is_not_gone_on_with(place):
    """Its parts are ours, and no store says under which lock it was begun."""
    lock(place, None)
    data = place.segment(LARGE)
    # By MD5: else nobody but the catalog knows what the parts were.
    place.proxy.backend = bucket(locked=True, enforce={"content-md5"})
    place.killed_at(steps.PART_KEPT)
    with place.catalog() as catalog:
        catalog._db.execute("DELETE FROM segment")
        catalog._db.execute("DELETE FROM part")
    lock(place, COMPLIANCE)
    assert place.run().proven == 1
    assert footage(place) == {place.key(): data}
    assert_locked(objects(place)[place.key()].headers, COMPLIANCE)
    assert place.proxy.backend.uploads == {}


def test_check_says_what_becomes_of_locks(place):
    def found():
        return {one.item: one for one in check.findings(place.parameters.s3, place.parameters.locks)}

    assert found()["object lock"].level == OK
    place.proxy.backend = bucket()
    told = found()["object lock"]
    assert (told.level, "Object Lock" in told.advice) == (PROBLEM, True)
    lock(place, None)
    assert "object lock" not in found()


def test_the_real_servers_ignore_object_lock_and_so_get_nothing(tmp_path, s3_server):
    """Neither Swift's S3 API nor rclone knows the headers: both take a lock that ended a year ago."""
    place = Place.at(tmp_path, s3_server, examine=False)
    lock(place, COMPLIANCE)
    data = place.segment(LARGE)
    result = place.run()
    assert result.pause.cause == LOCK
    assert "ignores object lock" in result.pause.words
    assert (place.objects(), place.unfinished()) == ({}, [])
    with place.catalog() as catalog:
        assert catalog.get(CAMERA, NAME) is None
    found = {one.item: one for one in check.findings(place.parameters.s3, place.parameters.locks)}
    assert found["object lock"].level == PROBLEM
    lock(place, None)
    assert place.run().proven == 1
    assert place.objects() == {place.key(): data}
