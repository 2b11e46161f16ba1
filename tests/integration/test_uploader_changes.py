"""Segments that change, and uploaders that are killed, at every step there is: nothing is lost or sent in vain."""

import os
from functools import partial

import pytest

from camera_backup.model import S3
from camera_backup.uploader import steps
from tests.simulators.s3_proxy import simulated
from tests.simulators.s3_store import Store
from tests.support.uploading import PART, Place, noise

SIZE = 2 * PART + 7

STORES = {
    "one that enforces everything": Store,
    "an old one: Content-MD5 only, ETag of the whole, no conditions": partial(
        Store, {"content-md5"}, etag="file", conditional=False
    ),
    "one that enforces nothing, and whose ETags say nothing": partial(Store, (), etag="opaque", conditional=False),
}


@pytest.fixture(params=STORES.values(), ids=STORES)
def place(request, tmp_path):
    store = request.param()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        place = Place(
            tmp_path, S3("AKID", "secret", "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto")
        )
        place.store, place.proxy = store, proxy
        yield place


def stored(place):
    """Return key → bytes of all objects but the remains of a probe."""
    return {key: blob.data for key, blob in place.store.buckets["b"].items()}


def appended(path):
    with path.open("ab") as stream:
        stream.write(b"more")


def rewritten(path):
    with path.open("r+b") as stream:
        stream.write(b"the index moves to the front")


def cut(path):
    os.truncate(path, 100)


def replaced(path):
    path.with_name("new").write_bytes(noise(path.stat().st_size, 7))
    os.rename(path.with_name("new"), path)


@pytest.mark.parametrize("step", [steps.OPENED, steps.PART_KEPT, steps.STORED, steps.PROVEN])
@pytest.mark.parametrize("change", [appended, rewritten, cut, replaced])
def test_a_file_that_changes_on_the_way_is_kept_and_uploaded_as_it_is_now(place, change, step):
    """I1: by identity, not by name or time alone."""
    place.segment(SIZE)
    changed = []

    def act(reached, name):
        if reached == step and not changed:
            change(place.path())
            changed.append(place.path().read_bytes())
            place.grow_old(age=3000)

    first = place.run(act)
    assert first.undone
    assert place.path().read_bytes() == changed[0]
    assert place.run().proven == 1
    assert changed[0] in stored(place).values()
    assert not place.path().exists()
    assert place.store.uploads == {}


def killed_and_run_again(place, step, size):
    """Return how many bytes were sent after the kill."""
    data = place.segment(size)
    place.killed_at(step)
    assert place.path().exists() or data in stored(place).values()
    before = place.proxy.received()
    result = place.run()
    assert (result.undone, result.pause) == ({}, None)
    assert stored(place) == {place.key(): data}
    assert not place.path().exists()
    assert place.store.uploads == {}
    return place.proxy.received() - before


@pytest.mark.parametrize("step", steps.ALL)
def test_a_kill_after_any_step_loses_nothing_and_leaves_nothing(place, step):
    """I1, I8."""
    sent = killed_and_run_again(place, step, SIZE)
    number = steps.ALL.index(step)
    if number >= steps.ALL.index(steps.PART_KEPT):
        assert sent <= SIZE - PART
    if number >= steps.ALL.index(steps.STORED):
        assert sent == 0


def reached(place, size):
    """Return the steps that moving a segment of this size really takes, in their order."""
    place.segment(size)
    seen = []
    assert place.run(lambda step, name: seen.append(step)).proven == 1
    return [step for step in steps.ALL if step in seen]


@pytest.mark.parametrize("place", [Store], ids=["one that enforces everything"], indirect=True)
def test_no_step_is_left_out_by_the_tests_of_kills(place):
    """What is enumerated is what happens: a step nobody reaches, or one nobody kills at, would pass in silence."""
    declared = {value for name, value in vars(steps).items() if name.isupper() and isinstance(value, str)}
    assert declared == {*steps.ALL, *steps.DROP}  # those of a drop: test_uploader_space.py
    assert reached(place, SIZE) == list(steps.ALL)
    place.store.buckets["b"].clear()
    assert reached(place, 1000) == IN_ONE_PIECE


IN_ONE_PIECE = [steps.OPENED, steps.LOOKED, steps.STORED, steps.VERIFIED, steps.PROVEN, steps.UNLINKED, steps.DELETED]


@pytest.mark.parametrize("step", IN_ONE_PIECE)
@pytest.mark.parametrize("place", [Store], ids=["one that enforces everything"], indirect=True)
def test_a_kill_loses_no_small_segment_either(place, step):
    sent = killed_and_run_again(place, step, 1000)
    assert sent == (1000 if step in (steps.OPENED, steps.LOOKED) else 0)
