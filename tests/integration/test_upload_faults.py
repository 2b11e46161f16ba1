"""Our uploader, run as an operator would, while everything that can go wrong goes wrong: footage is never lost (I1).

What the peers do in the scenarios is measured by `python -m benchmarks faults`.
"""

import hashlib
import json
import shutil
import subprocess
import sys
from functools import partial

import pytest

from camera_backup.bucket import sdk
from camera_backup.segments import object_key
from tests.simulators.s3_faults import Corrupt, Error, LoseReply, Portal, Redirect, Reset, WrongEtag
from tests.simulators.s3_store import Blob, Store
from tests.support.s3_servers import ROOT
from tests.support.upload_scenarios import BUCKET, CAMERA, MIB, NAME, SCENARIOS, Scenario, staged

PART = 5 * MIB
SIZE = 17 * MIB
SEGMENT = "*/" + NAME


@pytest.fixture(scope="session")
def sdk_data(tmp_path_factory):
    """What every first run would prepare for itself, prepared once."""
    path = tmp_path_factory.mktemp("state")
    sdk.prepare(str(path))
    return path / "sdk"


@pytest.fixture
def stage(request, tmp_path, sdk_data):
    """The stage of a scenario: of the parameter, or of one in which nothing happens by itself."""
    scenario = getattr(request, "param", Scenario("nothing", Store, lambda stage: None))
    with staged(scenario, tmp_path, SIZE) as stage:
        storage = {"local_path": str(tmp_path / "segments"), "state_path": str(tmp_path / "state"), "min_free": 0}
        keys = {"access_key_id": "AKIDFAULTS", "secret_access_key": "faults-secret", "bucket": BUCKET}
        config = {
            "storage": storage,
            "s3": {**keys, "endpoint": stage.proxy.endpoint, "ca_file": stage.ca_file},
            "cameras": [{"name": CAMERA, "rtsp_url": "rtsp://127.0.0.1:1/stream"}],
            "upload": {"min_age": 0, "part_size": PART, "workers": 1},
        }
        shutil.copytree(sdk_data, tmp_path / "state" / "sdk")
        (tmp_path / "config.yaml").write_text(json.dumps(config))
        (tmp_path / "config.yaml").chmod(0o600)
        yield stage


