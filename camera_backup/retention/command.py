"""`camera-backup retention`."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from camera_backup import config
from camera_backup.errors import StoreError
from camera_backup.retention import rules

if TYPE_CHECKING:
    import argparse

    from camera_backup.bucket.client import Bucket
    from camera_backup.model import Config

_EPILOG = """\
Shows the lifecycle rules that s3.retention_days and s3.abort_incomplete_days ask for, below the prefix of this host
only, and what would change; rules of others stay as they are. With --apply they are written, and read back.
Run it in one place at a time: S3 replaces all rules of a bucket at once. The key needs s3:GetLifecycleConfiguration and
s3:PutLifecycleConfiguration, which the key of the uploader needs not.

exit codes: 0 as asked for, 1 something would change (without --apply), 3 configuration refused, 6 the bucket
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup retention`."""
    import argparse

    parser.epilog = _EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--apply", action="store_true", help="write the rules")
    parser.add_argument("--config", metavar="FILE", default=config.DEFAULT_PATH, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(args: argparse.Namespace) -> int:
    """Show or set the rules; return the exit code; raise ConfigError or StoreError."""
    loaded = config.load(args.config)
    # Imported late: botocore takes a quarter of a second.
    from camera_backup.bucket.client import Bucket

    bucket = Bucket(loaded.s3)
    try:
        plan = _read(bucket, loaded)
        applied = bool(plan.lines) and args.apply
        if applied:
            _write(bucket, plan)
        notes = _notes(loaded, plan, bucket.versioning(), time.time())
    finally:
        bucket.close()
    sys.stdout.write(_json(plan, applied, notes) if args.json else _text(plan, applied, notes))
    return 0 if applied or not plan.lines else 1


def _read(bucket: Bucket, loaded: Config) -> rules.Plan:
    present = bucket.lifecycle()
    if present is None:
        raise StoreError(_CANNOT % loaded.s3.endpoint)
    plan = rules.plan(present, loaded)
    if len(plan.after) > rules.MOST_RULES:
        raise StoreError("the bucket would have %d lifecycle rules, S3 allows 1000" % len(plan.after))
    return plan


_CANNOT = "%s does not do lifecycle rules: set them in the provider's console, if it has any"


def _write(bucket: Bucket, plan: rules.Plan) -> None:
    """Write all rules and read them back: some stores accept what they do not keep."""
    if not rules.same(bucket.lifecycle() or [], plan.before):
        raise StoreError("the lifecycle rules changed meanwhile, nothing was written: run this again")
    bucket.set_lifecycle(plan.after)
    if not rules.same(bucket.lifecycle() or [], plan.after):
        raise StoreError("the store accepted the lifecycle rules and shows others: look at them in its console")


def _notes(loaded: Config, plan: rules.Plan, versioning: str | None, now: float) -> list[str]:
    """Return what an operator has to know about the rules asked for."""
    days, notes = loaded.s3.retention_days, []
    if days is not None:
        day = time.strftime("%Y-%m-%d", time.gmtime(now - days * 86400))
        notes.append("once the rules are set, what was uploaded before %s vanishes, within a day or two" % day)
        if versioning:
            notes.append("the bucket is versioned: expired footage is hidden, its versions stay until a rule ends them")
        if versioning is None:
            notes.append("whether the bucket is versioned is not known; in one that is, versions outlive their expiry")
    others = sum(rule in plan.after for rule in plan.before if not str(rule.get("ID")).startswith("camera-backup-"))
    if others:
        notes.append("%d rules of others stay as they are" % others)
    return notes


def _text(plan: rules.Plan, applied: bool, notes: list[str]) -> str:
    head = "set and read back:" if applied else "would change (--apply does it):" if plan.lines else "as asked for"
    return "\n".join([head, *("  " + line for line in plan.lines), *notes]) + "\n"


def _json(plan: rules.Plan, applied: bool, notes: list[str]) -> str:
    value = {"applied": applied, "changes": plan.lines, "rules": plan.after, "notes": notes}
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"
