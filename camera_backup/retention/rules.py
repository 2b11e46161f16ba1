"""Lifecycle rules: which ones the configuration asks for, and how they join those that are there. Pure.

A rule is a mapping as S3 has it. Ours are known by their ids, each of which belongs to one prefix; every other rule is
passed on untouched.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, Sequence

from camera_backup.model import Config

if TYPE_CHECKING:
    from camera_backup.bucket.client import Rule

MOST_RULES = 1000
"""S3 accepts no more in one bucket."""


class Plan(NamedTuple):
    """What is there and what should be. `before`, `after`: all rules; `lines`: what changes, in words."""

    before: list[Rule]
    after: list[Rule]
    lines: list[str]


def prefixes(config: Config) -> list[str]:
    """Return the beginnings of all keys of this host, and of nobody else: without a prefix, those of its cameras."""
    if config.s3.prefix:
        return [config.s3.prefix + "/"]
    return sorted(camera.name + "/" for camera in config.cameras)


def name(prefix: str) -> str:
    """Return the id of our rule for a prefix; short, as an id has at most 255 characters."""
    return "camera-backup-" + hashlib.sha256(prefix.encode()).hexdigest()[:16]


def wanted(prefix: str, retention_days: int | None, abort_incomplete_days: int | None) -> Rule | None:
    """Return our rule for a prefix, None when nothing is asked for."""
    rule: Rule = {"ID": name(prefix), "Filter": {"Prefix": prefix}, "Status": "Enabled"}
    if retention_days is not None:
        rule["Expiration"] = {"Days": retention_days}
    if abort_incomplete_days is not None:
        rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": abort_incomplete_days}
    return rule if len(rule) > 3 else None


def plan(present: Sequence[Rule], config: Config) -> Plan:
    """Given the rules of a bucket, return what the configuration makes of them. Rules of others stay as they are."""
    before = list(present)
    after, lines = list(before), []
    for prefix in prefixes(config):
        ours = [rule for rule in after if rule.get("ID") == name(prefix)]
        rule = wanted(prefix, config.s3.retention_days, config.s3.abort_incomplete_days)
        if ours == ([rule] if rule else []):
            continue
        lines.append("%s: %s → %s" % (prefix, _words(ours[0] if ours else None), _words(rule)))
        after = [other for other in after if other.get("ID") != name(prefix)] + ([rule] if rule else [])
    return Plan(before, after, lines)


def _words(rule: Rule | None) -> str:
    if rule is None:
        return "no rule of ours"
    days = rule.get("Expiration", {}).get("Days")
    aborted = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
    parts = ["footage expires %s days after its upload" % days] if days is not None else []
    parts += ["unfinished uploads are aborted after %s days" % aborted] if aborted is not None else []
    off = "" if rule.get("Status") == "Enabled" else " (switched off)"
    return (", ".join(parts) or "a rule we did not write") + off


def same(left: Sequence[Rule], right: Sequence[Rule]) -> bool:
    """Say whether two lists hold the same rules; a store may give them back in another order."""
    return sorted(left, key=_place) == sorted(right, key=_place)


def _place(rule: Rule) -> str:
    return str(rule.get("ID", "")) + repr(sorted(rule))
