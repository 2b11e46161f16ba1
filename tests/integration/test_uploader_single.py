"""Segments that go in one piece: every fault on the one request that carries them."""

from functools import partial

import pytest

from camera_backup.bucket.capabilities import REFUSED
from camera_backup.catalog import DELETED
from camera_backup.model import S3
from camera_backup.uploader import steps
from tests.simulators.s3_faults import Call, Corrupt, Error, LoseReply, Portal, Reset, WrongEtag
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Blob, Store
from tests.support.uploading import CAMERA, MIB, NAME, PART, Place

SIZE = 3 * MIB
SEGMENT = "*.mp4"

STORES = {
    "enforces everything": Store,
    "Content-MD5 only, no conditions": partial(Store, {"content-md5"}, conditional=False),
    "enforces nothing, opaque ETags, no conditions": partial(Store, (), etag="opaque", conditional=False),
}


@pytest.fixture(params=STORES.values(), ids=STORES)
def place(request, tmp_path, monkeypatch):
    monkeypatch.setattr("camera_backup.bucket.retry.DELAYS", (0.05,) * 6)
    store = request.param()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        place = Place(
            tmp_path, S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto")
        )
        place.store, place.proxy = store, proxy
        proxy.clear()
        yield place


def stored(place):
    return {key: blob.data for key, blob in place.store.buckets["b"].items()}


ONCE = {
    "a reset before the body": (partial(Reset, at="before"), 1),
    "a reset within the body": (partial(Reset, at="mid"), 2),
    "a reset before the answer": (partial(Reset, at="after"), 2),
    "a lost answer": (LoseReply, 1),
    "500 InternalError": (partial(Error, code="InternalError"), 2),
    "503 SlowDown": (partial(Error, code="SlowDown"), 2),
    "no ETag in the answer": (partial(WrongEtag, value=""), 1),
    "a wrong ETag in the answer": (WrongEtag, 1),
    "a captive portal": (Portal, 2),
}


@pytest.mark.parametrize(("fault", "times"), ONCE.values(), ids=ONCE)
def test_a_request_that_fails_once_is_repeated_only_if_the_object_is_not_there(place, fault, times):
    """A lost answer is no lost object: HEAD decides before anything is sent again."""
    data = place.segment(SIZE)
    place.proxy.add(fault("PutObject", SEGMENT))
    result = place.run()
    assert (result.proven, result.undone, result.pause) == (1, {}, None)
    assert stored(place) == {place.key(): data}
    assert not place.path().exists()
    assert place.proxy.received("PutObject") <= times * SIZE


def test_a_body_damaged_on_the_way_is_never_taken_for_the_segment(place):
    """I1. A store that checks refuses it; one that does not is found out, and its object is left alone (I2)."""
    data = place.segment(SIZE)
    place.proxy.add(Corrupt("PutObject", SEGMENT))
    first = place.run()
    if first.undone:
        assert place.path().exists()
        place.run()
    assert data in stored(place).values()
    assert not place.path().exists()


def test_while_every_body_is_damaged_the_segment_stays(place):
    place.segment(SIZE)
    place.proxy.add(Corrupt("PutObject", SEGMENT, times=0))
    for _ in range(2):
        assert place.run().undone
    assert place.path().exists()


def test_an_object_that_appears_meanwhile_is_not_taken_for_ours(place):
    """I2 where conditions are honoured; where not, between HEAD and PUT nobody can do anything."""
    data = place.segment(SIZE)
    foreign = b"foreign"

    def intrude():
        place.store.buckets["b"][place.key()] = Blob(len(foreign), '"x"', foreign)

    place.proxy.add(Call("PutObject", SEGMENT, action=intrude))
    place.run()
    if place.can.put_if_absent == "honoured":
        assert stored(place)[place.key()] == foreign
    assert data in stored(place).values()
    assert not place.path().exists()


def test_a_refusal_that_will_never_change_concerns_one_segment_only(place):
    place.segment(SIZE)
    other = place.segment(1000, "20231114_010000.mp4")
    place.proxy.add(Error("PutObject", "*" + NAME, code="MethodNotAllowed", times=0))
    result = place.run()
    assert result.proven == 1
    assert list(result.undone) == [(CAMERA, NAME)]
    assert list(stored(place).values()) == [other]
    assert place.path().exists()
    place.proxy.clear()
    assert place.run().proven == 1
    with place.catalog() as catalog:
        assert catalog.get(CAMERA, NAME).state == DELETED
        assert catalog.errors() == []


def test_what_stops_everything_stops_all_workers_and_tries_no_further_segment(place):
    for hour in range(12):
        place.segment(1000, "20231114_%02d0000.mp4" % hour)
    place.change("upload", workers=2)
    place.proxy.add(Error("PutObject", SEGMENT, code="AccessDenied", times=0))
    result = place.run()
    assert result.pause.cause == "access_denied"
    assert len(place.proxy.of("PutObject")) <= 2
    assert len(list(place.path().parent.iterdir())) == 12


def test_the_opt_out_says_so_on_every_segment(place, capsys):
    place.change("s3", proof="size-only")
    place.segment(SIZE)
    place.segment(2 * PART, "20231114_010000.mp4")
    assert place.run().proven == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("segment_proven")]
    expected = "proof=size-only" if place.can.etag_put == "opaque" and not place.can.md5_put else "proof=e"
    assert [expected in line for line in lines] == [True, True]


