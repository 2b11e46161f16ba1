"""A key that may write and neither read, list, abort nor delete: proof by what remains, and nothing lost without it.

Three stores: Swift with a user who has a write ACL only; Swift behind a proxy that denies everything but writing, as a
policy of AWS would; and the simulated store, which forgets a completed upload, behind the same.
"""

import contextlib
import dataclasses

import pytest

from camera_backup import segments
from camera_backup.bucket.capabilities import COMPOSITE, HONOURED, IGNORED, WHOLE
from camera_backup.bucket.errors import UNPROVABLE
from camera_backup.catalog import UPLOADING
from camera_backup.check import bucket as check
from camera_backup.check.findings import OK, PROBLEM
from camera_backup.model import S3
from camera_backup.uploader import steps
from tests.simulators.s3_faults import Corrupt, Error, LoseReply, WrongEtag
from tests.simulators.s3_proxy import Forward, Proxy
from tests.simulators.s3_store import Store
from tests.support import swift_config
from tests.support.certs import Authority
from tests.support.uploading import CAMERA, NAME, PART, Place, examined, noise

SEGMENT = "*.mp4"
SMALL, LARGE = 1000, 2 * PART + 7
SIZES = pytest.mark.parametrize("size", [SMALL, LARGE])

DENIED = ("HeadObject", "GetObject", "List*", "DeleteObject", "AbortMultipartUpload")


def deny(proxy):
    proxy.add(*(Error(operation, code="AccessDenied", times=0) for operation in DENIED))


def allow(proxy):
    proxy.faults[:] = [fault for fault in proxy.faults if not isinstance(fault, Error)]


@contextlib.contextmanager
def swift_behind_proxy(directory, server, keys=None):
    """Give a place whose bucket is in Swift; what is under way passes a proxy."""
    authority = Authority(directory / "tls")
    place = Place.at(directory, server, examine=False)
    with Proxy(Forward(server.endpoint, server.ca_file), authority.issue()) as proxy:
        place.client = server.client
        place.proxy = proxy
        place.change("s3", endpoint=proxy.endpoint, ca_file=authority.ca_file, **(keys or {}))
        yield place


@contextlib.contextmanager
def simulated(directory, server):
    """Give a place whose bucket is simulated, and seen by the test without the denials."""
    store = Store()
    store.buckets["b"] = {}
    authority = Authority(directory / "tls")
    with Proxy(store, authority.issue()) as proxy, Proxy(store, authority.issue()) as open_proxy:
        s3 = S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", authority.ca_file, None, "auto")
        place = Place(directory, dataclasses.replace(s3, endpoint=open_proxy.endpoint), examine=False)
        assert place.client
        place.parameters = dataclasses.replace(place.parameters, s3=s3)
        place.proxy = proxy
        yield place


@pytest.fixture(params=["an ACL of Swift", "a policy before Swift", "a policy before the simulated store"])
def place(request, tmp_path, swift_server, monkeypatch):
    monkeypatch.setattr("camera_backup.bucket.retry.DELAYS", (0.05,) * 6)
    if request.param == "an ACL of Swift":
        keys = {"access_key_id": swift_config.WRITER_KEY, "secret_access_key": swift_config.SECRET_KEY}
        with swift_behind_proxy(tmp_path, swift_server, keys) as place:
            place.change("s3", bucket=swift_server.write_only_bucket())
            yield examine(place, request.param)
        return
    kind = simulated if "simulated" in request.param else swift_behind_proxy
    with kind(tmp_path, swift_server) as place:
        deny(place.proxy)
        yield examine(place, request.param)


CAPABILITIES = {}
"""Of each kind of place, as seen once: thirty questions to Swift take eight seconds."""


def examine(place, kind):
    if kind not in CAPABILITIES:
        CAPABILITIES[kind] = examined(place.parameters.s3)
    place.believe(CAPABILITIES[kind])
    place.proxy.records.clear()
    return place