def upload(stage):
    """Run `camera-backup upload --once` on a stage and return the finished process."""
    command = [sys.executable, "-m", "camera_backup", "upload", "--once", "--config", stage.directory / "config.yaml"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def sent(stage):
    """Return the bytes of the segment that arrived, those of our own small probe objects left out."""
    return sum(one.received for one in stage.proxy.records if one.key.endswith(NAME) and one.operation == "UploadPart")


def assert_moved(stage, done):
    """The bucket holds the segment, the disk does not any more, and no unfinished upload is left."""
    assert done.returncode == 0, done.stderr
    assert stage.stored()
    assert not stage.segment.exists()
    assert stage.store.uploads == {}


def assert_kept(stage, done):
    """The segment is still on the disk, and the command says that work was left undone."""
    assert done.returncode != 0, done.stderr
    assert stage.segment.exists()


@pytest.mark.parametrize(
    ("scenario", "stage"), [(one, one) for one in SCENARIOS], ids=[one.name for one in SCENARIOS], indirect=["stage"]
)
def test_no_scenario_loses_footage(scenario, stage):
    done = upload(stage)
    scenario.finish(stage)
    assert not stage.lost(), done.stderr
    assert stage.segment.exists() or stage.stored(), done.stderr


ON_ONE_PART = {
    "a reset before the body": partial(Reset, at="before"),
    "a reset within the body": partial(Reset, at="mid"),
    "a reset before the answer": partial(Reset, at="after"),
    "a lost answer": LoseReply,
    "500 InternalError": partial(Error, code="InternalError"),
    "503 SlowDown": partial(Error, code="SlowDown"),
    "a corrupt body": Corrupt,
    "a wrong ETag": WrongEtag,
    "no ETag": partial(WrongEtag, value=""),
    "a captive portal": Portal,
    "a captive portal that sends on": Redirect,
}


@pytest.mark.parametrize("fault", ON_ONE_PART.values(), ids=ON_ONE_PART)
def test_one_part_that_fails_once_is_sent_again_and_nothing_else_is(stage, fault):
    stage.proxy.add(fault("UploadPart", SEGMENT, part=3))
    assert_moved(stage, upload(stage))
    assert sent(stage) <= SIZE + PART


UNTIL_CLEARED = {
    "access denied": partial(Error, code="AccessDenied"),
    "access denied while the body is under way": partial(Error, code="AccessDenied", early=True),
    "expired credentials": partial(Error, code="ExpiredToken"),
    "a wrong clock": partial(Error, code="RequestTimeTooSkewed"),
    "a full bucket": partial(Error, code="InsufficientStorage"),
    "a quota that is used up": partial(Error, code="QuotaExceeded"),
    "no bucket": partial(Error, code="NoSuchBucket"),
    "an unknown key": partial(Error, code="InvalidAccessKeyId"),
}


@pytest.mark.parametrize("fault", UNTIL_CLEARED.values(), ids=UNTIL_CLEARED)
def test_what_only_an_operator_can_mend_keeps_the_segment_and_the_parts_that_were_sent(stage, fault):
    stage.proxy.add(fault("UploadPart", SEGMENT, times=0, skip=3))
    assert_kept(stage, upload(stage))
    stage.proxy.clear()
    assert_moved(stage, upload(stage))
    assert sent(stage) <= 2 * PART


COMPLETING = {
    "500 InternalError": partial(Error, code="InternalError"),
    "an error with status 200": partial(Error, code="InternalError", status=200),
    "a lost answer": LoseReply,
    "a reset": partial(Reset, at="before"),
    "a wrong ETag": WrongEtag,
    "no ETag": partial(WrongEtag, value=""),
    "a captive portal": Portal,
}


@pytest.mark.parametrize("fault", COMPLETING.values(), ids=COMPLETING)
def test_a_complete_that_fails_once_costs_no_byte(stage, fault):
    stage.proxy.add(fault("CompleteMultipartUpload", SEGMENT))
    assert_moved(stage, upload(stage))
    assert sent(stage) == SIZE


def test_an_upload_that_the_store_forgot_begins_again(stage):
    stage.proxy.add(Error("UploadPart", SEGMENT, code="NoSuchUpload", part=3))
    assert_moved(stage, upload(stage))


def test_nothing_is_deleted_while_neither_head_nor_reading_back_shows_our_bytes(stage):
    stage.proxy.add(
        WrongEtag("HeadObject", SEGMENT, times=0), Error("GetObject", SEGMENT, code="AccessDenied", times=0)
    )
    assert_kept(stage, upload(stage))


def test_an_etag_that_says_other_bytes_is_settled_by_reading_back(stage):
    stage.proxy.add(WrongEtag("HeadObject", SEGMENT, times=0))
    assert_moved(stage, upload(stage))
    assert stage.proxy.of("GetObject")


def test_nothing_is_deleted_while_a_captive_portal_answers_for_the_object(stage):
    stage.proxy.add(Portal("HeadObject", SEGMENT, times=0), Portal("GetObject", SEGMENT, times=0))
    assert_kept(stage, upload(stage))


def test_an_outage_keeps_the_segment_until_the_store_is_back(stage):
    stage.proxy.stop()
    assert_kept(stage, upload(stage))
    stage.proxy.start()
    assert_moved(stage, upload(stage))


def test_a_captive_portal_before_everything_keeps_the_segment(stage):
    stage.proxy.add(Portal(times=0))
    assert_kept(stage, upload(stage))
    stage.proxy.clear()
    assert_moved(stage, upload(stage))


def test_parts_are_found_again_in_a_store_that_cannot_list_them(stage):
    stage.proxy.add(Error("ListParts", code="NotImplemented", times=0))
    stage.proxy.add(Error("ListMultipartUploads", code="NotImplemented", times=0))
    denied = Error("UploadPart", SEGMENT, code="AccessDenied", times=0, skip=3)
    stage.proxy.add(denied)
    assert_kept(stage, upload(stage))
    stage.proxy.faults.remove(denied)
    stage.proxy.records.clear()
    assert_moved(stage, upload(stage))
    assert sent(stage) <= 2 * PART


def made(store):
    """Return the keys of all objects that were ever made, our own probe objects left out."""
    return [key for key in store.written if "/probe/" not in key]


@pytest.mark.parametrize(
    ("options", "occupied"),
    [({"versioned": True}, False), ({"locked": True}, True), ({"locked": True, "conditional": False}, True)],
    ids=["versions", "object lock, other bytes there", "object lock without conditions, other bytes there"],
)
def test_a_bucket_with_versions_or_object_lock_gets_each_segment_once(stage, options, occupied):
    """I2: where other bytes are, a second version would hide them, and object lock would refuse it for ever."""
    store = stage.proxy.backend = stage.store = Store(**options)
    store.buckets[BUCKET] = {}
    key = object_key("", CAMERA, NAME)
    if occupied:
        other = b"footage of another host"
        store.buckets[BUCKET][key] = Blob(len(other), '"%s"' % hashlib.md5(other).hexdigest(), other)
    assert_moved(stage, upload(stage))
    assert len(made(store)) == 1
    if occupied:
        assert store.buckets[BUCKET][key].data == other
        assert ".conflict-" in made(store)[0]
