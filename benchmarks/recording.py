"""What supervision costs beside FFmpeg alone, on simulated cameras that send as real ones do."""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks import services
from benchmarks.clients import Job, write_config
from benchmarks.measure import MIB, busy_seconds, family, memory
from benchmarks.report import Section, spread, verdict
from camera_backup import paths
from tests.simulators.camera import FULL_HD, Camera, CameraProcess
from tests.support.processes import Program, running, wait_until

RSS_TARGET = 12 * MIB
PRIVATE_TARGET = 5 * MIB
CPU_TARGET = 1.03

NOTE = """\
%d cameras, 4 Mbit/s, one segment of TCP per packet as real cameras send; each is recorded by us and by a bare
`ffmpeg -i URL -c copy -f segment` side by side, for %d s. Percent of one core, median of the cameras [least–most].
Targets: supervisor ≤ 12 MiB RSS, ≤ 5 MiB private; supervisor and its FFmpeg ≤ 1.03 × bare FFmpeg."""


class Pair(NamedTuple):
    """One camera recorded twice: process ids of our supervisor, of its FFmpeg, and of the bare one."""

    supervisor: int
    child: int
    bare: int


def bench(directory: Path, cameras: int, seconds: float) -> Section:
    """Record side by side and return the table."""
    header = ("process", "% of a core", "RSS MiB", "PSS MiB", "private MiB", "target")
    section = Section("Recording: what supervision costs", NOTE % (cameras, seconds), header)
    place = directory / "recording"
    for name in ("segments", "state/ledger", "state/recorders"):
        (place / name).mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(CameraProcess())
        views = [server.add("bench-%d" % number, FULL_HD, pace=True) for number in range(cameras)]
        pairs = _start(stack, place, views)
        time.sleep(5)
        shares = _shares(pairs, seconds)
        section.rows += _rows(pairs, shares)
    return section


def _start(stack: contextlib.ExitStack, place: Path, views: list[Camera]) -> list[Pair]:
    job = Job(place, "https://127.0.0.1:1", "", "bench")
    cameras = [{"name": camera.name, "rtsp_url": camera.url} for camera in views]
    config = write_config(job, cameras=cameras, s3=_S3)
    started = []
    for camera in views:
        ours = stack.enter_context(services.recorder(config, camera.name, place))
        bare = stack.enter_context(running(_bare(camera, place), place / (camera.name + ".ffmpeg.log")))
        started.append((camera, ours, bare))
    for camera, ours, _ in started:
        wait_until(partial(_recording, place, camera.name), "recording, see %s" % ours.log, 60)
    return [Pair(ours.pid, _ffmpeg(ours), bare.pid) for _, ours, bare in started]


_S3 = {
    "access_key_id": "unused",
    "secret_access_key": "unused-secret",
    "bucket": "unused",
    "endpoint": "https://127.0.0.1:1",
}


def _bare(camera: Camera, place: Path) -> list[str]:
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-rtsp_transport", "tcp", "-i", camera.url]
    command += ["-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-f", "segment", "-segment_time", "3600"]
    return [*command, "-reset_timestamps", "1", str(place / (camera.name + "-%03d.mp4"))]


def _recording(place: Path, name: str) -> bool:
    path = Path(paths.recorder_status(str(place / "state"), name))
    return path.exists() and json.loads(path.read_text())["state"] == "recording"


def _ffmpeg(supervisor: Program) -> int:
    names = {pid: Path("/proc/%d/comm" % pid).read_text().strip() for pid in family(supervisor.pid)}
    return next(pid for pid, name in names.items() if name == "ffmpeg")


def _shares(pairs: list[Pair], seconds: float) -> list[list[float]]:
    """Return the percent of a core that every process took, in the order of a pair."""
    before = [[busy_seconds(pid) for pid in pair] for pair in pairs]
    time.sleep(seconds)
    after = [[busy_seconds(pid) for pid in pair] for pair in pairs]
    return [[100 * (late - early) / seconds for early, late in zip(*times)] for times in zip(before, after)]


def _rows(pairs: list[Pair], shares: list[list[float]]) -> list[tuple[str, ...]]:
    names = ("our supervisor", "its FFmpeg", "bare FFmpeg")
    rows = []
    for index, name in enumerate(names):
        each = [memory(pair[index]) for pair in pairs]
        rss, pss, private = (statistics.median(values) for values in zip(*each))
        worst = max(rss / RSS_TARGET, private / PRIVATE_TARGET)
        figures = ["%.1f" % (value / MIB) for value in (rss, pss, private)]
        cpu = spread([share[index] for share in shares])
        rows.append((name, cpu, *figures, verdict(worst, 1) if index == 0 else ""))
    supervisors, children, bare = (sum(values) for values in zip(*shares))
    ratio, alone = (supervisors + children) / bare, (supervisors + children) / children
    rows.append(("(supervisor + its FFmpeg) ÷ bare FFmpeg", "%.3f" % ratio, "", "", "", verdict(ratio, CPU_TARGET)))
    rows.append(("(supervisor + its FFmpeg) ÷ its FFmpeg", "%.3f" % alone, "", "", "", verdict(alone, CPU_TARGET)))
    return rows
