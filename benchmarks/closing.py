"""What it costs to close a segment: remuxed to open at once, hashed, published; and to repair one after a crash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.clients import CAMERA
from benchmarks.measure import MIB, Cost, run
from benchmarks.report import Section

HOUR = 4_000_000 / 8 * 3600

NOTE = """\
%d MiB of 4 Mbit/s, fragmented as FFmpeg 5.1 leaves it, scaled to an hour (1.8 GB). FFmpeg 7.1 and newer need no remux
of a segment that was closed in order. "cp": the same bytes copied by cp and hashed by sha256sum, for comparison."""


def bench(directory: Path, size: int) -> Section:
    """Close and repair a segment and return the table."""
    place = directory / "closing"
    whole = _footage(place, size)
    header = ("what", "CPU s per camera-hour", "wall s per camera-hour", "peak RSS MiB")
    section = Section("Recording: what closing a segment costs", NOTE % (size // MIB), header)
    cut = place / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: -size // 100])
    scale = HOUR / whole.stat().st_size
    for name, path in (("closed in order", whole), ("repaired after a crash", cut)):
        section.rows.append(_row(name, _finish(place / name.replace(" ", "-"), path), scale))
    copy = "cp %s %s && sha256sum %s" % (whole, place / "copy.mp4", place / "copy.mp4")
    section.rows.append(_row("cp", run(["sh", "-c", copy]), scale))
    return section


def _row(name: str, cost: Cost, scale: float) -> tuple[str, ...]:
    if cost.status != 0:
        raise RuntimeError("%s: ended with %d:\n%s" % (name, cost.status, cost.output))
    return (name, "%.1f" % (cost.cpu * scale), "%.1f" % (cost.wall * scale), "%.1f" % (cost.peak / MIB))


def _footage(place: Path, size: int) -> Path:
    """Make a fragmented recording of about `size` bytes."""
    place.mkdir()
    quiet = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin"]
    source = "testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t"
    rate = ["-preset", "veryfast", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-g", "50"]
    clip, whole = str(place / "clip.mp4"), place / "whole.mp4"
    subprocess.run([*quiet, "-f", "lavfi", "-i", source, "-t", "8", "-c:v", "libx264", *rate, clip], check=True)
    fragmented = ["-movflags", "+frag_keyframe+empty_moov+default_base_moof"]
    loops = str(int(size / Path(clip).stat().st_size))
    subprocess.run([*quiet, "-stream_loop", loops, "-i", clip, "-c", "copy", *fragmented, str(whole)], check=True)
    return whole


def _finish(place: Path, recording: Path) -> Cost:
    """Let our finisher find a recording among what a killed run left."""
    spool = place / "segments" / CAMERA / ".spool" / "20231114T000000Z-1"
    spool.mkdir(parents=True)
    (place / "state" / "ledger").mkdir(parents=True)
    recording.rename(spool / "20231114_000000.mp4")
    places = [str(place / "segments"), str(place / "state"), CAMERA, "ffmpeg"]
    cost = run([sys.executable, "-m", "camera_backup.recorder.finish", "leftovers", *places])
    published = spool.parent.parent / "20231114_000000.mp4"
    if not published.exists():
        raise RuntimeError("%s was not published:\n%s" % (published, cost.output))
    published.rename(recording)
    return cost
