"""Ways in which moving a segment into a bucket loses footage without anybody noticing, for any client.

A scenario prepares a stage: a simulated store, the proxy before it, one segment to move. Afterwards every precious
byte must still be somewhere: in the segment's file, or in an object. The same scenarios judge our uploader in the
tests and its peers in the benchmarks.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, Callable, Iterator

from camera_backup.segments import object_key
from tests.simulators.s3_faults import Call, Corrupt, WrongEtag
from tests.simulators.s3_proxy import Proxy
from tests.simulators.s3_store import CHECKSUMS, Blob, Store
from tests.support.certs import Authority

MIB = 1024 * 1024
BUCKET = "footage"
CAMERA = "front-door"
NAME = "20231114_000000.mp4"


@dataclass
class Stage:
    """Where a scenario takes place, in a directory laid out as ours wants it.

    segment: the file to move; precious: what must not get lost beside the segment's own bytes
    """

    directory: Path
    store: Store
    proxy: Proxy
    ca_file: str
    precious: list[bytes] = field(default_factory=list)
    writers: list[BinaryIO] = field(default_factory=list)

    @property
    def segment(self) -> Path:
        return self.directory / "segments" / CAMERA / NAME

    @property
    def _witness(self) -> Path:
        """A second name of the segment, through which its last bytes are known when the first is gone."""
        return self.directory / "witness"

    def write_segment(self, size: int) -> None:
        """Put a segment in place that was closed an hour ago."""
        self.segment.parent.mkdir(parents=True)
        self.segment.write_bytes(random.Random(0).getrandbits(8 * size).to_bytes(size, "big"))
        hour_ago = time.time() - 3600
        os.utime(self.segment, (hour_ago, hour_ago))
        os.link(self.segment, self._witness)

    def objects(self) -> list[bytes]:
        """Return the bytes of every object in the bucket."""
        return [blob.data or b"" for blob in self.store.buckets[BUCKET].values()]

    def stored(self) -> bool:
        """Say whether an object holds the segment's last bytes."""
        return self._witness.read_bytes() in self.objects()

    def lost(self) -> bool:
        """Say whether precious bytes are neither in the file nor in any object any more."""
        here = [self.segment.read_bytes()] if self.segment.exists() else []
        return any(wanted not in self.objects() + here for wanted in [self._witness.read_bytes(), *self.precious])


@dataclass(frozen=True)
class Scenario:
    """What happens, in words; in which store; how it is brought about; and what happens when the client is done."""

    name: str
    store: Callable[[], Store]
    prepare: Callable[[Stage], None]
    finish: Callable[[Stage], None] = lambda stage: None


def _corrupt(stage: Stage) -> None:
    stage.proxy.add(Corrupt("UploadPart", part=2), Corrupt("PutObject", "*.mp4"))


def _wrong_etags(stage: Stage) -> None:
    stage.proxy.add(WrongEtag("CompleteMultipartUpload", times=0), WrongEtag("HeadObject", "*.mp4", times=0))


def _append(stage: Stage) -> None:
    with stage.segment.open("ab") as stream:
        stream.write(b"more footage" * 1000)


def _rewrite_header(stage: Stage) -> None:
    with stage.segment.open("r+b") as stream:
        stream.write(b"the index, moved to the front")


def _during(action: Callable[[Stage], None], stage: Stage) -> None:
    stage.proxy.add(Call("UploadPart", part=2, action=lambda: action(stage)))


def _open_for_writing(stage: Stage) -> None:
    stage.writers.append(stage.segment.open("ab"))


def _write_late(stage: Stage) -> None:
    with stage.writers[0] as writer:
        writer.write(b"the camera was only stalled" * 1000)


def _occupy(stage: Stage) -> None:
    # Where ours will put it, and where its peers will.
    for key in (object_key("", CAMERA, NAME), "%s/%s" % (CAMERA, NAME)):
        other = ("footage of another host at " + key).encode()
        stage.precious.append(other)
        stage.store.buckets[BUCKET][key] = Blob(len(other), '"%s"' % hashlib.md5(other).hexdigest(), other)


SCENARIOS = (
    Scenario("a part corrupted on its way, the store enforces nothing", partial(Store, ()), _corrupt),
    Scenario("… and its ETags say nothing", partial(Store, (), etag="opaque"), _corrupt),
    Scenario("… and it shows checksums it never checked", partial(Store, (), etag="opaque", echo=True), _corrupt),
    Scenario("… the store enforces Content-MD5 only", partial(Store, {"content-md5"}), _corrupt),
    Scenario("… the store enforces x-amz-checksum-* only", partial(Store, CHECKSUMS), _corrupt),
    Scenario("… the store enforces the signed payload hash only", partial(Store, {"payload-sha256"}), _corrupt),
    Scenario("Complete and HEAD show an ETag of other bytes", Store, _wrong_etags),
    Scenario("the file is appended to during the upload", Store, partial(_during, _append)),
    Scenario("the file's header is rewritten during the upload", Store, partial(_during, _rewrite_header)),
    Scenario("a writer still has the file open, and writes after the move", Store, _open_for_writing, _write_late),
    Scenario("the key holds another object", Store, _occupy),
    Scenario("… and the store ignores If-None-Match", partial(Store, conditional=False), _occupy),
)


@contextlib.contextmanager
def staged(scenario: Scenario, directory: Path, size: int = 24 * MIB) -> Iterator[Stage]:
    """Give the stage of a scenario, prepared; run the client on it, then call `scenario.finish`."""
    store = scenario.store()
    store.buckets[BUCKET] = {}
    authority = Authority(directory / "tls")
    with Proxy(store, authority.issue()) as proxy:
        stage = Stage(directory, store, proxy, authority.ca_file)
        stage.write_segment(size)
        scenario.prepare(stage)
        yield stage
        for writer in stage.writers:
            writer.close()
