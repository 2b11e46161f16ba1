"""Random lives of a host and its bucket against a small model of both: thousands of steps, the promises after each.

The uploader's own worker runs, with the real client, against the simulated store and its faults; only the sockets are
left out. A kill is an exception that nothing of ours catches, raised at a step, or at a request before or after the
store has seen it. What went wrong once is kept as a plain test at the end.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import sqlite3
import tempfile
import time
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from camera_backup import catalog as catalogs
from camera_backup import paths
from camera_backup.bucket import probe, retry, sdk
from camera_backup.bucket.client import Bucket
from camera_backup.model import S3
from camera_backup.uploader import steps
from tests.simulators import s3_faults as faults
from tests.simulators.s3_proxy import Proxy
from tests.simulators.s3_store import Blob, Store
from tests.support.certs import Authority
from tests.support.direct import wired
from tests.support.uploading import Place, noise, trimmed_sdk

PART = 512
CAMERAS = ("front-door", "yard")
NAMES = ("20231114_000000.mp4", "20231114_010000.mp4", "20231114_020000_2.mp4")
KEPT = S3("AKID", "secret", "b", "https://store.test", "us-east-1", "", "path", None, None, "auto")

STORES = (
    Store,
    partial(Store, {"content-md5"}, etag="file", conditional=False),
    partial(Store, (), etag="opaque", conditional=False),
)

FAULTS = (
    partial(faults.Error, "*", code="InternalError"),
    partial(faults.Error, "*", code="SlowDown", times=0),
    partial(faults.Error, "*", code="AccessDenied", times=0),
    partial(faults.Error, "UploadPart", code="NoSuchUpload"),
    partial(faults.Error, "CompleteMultipartUpload", code="InternalError", status=200),
    partial(faults.Error, "PutObject", code="MethodNotAllowed"),
    partial(faults.LoseReply, "CompleteMultipartUpload"),
    partial(faults.LoseReply, "PutObject"),
    partial(faults.LoseReply, "CreateMultipartUpload"),
    partial(faults.Reset, "*", at="mid"),
    partial(faults.Portal, "*"),
    partial(faults.WrongEtag, "UploadPart"),
    partial(faults.WrongEtag, "CompleteMultipartUpload"),
    partial(faults.WrongEtag, "HeadObject", value="0" * 32),
    partial(faults.Corrupt, "UploadPart"),
    partial(faults.Corrupt, "PutObject"),
    partial(faults.Strip, "*", headers="content-md5,x-amz-checksum-*"),
)


class Killed(BaseException):
    """The process ends here."""


class Kill(faults.Fault):
    """The uploader is killed at a request: before the store sees it, or when it has done what was asked."""

    name = "kill"

    def __init__(self, done: bool, skip: int, operation: str = "*") -> None:
        super().__init__(operation, skip=skip)
        self._done = done

    def before(self, request, sleep):
        if not self._done:
            raise Killed
        return

    def after(self, request, response):
        raise Killed


@functools.lru_cache(maxsize=None)
def home():
    """Return a directory for all examples; in memory where there is such a place, for SQLite syncs a lot."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    return Path(tempfile.mkdtemp(prefix="model-", dir=fast))


@functools.lru_cache(maxsize=None)
def proxy():
    return Proxy(Store(), Authority(home() / "tls").issue())


@pytest.fixture(scope="module", autouse=True)
def tidied():
    yield
    proxy().stop()
    shutil.rmtree(home())
    proxy.cache_clear()
    home.cache_clear()


@functools.lru_cache(maxsize=None)
def ability(make):
    """Return what a store can, found out by the product itself, once for each kind."""
    store = make()
    store.buckets["b"] = {}
    proxy().backend = store
    bucket, can = probe.examine(lambda sign: Bucket(KEPT, sdk_path=sdk.prepare(trimmed_sdk()), sign_payload=sign))
    bucket.close()
    return can


