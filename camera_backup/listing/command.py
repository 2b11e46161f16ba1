"""`camera-backup list`."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Sequence

from camera_backup import config, ledger, paths
from camera_backup.errors import UsageError
from camera_backup.listing import source, view
from camera_backup.listing.footage import Footage, Gap, explained, gaps, with_lengths
from camera_backup.listing.ranges import Range, moment
from camera_backup.model import Config
from camera_backup.segments import CAMERA_NAME
from camera_backup.table import wants_colour

if TYPE_CHECKING:
    import argparse

_EPILOG = """\
Times are UTC: the day 2026-11-22, or a moment as 2026-11-22T13:00, with Z or an offset as +01:00 if you like.
--from and --to show footage that lies at least partly between them; a bare day as --to includes that day.
A length with ~ is inferred: it reaches to the next segment. Exact ones come from this host's ledger, or with --long
from the bucket itself (one request for each object).

exit codes: 0 listed, 2 usage, 3 configuration refused, 6 the bucket
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup list`."""
    import argparse

    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("camera", metavar="CAMERA", nargs="?", help="a camera, configured or not")
    which.add_argument("--all", action="store_true", help="every camera that has anything in the bucket")
    parser.add_argument("--from", dest="start", metavar="TIME", help="footage from then on")
    parser.add_argument("--to", dest="end", metavar="TIME", help="footage up to then")
    parser.add_argument("--long", action="store_true", help="exact lengths, SHA-256, host, marks of a wrong clock")
    parser.add_argument("--config", metavar="FILE", default=config.DEFAULT_PATH, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="numbers for machines: bytes, seconds, epoch seconds")


def run(args: argparse.Namespace) -> int:
    """Print what the bucket holds; raise UsageError, ConfigError or StoreError."""
    wanted = _range(args.start, args.end)
    if args.camera and not CAMERA_NAME.match(args.camera):
        raise UsageError("CAMERA: %r is no name of a camera; accepted: letters, digits, _ and -" % args.camera)
    loaded = config.load(args.config)
    # Imported late: botocore takes a quarter of a second, and a mistyped time should not.
    from camera_backup.bucket.client import Bucket

    store = Bucket(loaded.s3)
    names = source.cameras(store) if args.all else [args.camera]
    listed = {name: _listed(store, loaded, name, wanted, args.long) for name in names}
    missing = {name: _missing(loaded, name, found.footage, wanted) for name, found in listed.items()}
    sys.stdout.write(_json(listed, missing) if args.json else _text(listed, missing, args.long))
    return 0


def _range(start: str | None, end: str | None) -> Range:
    wanted = Range(
        moment(start, "--from") if start is not None else None,
        moment(end, "--to", whole_day=True) if end is not None else None,
    )
    if wanted.start is not None and wanted.end is not None and wanted.start >= wanted.end:
        raise UsageError("--from %s is not before --to %s" % (start, end))
    return wanted


def _listed(store: source.Store, loaded: Config, name: str, wanted: Range, long: bool) -> source.Found:
    longest = loaded.recording.segment_duration
    found = source.read(store, name, wanted, longest)
    items = source.with_metadata(store, found.footage) if long else found.footage
    items = with_lengths(items, _known(loaded, name), longest)
    return found._replace(footage=[item for item in items if wanted.holds(item.start, _at_least(item))])


def _at_least(item: Footage) -> float:
    return item.seconds if item.seconds is not None else 1.0


def _known(loaded: Config, name: str) -> dict[str, float]:
    """Return the lengths that this host measured itself, if it is one that recorded this camera."""
    try:
        recorded = ledger.segments(ledger.read(paths.ledger(loaded.storage.state_path, name)))
    except OSError:
        return {}
    return {record.name: record.end - record.start for record in recorded.values()}


def _missing(loaded: Config, name: str, found: Sequence[Footage], wanted: Range) -> list[Gap]:
    """Return the gaps of a camera, and which of them this host dropped for space."""
    try:
        dropped = ledger.read_dropped(paths.ledger(loaded.storage.state_path, name))
    except OSError:
        dropped = []
    inside = [one for one in dropped if wanted.holds(int(one.start), one.end - one.start)]
    return explained(found, gaps(found).values(), inside)


def _text(listed: dict[str, source.Found], missing: dict[str, list[Gap]], long: bool) -> str:
    colour = wants_colour(sys.stdout, os.environ)
    parts = []
    for name, found in listed.items():
        table = view.table(found.footage, missing[name], long, colour)
        note = view.foreign_note(found.foreign) if found.foreign else ""
        parts.append("%s%s\n%s" % (table, view.summary(name, found.footage, missing[name]), note))
    return "\n".join(parts) or "the bucket holds no footage\n"


def _json(listed: dict[str, source.Found], missing: dict[str, list[Gap]]) -> str:
    value: dict[str, Any] = {}
    for name, found in listed.items():
        value[name] = {**view.as_json(found.footage, missing[name]), "foreign_objects": found.foreign}
    return json.dumps({"cameras": value}, indent=2) + "\n"
