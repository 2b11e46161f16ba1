"""Memory of the uploader while it waits."""

from __future__ import annotations

import json
import time
from pathlib import Path

from benchmarks import services, setting
from benchmarks.clients import Job, write_config
from benchmarks.measure import MIB, family, memory, resident
from benchmarks.report import Section, verdict
from camera_backup import paths
from tests.support.processes import wait_until

TARGET = 22 * MIB

NOTE = """\
`camera-backup upload` as a service with nothing to do, %d s after its start, and again %d s after it proved a segment.
All its processes together; PSS: shared pages divided among their users. Target: RSS ≤ 22 MiB."""

SETTLED = 5


def bench(directory: Path) -> Section:
    """Measure the waiting uploader and return the table."""
    header = ("uploader", "RSS MiB", "PSS MiB", "private MiB", "processes", "target")
    section = Section("Memory of the waiting uploader", NOTE % (SETTLED, SETTLED), header)
    files = setting.masters(directory / "idle-masters", 32 * MIB, 1)
    with setting.sink(directory, "idle", "content-md5") as server, setting.job(server, directory) as job:
        config = write_config(job, upload={"min_age": 0, "check_interval": 2})
        with services.uploader(config, job.directory) as uploader:
            wait_until(lambda: _state(job) == "idle", "the uploader is idle: " + uploader.tail())
            section.rows.append(_row("before the first segment", uploader.pid))
            setting.record(job, files)
            segment = job.source / files[0].path.name
            wait_until(lambda: not segment.exists(), "the segment is proven: " + uploader.tail(), 60)
            section.rows.append(_row("after a segment", uploader.pid))
    return section


def _state(job: Job) -> str:
    path = Path(paths.uploader_status(str(job.directory / "state")))
    return str(json.loads(path.read_text())["state"]) if path.exists() else ""


def _row(name: str, pid: int) -> tuple[str, ...]:
    time.sleep(SETTLED)
    members = family(pid)
    each = [memory(one) for one in members]
    rss, pss, private = (sum(values) for values in zip(*each))
    figures = ["%.1f" % (value / MIB) for value in (rss, pss, private)]
    return (name, *figures, str(len(members)), verdict(resident(pid), TARGET))
