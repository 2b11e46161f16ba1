"""Time and memory of looking at very many waiting segments."""

from __future__ import annotations

import json
import statistics
import threading
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks import services, setting
from benchmarks.clients import Job, segment_name, write_config
from benchmarks.measure import MIB, Peak
from benchmarks.report import Section, spread, verdict
from camera_backup import paths
from tests.support.processes import free_ports, wait_until

SECONDS_TARGET = 2.0
MEMORY_TARGET = 20 * MIB
CAMERAS = 20

NOTE = """\
%s segments of %d cameras wait, each with its line in a ledger; the bucket cannot be reached. Scan: from the start of
the uploader until it tells how many wait. Paused: until its worker has looked, too, has tried, and given up for now.
Memory: the most its processes had together. Targets: %s segments cost ≤ 2 s of scan and ≤ 20 MiB more than %d."""


class Look(NamedTuple):
    """What one start of the uploader took: seconds until it had looked, and until it paused; bytes."""

    scan: float
    pause: float
    peak: int


def bench(directory: Path, segments: int, rounds: int) -> Section:
    """Measure with few and with many segments, in turn, and return the table."""
    header = ("waiting segments", "scan s", "more", "target", "paused s", "peak RSS MiB", "more", "target")
    numbers = format(segments, ","), CAMERAS, format(segments, ","), CAMERAS
    section = Section("Scan of waiting segments", NOTE % numbers, header)
    server = setting.Server("https://127.0.0.1:%d" % free_ports(1)[0], "")
    with setting.job(server, directory) as few, setting.job(server, directory) as many:
        _fill(few, 1)
        _fill(many, segments // CAMERAS)
        turns = [(_look(few, CAMERAS), _look(many, segments)) for _ in range(rounds)]
    base, full = ([turn[side] for turn in turns] for side in (0, 1))
    section.rows.append(_row(str(CAMERAS), base, ("", ""), ("", "")))
    seconds = statistics.median(b.scan - a.scan for a, b in turns)
    size = statistics.median(b.peak - a.peak for a, b in turns)
    more_time = "%.2f" % seconds, verdict(seconds, SECONDS_TARGET)
    more_memory = "%.1f" % (size / MIB), verdict(size, MEMORY_TARGET)
    section.rows.append(_row(format(segments, ","), full, more_time, more_memory))
    return section


def _row(name: str, looks: list[Look], time: tuple[str, str], memory: tuple[str, str]) -> tuple[str, ...]:
    scan, pause, peak = zip(*looks)
    return (name, spread(scan), *time, spread(pause), spread([one / MIB for one in peak], "%.1f"), *memory)


def _fill(job: Job, each: int) -> None:
    """Make `each` segments for every camera."""
    for camera in range(CAMERAS):
        name = "camera-%02d" % camera
        home = job.directory / "segments" / name
        home.mkdir()
        lines = []
        for number in range(each):
            (home / segment_name(number)).write_bytes(b"footage")
            record = {"event": "segment", "name": segment_name(number), "bytes": 7, "sha256": "0" * 64}
            lines.append(json.dumps({**record, "start": 0, "end": 1, "frames": 1, "how": "complete", "run": "bench"}))
        Path(paths.ledger(str(job.directory / "state"), name)).write_text("\n".join(lines) + "\n")


def _look(job: Job, expected: int) -> Look:
    cameras = [{"name": "camera-%02d" % n, "rtsp_url": "rtsp://127.0.0.1:1/stream"} for n in range(CAMERAS)]
    keys = {"access_key_id": "unused", "secret_access_key": "unused-secret", "bucket": "unused"}
    s3 = {**keys, "endpoint": job.endpoint}
    config = write_config(job, cameras=cameras, s3=s3, upload={"min_age": 0})
    status = Path(paths.uploader_status(str(job.directory / "state")))
    status.unlink(missing_ok=True)

    def reached(*states: str) -> bool:
        told = json.loads(status.read_text()) if status.exists() else {}
        return told.get("state") in states and told["backlog"].get("segments") == expected

    began = time.monotonic()
    with services.uploader(config, job.directory) as uploader:
        peak, done = Peak(uploader.pid), threading.Event()
        watcher = threading.Thread(target=peak.watch, args=(done,))
        watcher.start()
        try:
            wait_until(lambda: reached("uploading", "paused"), "the uploader has looked", 120, interval=0.01)
            scan = time.monotonic() - began
            wait_until(lambda: reached("paused"), "the uploader has paused", 120, interval=0.01)
        finally:
            pause = time.monotonic() - began
            done.set()
            watcher.join()
    return Look(scan, pause, peak.bytes)
