"""Findings as a table for people and as JSON for machines. Pure."""

from __future__ import annotations

from typing import Any, Iterable, Sequence

from camera_backup.check.findings import OK, PROBLEM, WARNING, Finding, exit_code, summary
from camera_backup.table import BAD, WARN, Cell, Row, paint, render
from camera_backup.table import OK as GREEN

_STATES = {OK: GREEN, WARNING: WARN, PROBLEM: BAD}


def text(findings: Sequence[Finding], colour: bool, limit: int | None) -> str:
    """Given all findings, return the table grouped by subject, what to do under each that is not well, and the verdict.

    limit: columns of the terminal; None for no wrapping
    """
    table = render(_rows(findings), ("WHAT", "", "RESULT", "SEEN"), (), colour, limit)
    worst = BAD if exit_code(findings) else WARN if any(f.level == WARNING for f in findings) else GREEN
    return table + "\n" + paint(summary(findings), worst, colour) + "\n"


def _rows(findings: Iterable[Finding]) -> list[Row]:
    rows: list[Row] = []
    previous = ""
    for finding in findings:
        state = _STATES[finding.level]
        subject = finding.subject if finding.subject != previous else ""
        rows.append([subject, finding.item, Cell(finding.level, state), finding.text])
        if finding.advice and finding.level != OK:
            rows.append(["", "", "", Cell("→ " + finding.advice, state)])
        previous = finding.subject
    return rows


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Given all findings, return what `--json` prints."""
    code = exit_code(findings)
    return {
        "ok": code == 0,
        "exit_code": code,
        "summary": summary(findings),
        "findings": [
            {
                "area": finding.area,
                "subject": finding.subject,
                "item": finding.item,
                "level": finding.level,
                "text": finding.text,
                "advice": finding.advice or None,
            }
            for finding in findings
        ],
    }
