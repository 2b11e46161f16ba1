"""Run all probes side by side, each with its own time limit, and put what they found in the order of the table."""

from __future__ import annotations

import threading
from typing import Iterable, List, Sequence

from camera_backup import disk
from camera_backup.check import bucket, camera, clock, host, probe, program
from camera_backup.check.camera import Seen
from camera_backup.check.findings import CAMERA, HOST, WARNING, Finding
from camera_backup.check.program import Program
from camera_backup.check.tasks import Task
from camera_backup.model import Camera, Config

AT_ONCE = 16
"""Probes that run side by side: enough for 64 cameras in half a minute, without taking the processor from recorders."""

LIMIT = 10.0
"""Seconds for each step of asking the endpoint for its time."""

_GOODBYE = 5.0

Findings = List[Finding]


def offline(config: Config, warnings: Iterable[str]) -> Findings:
    """Given a valid configuration and what was said about it, return what can be found without any network."""
    found = program.look(config.recording.ffmpeg)
    rates = [0.0 for one in config.cameras if one.enabled]
    return [*_warned(warnings), program.finding(config.recording.ffmpeg, found), _disk(config, rates)]


def online(config: Config, warnings: Iterable[str]) -> Findings:
    """Given a valid configuration, look at everything it names and return the findings."""
    found = program.look(config.recording.ffmpeg)
    enabled = [one for one in config.cameras if one.enabled]
    places, stop = threading.Semaphore(AT_ONCE), threading.Event()
    skew = Task(lambda: _clock(config), places)
    stored = Task(lambda: bucket.findings(config.s3, config.locks), places)
    looks = [_look(one, config, found, places, stop) for one in enabled]
    try:
        seen = [look.result() if look else None for look in looks]
    finally:
        # All ended already, unless we were interrupted: then FFmpeg has to go before us.
        stop.set()
        for look in looks:
            look.abandon(_GOODBYE) if look else None
    return [
        *_warned(warnings),
        program.finding(config.recording.ffmpeg, found),
        _disk(config, [camera.bytes_per_second(one) if one else 0.0 for one in seen]),
        skew.result(),
        *(finding for one, result in zip(enabled, seen) for finding in _judged(one, result)),
        *stored.result(),
    ]


def _look(
    one: Camera, config: Config, found: Program, places: threading.Semaphore, stop: threading.Event
) -> Task[Seen] | None:
    path, version = found.path, found.version
    if path is None or version is None or not version.supported:
        return None
    return Task(lambda: probe.look(one, config.recording.stall_timeout, path, version, stop), places)


def _judged(one: Camera, seen: Seen | None) -> Findings:
    if seen is None:
        return [Finding(CAMERA, one.name, "stream", WARNING, "not looked at: that needs FFmpeg")]
    return camera.findings(one, seen)


def _warned(warnings: Iterable[str]) -> Findings:
    return [Finding(HOST, host.SUBJECT, "configuration", WARNING, text) for text in warnings]


def _disk(config: Config, rates: Sequence[float]) -> Finding:
    storage, path = config.storage, config.storage.local_path
    try:
        wrong = disk.problem(path, storage.state_path)
        if wrong is not None:
            return host.other_disk(wrong)
        load = host.Load(rates, config.recording.segment_duration)
        return host.disk_finding(path, host.disk(path), storage.min_free, load, storage.when_full)
    except OSError as error:
        return host.unreadable_disk(path, error.strerror or str(error))


def _clock(config: Config) -> Finding:
    try:
        return host.clock_finding(clock.skew(config.s3.endpoint, config.s3.ca_file, LIMIT))
    except (OSError, ValueError) as error:
        return host.clock_finding(None, str(error))