def footage(place):
    """Return key → bytes of all objects but what our probe had to leave behind."""
    return {key: data for key, data in place.objects().items() if "/.camera-backup/" not in "/" + key}


def sibling(place, data):
    import hashlib

    return segments.conflict_key(place.key(), hashlib.sha256(data).hexdigest())


def kept(place):
    with place.catalog() as catalog:
        return place.path().exists() and catalog.get(CAMERA, NAME).state == UPLOADING


def test_the_probe_finds_out_that_the_key_may_write_and_not_read(place):
    can = place.can
    assert (can.reads, can.missing_denied) == (False, False)
    assert (can.md5_put, can.md5_part, can.etag_part) == (True, True, True)
    assert (can.put_if_absent, can.complete_if_absent) == (HONOURED, HONOURED)
    assert (can.etag_put, can.etag_multipart) == (WHOLE, COMPOSITE)
    assert can.proves


def test_check_says_so_and_finds_nothing_wrong_with_it(place):
    found = {finding.item: finding for finding in check.findings(place.parameters.s3)}
    assert {finding.level for finding in found.values()} == {OK}
    assert "can write and not read" in found["access"].text
    assert "own reply" in found["proof"].text


@SIZES
def test_a_segment_is_stored_proven_and_then_deleted(place, size):
    data = place.segment(size)
    result = place.run()
    assert (result.proven, result.undone, result.pause) == (1, {}, None)
    assert footage(place) == {place.key(): data}
    assert not place.path().exists()
    with place.catalog() as catalog:
        assert catalog.get(CAMERA, NAME).proof == "accepted-md5"
    looked = [one for one in place.proxy.records if one.operation in ("HeadObject", "GetObject")]
    assert not [one for one in looked if one.key.endswith(".mp4")]


@SIZES
def test_a_taken_key_is_never_replaced_and_never_believed(place, size, capsys):
    """I2, I1: whether it holds our bytes or others, this key cannot see; ours go beside it."""
    for body in (noise(size, 99), place.segment(size)):
        data = place.segment(size)
        place.client.put_object(Bucket=place.parameters.s3.bucket, Key=place.key(), Body=body)
        assert place.run().proven == 1
        assert footage(place) == {place.key(): body, sibling(place, data): data}
        assert not place.path().exists()
        assert "segment_conflict" in capsys.readouterr().err
        place.client.delete_object(Bucket=place.parameters.s3.bucket, Key=sibling(place, data))


@SIZES
def test_a_lost_reply_costs_a_second_copy_and_no_footage(place, size):
    """I1: that the key is taken does not say by whom; nothing is deleted before a reply says that ours is there."""
    data = place.segment(size)
    operation = "PutObject" if size == SMALL else "CompleteMultipartUpload"
    place.proxy.add(LoseReply(operation, SEGMENT))
    result = place.run()
    assert (result.proven, result.undone, result.pause) == (1, {}, None)
    assert set(footage(place)) <= {place.key(), sibling(place, data)}
    assert set(footage(place).values()) == {data}
    assert not place.path().exists()


@SIZES
def test_when_every_reply_is_lost_the_segment_stays(place, size):
    place.segment(size)
    operation = "PutObject" if size == SMALL else "CompleteMultipartUpload"
    place.proxy.add(LoseReply(operation, SEGMENT, times=0))
    for _ in range(3):
        place.run()
        assert kept(place)
    assert len(footage(place)) <= 2


@pytest.mark.parametrize("step", [step for step in steps.ALL if step not in (steps.LOOKED, steps.DELETED)])
def test_a_kill_after_any_step_loses_nothing(place, step):
    """I1: the catalog alone remembers the upload; nothing can be asked."""
    data = place.segment(LARGE)
    place.killed_at(step)
    result = place.run()
    assert (result.undone, result.pause) == ({}, None)
    assert set(footage(place).values()) == {data}
    assert set(footage(place)) <= {place.key(), sibling(place, data)}
    assert not place.path().exists()


