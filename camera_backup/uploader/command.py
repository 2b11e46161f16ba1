"""`camera-backup upload`: what camera-uploader.service runs; with `--once`, all that is ready now, and no more."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Sequence

from camera_backup.uploader import parameters, plan

if TYPE_CHECKING:
    import argparse

    from camera_backup.uploader.parameters import Parameters
    from camera_backup.uploader.worker import Result

_LISTED = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup upload`."""
    parser.add_argument("--once", action="store_true", help="upload what is ready now, then end; 1 if anything is left")
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="a config.yaml to work by (default: the credential of the service, %s)" % parameters.DEFAULT_PATH,
    )


def load(config: str | None) -> dict[str, Any]:
    """Given the value of --config, return the parameters as in `uploader.json`; raise ConfigError."""
    if config is None:
        return parameters.read(parameters.locate(os.environ))
    # Imported late: the service has no need of YAML.
    from camera_backup import config as configuration

    return configuration.uploader_file(configuration.load(config))


def run(args: argparse.Namespace) -> int:
    """Work until stopped, or once; return the exit code."""
    source = args.config or parameters.locate(os.environ)
    if args.once:
        return _once(parameters.parse(load(args.config), source))
    from camera_backup.recorder.notify import Notifier
    from camera_backup.uploader.service import Service, Signals

    return Service(lambda: load(args.config), source, Notifier(os.environ), Signals()).run()


def _once(given: Parameters) -> int:
    from camera_backup.bucket.stopping import Stop
    from camera_backup.uploader import lease, skew, worker

    stop = Stop()

    def asked(*_: object) -> None:
        stop.set()
        signal.alarm(3)  # as in the worker of the service: what was sent is remembered at any moment

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, asked)
    lease.prepare()
    told: dict[str, Any] = {}
    result = worker.work(given, stop, told.update)
    differs = told.get("clock_skew")
    if differs is not None and skew.is_marked(differs):
        _say("upload: %s: what was uploaded is marked" % skew.words(differs))
    why = "interrupted; what was sent is used by the next run" if stop.is_set() else ""
    if result.pause is not None:
        why = result.pause.words
    return _told(result, _waiting(given) if why else [], why)


def _waiting(given: Parameters) -> list[tuple[str, str]]:
    """Return the first segments that are still there."""
    found = plan.survey(given.storage.local_path, time.time(), given.upload.min_age, _LISTED)
    return found.candidates()[:_LISTED]


def _told(result: Result, waiting: Sequence[tuple[str, str]], why: str) -> int:
    """Say what is left, one line a segment, and return the exit code.

    waiting: segments that were not tried because the run ended early; why: it did, empty if it did not
    """
    left = {**dict.fromkeys(waiting, "not tried: " + why), **result.undone}
    for camera, name in sorted(left)[:_LISTED]:
        _say("%s/%s: kept: %s" % (camera, name, left[camera, name]))
    if len(left) >= _LISTED:
        _say("and possibly more than these %d" % _LISTED)
    if why:
        _say("upload: stopped: " + why)
    return 1 if left or why else 0


def _say(text: str) -> None:
    from camera_backup.journal import redact

    sys.stderr.write(redact(text) + "\n")
