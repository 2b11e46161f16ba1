"""What a supervisor costs: 64 of them have to fit on a small host, and all the CPU belongs to FFmpeg."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.simulators.camera import FULL_HD, CameraProcess
from tests.support.recorder import FFMPEGS, Host, name_of

SECONDS = 20


def kilobytes(pid):
    lines = Path("/proc/%d/smaps_rollup" % pid).read_text().splitlines()[1:]
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}


def nanoseconds(pid):
    """CPU time of a process and its threads, to the nanosecond (the ticks of /proc/PID/stat are too coarse)."""
    return sum(int(path.read_text().split()[0]) for path in Path("/proc/%d/task" % pid).glob("*/schedstat"))


@pytest.fixture(scope="module", params=FFMPEGS, ids=name_of)
def cost(request, tmp_path_factory):
    with CameraProcess() as cameras:
        camera = cameras.add("hd" + name_of(request.param).replace(".", ""), FULL_HD)
        host = Host(tmp_path_factory.mktemp("cost"), camera, request.param, segment_duration=3600)
        with host.record(0):
            pass  # Python has compiled and kept our modules now, as an installation does
        with host.record(4) as recorder:
            before = nanoseconds(recorder.pid), nanoseconds(recorder.ffmpeg)
            time.sleep(SECONDS)
            after = nanoseconds(recorder.pid), nanoseconds(recorder.ffmpeg)
            memory = kilobytes(recorder.pid)
        yield {
            "rss": memory["Rss"],
            "share": (after[0] - before[0]) / (after[1] - before[1]),
            "dirty": memory["Private_Dirty"],
        }


def test_a_supervisor_fits_sixty_four_times(cost):
    assert cost["rss"] <= 12 * 1024
    # What it shares with the other 63 (the interpreter itself) counts once.
    assert cost["dirty"] <= 5 * 1024


def test_a_supervisor_takes_next_to_no_cpu(cost):
    # Measured: 2.3 to 3 % of FFmpeg's own 0.9 % of a core, on a busy machine; twice that would be a mistake.
    assert cost["share"] <= 0.06