def test_after_a_kill_half_way_at_most_one_part_is_sent_again(place):
    data = place.segment(6 * PART)
    place.killed_at(steps.PART_SENT, 4)
    assert place.run().proven == 1
    assert place.proxy.received("UploadPart") <= 7 * PART
    assert footage(place) == {place.key(): data}


@SIZES
def test_a_body_that_is_damaged_every_time_is_refused_and_the_segment_stays(place, size):
    place.segment(size)
    place.proxy.add(Corrupt("PutObject", SEGMENT, times=0), Corrupt("UploadPart", SEGMENT, times=0))
    assert place.run().undone
    assert kept(place)
    assert footage(place) == {}


@SIZES
def test_a_reply_with_the_etag_of_other_bytes_proves_nothing(place, size):
    place.segment(size)
    operation = "PutObject" if size == SMALL else "CompleteMultipartUpload"
    place.proxy.add(WrongEtag(operation, SEGMENT))
    assert place.run().undone == {(CAMERA, NAME): "the store names the ETag of other bytes"}
    assert kept(place)


def test_an_upload_that_the_store_forgot_begins_again(place):
    data = place.segment(LARGE)
    place.killed_at(steps.PART_KEPT)
    with place.catalog() as catalog:
        catalog._db.execute("UPDATE segment SET upload_id = 'forgotten'")
    assert place.run().proven == 1
    assert footage(place) == {place.key(): data}


@SIZES
@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ({"put_if_absent": IGNORED, "complete_if_absent": IGNORED}, "does not refuse overwrites"),
        (dict.fromkeys(("md5_put", "md5_part", "crc32_put", "crc32_part"), False), "does not refuse damaged bytes"),
    ],
)
def test_where_nothing_can_be_proven_nothing_is_sent_and_it_is_said(place, size, lacking, words):
    place.segment(size)
    place.believe(dataclasses.replace(place.can, **lacking))
    result = place.run()
    assert result.pause.cause == UNPROVABLE
    assert words in result.pause.words
    assert kept(place)
    assert footage(place) == {}


def test_read_back_with_such_a_key_is_refused_by_the_uploader_and_by_check(place):
    place.change("s3", proof="read-back")
    place.segment(SMALL)
    assert "s3.proof is read-back" in place.run().pause.words
    assert kept(place)
    found = {finding.item: finding for finding in check.findings(place.parameters.s3)}
    assert found["proof"].level == PROBLEM
    assert "s3.proof is read-back" in found["proof"].text
    assert "s3:GetObject" in found["proof"].advice


@SIZES
def test_a_key_that_loses_its_right_to_read_pauses_once_and_then_goes_on(tmp_path, swift_server, size):
    """What is remembered of the endpoint is of a key that could read: it is found out anew, without a restart."""
    with swift_behind_proxy(tmp_path, swift_server) as place:
        examine(place, "a key that may read, too")
        assert place.can.reads
        data = place.segment(size)
        deny(place.proxy)
        assert place.run().pause.cause == "access_denied"
        assert place.path().exists()
        assert place.run().proven == 1
        assert footage(place) == {place.key(): data}


def test_a_pause_for_want_of_proof_ends_when_the_key_may_read(place):
    place.change("s3", proof="read-back")
    data = place.segment(SMALL)
    assert place.run().pause.cause == UNPROVABLE
    if place.parameters.s3.access_key_id == swift_config.WRITER_KEY:
        place.change("s3", access_key_id=swift_config.ACCESS_KEY)
    allow(place.proxy)
    assert place.run().proven == 1
    assert footage(place) == {place.key(): data}


def test_an_object_of_others_that_appears_in_the_last_moment_stays(place):
    """I2: between the last part and Complete."""
    data, foreign = place.segment(LARGE), noise(500, 99)

    def intrude(step, name):
        if step == steps.PART_KEPT:
            place.client.put_object(Bucket=place.parameters.s3.bucket, Key=place.key(), Body=foreign)

    assert place.run(intrude).proven == 1
    assert footage(place) == {place.key(): foreign, sibling(place, data): data}
