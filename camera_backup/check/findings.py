"""What a check found, and what that means. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable

from camera_backup.errors import CameraError, HostError, StoreError

OK, WARNING, PROBLEM = "ok", "warning", "problem"

HOST, CAMERA, BUCKET = "host", "camera", "bucket"

# In the order in which an operator has to repair them: without the host nothing is recorded, without a camera its
# footage is lost for ever, without the bucket it only waits.
_EXIT_CODES = {HOST: HostError.exit_code, CAMERA: CameraError.exit_code, BUCKET: StoreError.exit_code}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    area: `host`, `camera` or `bucket`; decides the exit code of a problem
    subject: what it is about, in the words of the table: `this host`, `front-door`, `bucket camera-backups`
    item: which property: `login`, `disk`
    level: `ok`, `warning` (footage is safe, something should be better) or `problem` (footage would be lost or stuck)
    text: what was seen
    advice: what to do about it; empty when all is well
    """

    area: str
    subject: str
    item: str
    level: str
    text: str
    advice: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """Given all findings, return 0, or the code of the first area with a problem: host 4, camera 5, bucket 6."""
    return min((_EXIT_CODES[finding.area] for finding in findings if finding.level == PROBLEM), default=0)


def summary(findings: Iterable[Finding]) -> str:
    """Given all findings, return one line: how many problems and warnings, and where."""
    found = list(findings)
    parts = [_counted(found, level) for level in (PROBLEM, WARNING)]
    text = ", ".join(part for part in parts if part)
    return text or "all well"


def _counted(findings: list[Finding], level: str) -> str:
    hit = [finding for finding in findings if finding.level == level]
    if not hit:
        return ""
    subjects = list(dict.fromkeys(finding.subject for finding in hit))
    where = ", ".join(subjects[:5]) + (" and %d more" % (len(subjects) - 5) if len(subjects) > 5 else "")
    return "%d %s%s (%s)" % (len(hit), level, "" if len(hit) == 1 else "s", where)
