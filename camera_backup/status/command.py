"""`camera-backup status`."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

from camera_backup import config
from camera_backup.config import schema
from camera_backup.errors import ConfigError
from camera_backup.status import view
from camera_backup.status.gather import Gatherer, Place
from camera_backup.status.report import exit_code
from camera_backup.table import wants_colour

if TYPE_CHECKING:
    import argparse

_DEFAULT_STATE = str(next(key.default for key in schema.STORAGE.keys if key.name == "state_path"))

_EPILOG = """\
Reads files only: it answers at once, also when cameras, bucket or services hang. With the configuration and the
state directory readable it needs no root; it says what it could not read.

exit codes:
  0  every enabled camera is recording, nothing is stuck, and nothing was lost
  1  a camera is not recording, uploads are paused or stuck or too slow for good, the disk is at its reserve, footage
     was dropped for space within a day, the clock is not the store's, or nothing could be read
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup status`."""
    import argparse

    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--config", metavar="FILE", default=config.DEFAULT_PATH, help="default: %(default)s")
    parser.add_argument("--state", metavar="DIR", help="the state directory, where the configuration cannot be read")
    parser.add_argument("--json", action="store_true", help="numbers for machines: bytes, bit/s, epoch seconds")


def run(args: argparse.Namespace) -> int:
    """Print the status of this host; return 0 when it is well, else 1."""
    place, problem = _place(args.config, args.state)
    gatherer = Gatherer(place, time.time())
    if problem:
        gatherer.note(problem)
    host = gatherer.host()
    if args.json:
        sys.stdout.write(json.dumps(view.as_json(host), indent=2) + "\n")
    else:
        limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        sys.stdout.write(view.text(host, wants_colour(sys.stdout, os.environ), limit))
    return exit_code(host)


def _place(path: str, state: str | None) -> tuple[Place, str]:
    """Return where to look, and what was wrong with the configuration."""
    try:
        loaded = config.load(path)
    except ConfigError as error:
        count = len(error.problems)
        more = " (and %d more; see camera-backup check)" % (count - 1) if count > 1 else ""
        known = state or _DEFAULT_STATE
        return Place(known, None), "%s%s; told from %s alone" % (error.problems[0], more, known)
    return Place(state or loaded.storage.state_path, loaded), ""
