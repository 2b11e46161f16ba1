"""Where a benchmark happens: master files made once, a fresh place for every run, servers over TLS."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

from benchmarks.clients import ACCESS_KEY, CAMERA, SECRET_KEY, Job, segment_name
from benchmarks.measure import MIB
from tests.support.processes import Program, wait_until
from tests.support.s3_servers import ROOT, plain_client, program

BUCKET = "bench"


class Master(NamedTuple):
    """A file that every run gets a hard link to, and its SHA-256 as the recorder would have written it down."""

    path: Path
    sha256: str


class Server(NamedTuple):
    """A server that was started for a benchmark."""

    endpoint: str
    ca_file: str

    def stored(self) -> dict[str, int]:
        """Return the key and size of what the bucket holds, probes of ours left out."""
        client = plain_client(self.endpoint, ACCESS_KEY, SECRET_KEY, self.ca_file)
        listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {item["Key"]: item["Size"] for item in listed if item["Size"] > MIB}

    def empty(self) -> None:
        """Remove all objects, so that no run meets those of another."""
        client = plain_client(self.endpoint, ACCESS_KEY, SECRET_KEY, self.ca_file)
        for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            client.delete_object(Bucket=BUCKET, Key=item["Key"])


def masters(directory: Path, size: int, count: int, first: int = 0) -> list[Master]:
    """Make `count` segments of `size` bytes that no program can compress, an hour old, named from the `first` on."""
    directory.mkdir(exist_ok=True)
    return [_master(directory / segment_name(number), size, number) for number in range(first, first + count)]


def _master(path: Path, size: int, seed: int) -> Master:
    generator, digest = random.Random(seed), hashlib.sha256()
    with path.open("wb") as stream:
        for offset in range(0, size, MIB):
            block = generator.getrandbits(8 * MIB).to_bytes(MIB, "big")[: size - offset]
            stream.write(block)
            digest.update(block)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    return Master(path, digest.hexdigest())


@contextlib.contextmanager
def job(server: Server, directory: Path) -> Iterator[Job]:
    """Give a fresh place below `directory`."""
    with tempfile.TemporaryDirectory(prefix="job-", dir=directory) as home:
        place = Job(Path(home), server.endpoint, server.ca_file, BUCKET)
        place.source.mkdir(parents=True)
        for name in ("ledger", "recorders"):
            (place.directory / "state" / name).mkdir(parents=True)
        yield place


def record(place: Job, files: Sequence[Master]) -> None:
    """Put the files where their recorder would have published them, and write its ledger."""
    for master in files:
        os.link(master.path, place.source / master.path.name)
    ledger = place.directory / "state" / "ledger" / (CAMERA + ".jsonl")
    with ledger.open("a") as stream:
        stream.writelines(_ledger_line(master) + "\n" for master in files)


def _ledger_line(master: Master) -> str:
    status = master.path.stat()
    fields = {"event": "segment", "name": master.path.name, "bytes": status.st_size, "sha256": master.sha256}
    times = {"start": status.st_mtime - 3600, "end": status.st_mtime, "frames": 90000}
    return json.dumps({**fields, **times, "how": "complete", "run": "bench"})


@contextlib.contextmanager
def sink(directory: Path, name: str, enforce: str) -> Iterator[Server]:
    """Give a server of its own process that enforces these checks on small bodies and discards the large ones."""
    tls = directory / (name + "-tls")
    python = program("CAMERA_BACKUP_PYTHON", ".venv/bin/python")
    command = [python, "-m", "tests.simulators.s3_proxy", "--backend", "sink", "--bucket", BUCKET]
    log = directory / (name + ".log")
    running = Program([*command, "--enforce", enforce, "--tls", str(tls)], log, {**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        wait_until(lambda: b"\n" in log.read_bytes(), "the sink: %s" % log)
        yield Server(**json.loads(log.read_text().splitlines()[0]))
    finally:
        running.stop()