@pytest.mark.parametrize("place", [Store], ids=["enforces everything"], indirect=True)
def test_an_endpoint_is_examined_once_a_day_and_after_a_change(place):
    with place.catalog() as catalog:
        catalog._db.execute("DELETE FROM endpoint")
    counts = []
    for change in ({}, {}, {"storage_class": "COLD"}):
        place.change("s3", **change)
        place.segment()
        place.proxy.records.clear()
        assert place.run().proven == 1
        counts.append(len([one for one in place.proxy.records if ".camera-backup" in one.key]))
        place.store.buckets["b"].clear()
    assert counts[0] > 10
    assert counts[1] == 0
    assert counts[2] > 10


@pytest.mark.parametrize("place", [Store], ids=["enforces everything"], indirect=True)
def test_a_probe_that_meets_a_fault_guesses_nothing(place):
    """A server error is no refusal: taken for one, it would make a careless store look careful."""
    with place.catalog() as catalog:
        catalog._db.execute("DELETE FROM endpoint")
    place.segment()
    place.proxy.add(Error("PutObject", "*/put-*", code="InternalError", times=0, skip=1))
    result = place.run()
    assert result.pause.cause == "server_error"
    assert place.path().exists()
    place.proxy.clear()
    assert place.run().proven == 1
    with place.catalog() as catalog:
        assert b"md5_put" in str(catalog._all("SELECT capabilities FROM endpoint")).encode()


@pytest.mark.parametrize(
    "fault",
    [partial(Error, code="SlowDown", times=0, every=3), partial(LoseReply, times=0, every=3)],
    ids=["every third request fails", "every third answer is lost"],
)
def test_a_probe_in_a_storm_finds_out_what_it_finds_out_in_calm(place, fault):
    with place.catalog() as catalog:
        catalog._db.execute("DELETE FROM endpoint")
    place.segment()
    place.proxy.add(fault())
    found = {}
    assert place.run(report=found.update).proven == 1
    calm, stormy = place.can.as_json(), found["capabilities"]
    assert {name for name in calm if calm[name] != stormy[name]} <= {"skew", "complete_if_absent"}
    # An answer that was lost may make a store look more careless than it is, never more careful.
    assert stormy["complete_if_absent"] in (calm["complete_if_absent"], REFUSED)


ONE = pytest.mark.parametrize("place", [Store], ids=["enforces everything"], indirect=True)


@ONE
def test_a_storm_in_which_every_third_request_fails_sends_no_accepted_part_again(place):
    data = place.segment(3 * PART + 1000)
    place.proxy.add(Error(code="InternalError", times=0, every=3))
    assert place.run().proven == 1
    assert place.store.buckets["b"][place.key()].data == data
    assert sorted(one.part for one in place.proxy.of("UploadPart") if one.status == 200) == [1, 2, 3, 4]


@ONE
def test_a_storm_pauses_all_and_is_not_blamed_on_one_segment_after_the_other(place):
    for hour in range(4):
        place.segment(name="20231114_%02d0000.mp4" % hour)
    place.proxy.add(Error("PutObject", SEGMENT, code="SlowDown", times=0))
    place.proxy.add(Error("HeadObject", SEGMENT, code="SlowDown", times=0, skip=1))
    result = place.run()
    assert (result.pause.cause, len(result.undone)) == ("throttled", 1)


@ONE
def test_what_could_not_be_moved_is_counted_as_seen_so_that_it_is_not_tried_at_every_look(place):
    place.segment()
    place.segment(name="20231114_010000.mp4")
    told = []
    with place.path().open("ab"):
        result = place.run(report=told.append)
    assert list(result.undone) == [(CAMERA, NAME)]
    assert (result.proven, result.left) == (1, 1)
    assert [one["backlog"]["segments"] for one in told if "backlog" in one][-1] == 1


@ONE
@pytest.mark.parametrize(("order", "hours"), [("oldest_first", [0, 1, 2, 3]), ("newest_first", [2, 3, 1, 0])])
def test_a_segment_that_comes_meanwhile_has_its_turn_in_the_order_asked_for(place, monkeypatch, order, hours):
    monkeypatch.setattr("camera_backup.uploader.worker._LOOK_SECONDS", 0.0)
    place.change("upload", order=order, check_interval=0)
    for hour in range(3):
        place.segment(name="20231114_%02d0000.mp4" % hour)

    def step(reached, name):
        if reached == steps.DELETED and not place.path("20231114_030000.mp4").exists() and len(order_of(place)) == 1:
            place.segment(name="20231114_030000.mp4")

    assert place.run(step).proven == 4
    assert order_of(place) == hours


def order_of(place):
    """Return the hours of the segments in the order in which they were stored."""
    return [int(key[-10:-8]) for key in place.store.written if key.endswith(".mp4")]


@pytest.mark.parametrize("place", [Store], ids=["enforces everything"], indirect=True)
def test_the_storage_class_and_prefix_reach_the_store(place):
    place.change("s3", storage_class="STANDARD_IA", prefix="site-7/nvr=2")
    place.believe(place.can)
    data = place.segment()
    assert place.run().proven == 1
    assert stored(place) == {"site-7/nvr=2/front-door/2023/11/14/" + NAME: data}
    assert place.proxy.of("PutObject")[0].headers["x-amz-storage-class"] == "STANDARD_IA"


@pytest.mark.parametrize("place", [Store], ids=["enforces everything"], indirect=True)
def test_another_bucket_gets_what_the_first_one_never_finished(place):
    """The upload begun in the old one is not looked for in the new one."""
    data = place.segment(3 * PART)
    place.killed_at(steps.PART_KEPT)
    place.store.buckets["c"] = {}
    place.change("s3", bucket="c")
    place.believe(place.can)
    assert place.run().proven == 1
    assert place.store.buckets["c"][place.key()].data == data
    assert len(place.store.uploads) == 1
