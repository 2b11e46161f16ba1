"""Measuring a command to its end, or to ours."""

import os
import signal
import time

import pytest

from benchmarks import measure


class Interrupted(Exception):
    """Stands in for Ctrl-C."""


def test_what_is_measured_ends_when_the_benchmark_is_interrupted(tmp_path, monkeypatch):
    def interrupt(number, frame):
        raise Interrupted

    monkeypatch.setattr(measure, "_SAMPLE", 0.01)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    noted, began = tmp_path / "pid", time.monotonic()
    try:
        with pytest.raises(Interrupted):
            measure.run(["sh", "-c", "echo $$ > %s; exec sleep 20" % noted])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 10
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()), 0)
