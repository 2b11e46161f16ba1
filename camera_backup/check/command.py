"""`camera-backup check`."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

from camera_backup import config, journal
from camera_backup.check import run as probes
from camera_backup.check import view
from camera_backup.check.findings import exit_code
from camera_backup.config import advice
from camera_backup.errors import ConfigError
from camera_backup.table import wants_colour

if TYPE_CHECKING:
    import argparse

_EPILOG = """\
Validates the configuration, then looks at FFmpeg, the disk, the clock, every enabled camera (some seconds of its
stream, with the very FFmpeg that will record it) and the bucket (with tiny objects of our own, removed afterwards).
Nothing is changed. Recorders may run meanwhile; each camera gets one more viewer for some seconds.

exit codes:
  0  all well; there may be warnings
  3  the configuration is refused (nothing else was looked at)
  4  this host has a problem: FFmpeg, disk, clock
  5  a camera has a problem
  6  the bucket has a problem
With problems of several kinds, the smallest of these: they are to be repaired in that order.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup check`."""
    import argparse

    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "file", metavar="FILE", nargs="?", default=config.DEFAULT_PATH, help="the configuration (default: %(default)s)"
    )
    parser.add_argument(
        "--offline", action="store_true", help="no network: the configuration, FFmpeg and the disk only"
    )
    parser.add_argument("--json", action="store_true", help="findings for machines")


def run(args: argparse.Namespace) -> int:
    """Print the findings; return the exit code they earn; raise ConfigError for a refused configuration."""
    try:
        loaded = config.load(args.file)
    except ConfigError as error:
        if not args.json:
            raise
        refused = {"ok": False, "exit_code": error.exit_code, "problems": [journal.redact(p) for p in error.problems]}
        sys.stdout.write(json.dumps(refused, indent=2, ensure_ascii=False) + "\n")
        return error.exit_code
    warnings = [*advice.warnings(loaded), *advice.file_warnings(args.file)]
    found = (probes.offline if args.offline else probes.online)(loaded, warnings)
    if args.json:
        sys.stdout.write(json.dumps(view.as_json(found), indent=2, ensure_ascii=False) + "\n")
    else:
        limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        sys.stdout.write(view.text(found, wants_colour(sys.stdout, os.environ), limit))
    return exit_code(found)