class Host:
    """The disk and the bucket, what the model knows of them, and everything that can happen to them."""

    numbers = itertools.count(1)

    def __init__(self, make=Store) -> None:
        self.patches = contextlib.ExitStack()
        self.patches.enter_context(mock.patch.object(retry, "DELAYS", (0.0, 0.0)))
        self.patches.enter_context(wired(proxy()))
        can = ability(make)
        self.store = make()
        self.store.buckets["b"] = {}
        proxy().backend = self.store
        proxy().clear()
        self.place = Place(home() / str(next(self.numbers)), KEPT, examine=False)
        self.place.change("upload", part_size=PART)
        self.place.believe(can)
        self.can = can
        self.witnesses: dict[tuple[str, str], Path] = {}
        self.vanished: list[tuple[str, str, bytes]] = []
        self.seen: dict[str, bytes] = {}
        self.writers: dict[tuple[str, str], object] = {}
        self.offset = 0.0
        self.seed = itertools.count(1)

    @property
    def objects(self) -> dict[str, bytes]:
        kept = self.store.buckets["b"].items()
        return {key: blob.data for key, blob in kept if not key.startswith(".camera-backup/")}

    # What recorders and people do

    def segment(self, camera: str, name: str, size: int) -> None:
        path = self.place.path(name, camera)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(noise(size, next(self.seed)))
        self._aged(path)
        witness = self.place.directory / ("witness-%d" % next(self.seed))
        os.link(path, witness)
        self.witnesses[camera, name] = witness

    def _aged(self, path: Path) -> None:
        moment = time.time() + self.offset - 3600 - next(self.seed) / 1000
        os.utime(path, (moment, moment))

    def append(self, which: tuple[str, str], data: bytes) -> None:
        path = self.place.path(which[1], which[0])
        with path.open("ab") as stream:
            stream.write(data)
        self._aged(path)

    def replace(self, which: tuple[str, str]) -> None:
        """Somebody puts another file under the name: the bytes that were there are that somebody's loss."""
        path = self.place.path(which[1], which[0])
        path.unlink()
        self.segment(*which, size=700)

    def intrude(self, camera: str, name: str) -> None:
        key = self.place.key(name, camera)
        if key not in self.store.buckets["b"]:
            other = noise(300, next(self.seed))
            self.store.buckets["b"][key] = Blob(len(other), '"foreign"', other)

    def catalog_damaged(self, seed: int) -> None:
        path = Path(paths.catalog(self.place.parameters.storage.state_path))
        content = bytearray(path.read_bytes())
        if not content:
            return  # cut to nothing before
        for number in range(1, 4):
            content[(seed * number) % len(content)] ^= 1 << (seed + number) % 8
        path.write_bytes(content[: seed % len(content)] if seed % 3 == 0 else content)

    def catalog_lost(self) -> None:
        for path in Path(self.place.parameters.storage.state_path).glob("catalog.sqlite*"):
            path.unlink()

    # A run of the uploader

    def run(self, kill=None, full_at=None):
        """Run the worker. kill: (step, n); full_at: the disk is full from the n-th write to the catalog on."""
        reached = itertools.count(1)

        def step(name, _):
            if kill is not None and name == kill[0] and next(reached) == kill[1]:
                raise Killed

        result = None
        with self._clock(), self._disk(full_at), contextlib.suppress(Killed):
            result = self.place.run(step)
        self._look()
        return result

    @contextlib.contextmanager
    def _clock(self):
        real = time.time
        with mock.patch("time.time", side_effect=lambda: real() + self.offset):
            yield

    @contextlib.contextmanager
    def _disk(self, full_at):
        count, real = itertools.count(1), catalogs.Catalog._commit

        def commit(catalog, *statements):
            if full_at is not None and next(count) >= full_at:
                raise sqlite3.OperationalError("database or disk is full")
            real(catalog, *statements)

        with mock.patch.object(catalogs.Catalog, "_commit", commit):
            yield

    def _look(self) -> None:
        """Note which segments have vanished, with their last bytes."""
        for which, witness in list(self.witnesses.items()):
            if not self.place.path(which[1], which[0]).exists():
                self.vanished.append((*which, witness.read_bytes()))
                del self.witnesses[which]

    # The promises

    def check(self) -> None:
        objects = self.objects
        for camera, name, data in self.vanished:
            stem = self.place.key(name, camera)[: -len(".mp4")]
            mine = [key for key, held in objects.items() if held == data]
            assert any(key in (stem + ".mp4",) or key.startswith(stem + ".conflict-") for key in mine), (
                "I1: %s/%s was deleted, and no object of it holds its bytes" % (camera, name)
            )
        for key, data in self.seen.items():
            assert objects.get(key) == data, "I2: %s is not what it was" % key
        self.seen.update(objects)
        for which in self.writers:
            assert which in self.witnesses, "I3: %s/%s was deleted while open for writing" % which

    def drain(self) -> None:
        """When all is well again, everything leaves by itself; but what two objects of other bytes keep out stays."""
        proxy().clear()
        for writer in self.writers.values():
            writer.close()
        self.writers.clear()
        for camera, name in self.witnesses:
            self._aged(self.place.path(name, camera))
        for _ in range(3):
            result = self.run()
            self.check()
        assert result.pause is None, result.pause
        for camera, name in self.witnesses:
            assert (camera, name) in result.undone, "I8: %s/%s stays, and nobody says why" % (camera, name)
            stem = self.place.key(name, camera)[: -len(".mp4")]
            assert sum(key.startswith(stem) for key in self.objects) >= 2, result.undone

    def close(self) -> None:
        for writer in self.writers.values():
            writer.close()
        self.patches.close()
        shutil.rmtree(self.place.directory)


cameras, names = st.sampled_from(CAMERAS), st.sampled_from(NAMES)
sizes = st.sampled_from((1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7))


class Life(RuleBasedStateMachine):
    """Rules choose what happens; `Host` knows what that means."""

    host: Host

    @initialize(make=st.sampled_from(STORES))
    def _begin(self, make):
        self.host = Host(make)

    def _any(self, index):
        return sorted(self.host.witnesses)[index % len(self.host.witnesses)]

    @rule(camera=cameras, name=names, size=sizes)
    def a_segment_is_recorded(self, camera, name, size):
        if (camera, name) not in self.host.witnesses:
            self.host.segment(camera, name, size)

    @precondition(lambda self: self.host.witnesses)
    @rule(index=st.integers(0, 9), data=st.binary(min_size=1, max_size=PART))
    def a_segment_grows(self, index, data):
        self.host.append(self._any(index), data)

    @precondition(lambda self: self.host.witnesses)
    @rule(index=st.integers(0, 9))
    def a_segment_is_replaced(self, index):
        which = self._any(index)
        if which not in self.host.writers:
            self.host.replace(which)

    @precondition(lambda self: self.host.witnesses)
    @rule(index=st.integers(0, 9))
    def a_process_opens_a_segment_for_writing(self, index):
        which = self._any(index)
        if which not in self.host.writers:
            self.host.writers[which] = self.host.place.path(which[1], which[0]).open("ab")

    @precondition(lambda self: self.host.writers)
    @rule(index=st.integers(0, 9))
    def a_writer_closes(self, index):
        which = sorted(self.host.writers)[index % len(self.host.writers)]
        self.host.writers.pop(which).close()

    @rule(camera=cameras, name=names)
    def another_host_takes_the_key(self, camera, name):
        self.host.intrude(camera, name)

    @rule(fault=st.sampled_from(FAULTS), skip=st.integers(0, 4))
    def the_store_fails(self, fault, skip):
        proxy().add(fault(skip=skip))

    @rule()
    def the_store_recovers(self):
        proxy().clear()

    @rule()
    def the_store_forgets_all_uploads(self):
        self.host.store.uploads.clear()

    @rule()
    def an_upload_run(self):
        self.host.run()

    @rule(step=st.sampled_from(steps.ALL), count=st.integers(1, 3))
    def a_run_that_is_killed_after_a_step(self, step, count):
        self.host.run(kill=(step, count))

    @rule(done=st.booleans(), skip=st.integers(0, 12))
    def a_run_that_is_killed_at_a_request(self, done, skip):
        kill = Kill(done, skip)
        proxy().add(kill)
        self.host.run()
        proxy().faults.remove(kill)

    @rule(count=st.integers(1, 8))
    def a_run_while_the_disk_gets_full(self, count):
        self.host.run(full_at=count)

    @precondition(lambda self: self.host.witnesses)
    @rule(index=st.integers(0, 9), operation=st.sampled_from(("UploadPart", "PutObject", "CompleteMultipartUpload")))
    def a_run_in_which_a_segment_grows(self, index, operation):
        which = self._any(index)
        grow = faults.Call(operation, "*" + which[1], action=lambda: self._grow_if_there(which))
        proxy().add(grow)
        self.host.run()
        proxy().faults.remove(grow)

    def _grow_if_there(self, which):
        if self.host.place.path(which[1], which[0]).exists():
            self.host.append(which, b"late")

    @rule()
    def the_catalog_is_lost(self):
        self.host.catalog_lost()

    @rule(seed=st.integers(0, 1 << 20))
    def the_catalog_is_damaged(self, seed):
        if Path(paths.catalog(self.host.place.parameters.storage.state_path)).exists():
            self.host.catalog_damaged(seed)

    @rule(days=st.integers(-2, 2))
    def the_clock_is_set(self, days):
        self.host.offset += days * 86400.0

    @invariant()
    def the_promises_hold(self):
        if hasattr(self, "host"):
            self.host.check()

    def teardown(self):
        if hasattr(self, "host"):
            try:
                self.host.drain()
            finally:
                self.host.close()


TestLife = Life.TestCase
TestLife.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=STORES, ids=["enforces everything", "Content-MD5 only", "enforces nothing"])
def host(request):
    host = Host(request.param)
    yield host
    host.close()


WHICH = (CAMERAS[0], NAMES[0])


def test_a_foreign_object_of_another_size_stays_and_ours_goes_beside_it(host):
    host.segment(*WHICH, size=700)
    host.intrude(*WHICH)
    host.run()
    host.check()
    host.drain()
    assert len(host.objects) == 2


def test_a_kill_after_the_store_made_the_object_and_a_lost_catalog_lose_nothing(host):
    host.segment(*WHICH, size=3 * PART + 7)
    proxy().add(Kill(done=True, skip=0, operation="CompleteMultipartUpload"))
    host.run()
    assert WHICH in host.witnesses
    host.catalog_lost()
    host.drain()
    assert len(host.objects) == 1


def test_a_damaged_body_is_never_the_reason_to_delete(host):
    host.segment(*WHICH, size=PART)
    proxy().add(faults.Corrupt("PutObject"))
    host.run()
    host.check()
    host.drain()
