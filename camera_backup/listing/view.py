"""Footage as tables and as JSON. Pure."""

from __future__ import annotations

from typing import Any, Sequence

from camera_backup import measures
from camera_backup.listing.footage import Footage, Gap, totals
from camera_backup.table import BAD, WARN, Cell, Row, render

_HEADER = ("START (UTC)", "LENGTH", "SIZE", "KEY")
_LONG = ("SHA-256", "HOST")
_RIGHT = (1, 2)


def rows(found: Sequence[Footage], gaps: Sequence[Gap], long: bool) -> list[Row]:
    """Given one camera's footage and its gaps, each in order of time, return the rows of its table."""
    timed: list[tuple[float, int, Row]] = [(item.start, 0, _row(item, long)) for item in found]
    timed += [(gap.start, 1, _gap_row(gap, long)) for gap in gaps]
    return [row for _, _, row in sorted(timed, key=lambda one: one[:2])]


def _row(item: Footage, long: bool) -> Row:
    cells = [measures.moment(item.start), _length(item), measures.size(item.bytes)]
    state = WARN if _remark(item) else ""
    if long:
        cells += [item.sha256 or "-", item.host or "-"]
    return [*cells, Cell(item.key + _remark(item), state)]


def _length(item: Footage) -> str:
    if item.seconds is None:
        return "-"
    return ("" if item.exact else "~") + measures.duration(item.seconds)


def _remark(item: Footage) -> str:
    remarks = ["other bytes for the same time"] if item.conflict else []
    remarks += ["unrepaired"] if item.damaged else []
    remarks += ["recorded by a wrong clock: add %+d s" % item.clock] if item.clock else []
    remarks += ["uploaded while the store's clock differed by %+d s" % item.clock_skew] if item.clock_skew else []
    return "  (%s)" % ", ".join(remarks) if remarks else ""


def _gap_row(gap: Gap, long: bool) -> Row:
    text = Cell("no footage: dropped for space" if gap.cause == "dropped" else "no footage", BAD)
    cells = [Cell(measures.moment(gap.start), BAD), Cell(measures.duration(gap.end - gap.start), BAD)]
    return [*cells, *([""] * (3 if long else 1)), text]


def table(found: Sequence[Footage], gaps: Sequence[Gap], long: bool, colour: bool) -> str:
    """Given one camera's footage, return its table."""
    header = [*_HEADER[:3], *(_LONG if long else ()), _HEADER[3]]
    return render(rows(found, gaps, long), header, _RIGHT, colour)


def summary(camera: str, found: Sequence[Footage], gaps: Sequence[Gap]) -> str:
    """Return one line: how much there is of a camera, and how much is missing in between."""
    count, size, seconds = totals(found)
    missing = sum(gap.end - gap.start for gap in gaps)
    lost = "; %s, %s without footage" % (measures.plural(len(gaps), "gap"), measures.duration(missing)) if gaps else ""
    if not count:
        return "%s: nothing in the bucket%s" % (camera, lost)
    inexact = any(not item.exact for item in found)
    return "%s: %s, %s, %s%s%s" % (
        camera,
        measures.plural(count, "segment"),
        measures.size(size),
        "about " if inexact else "",
        measures.duration(seconds),
        lost,
    )


def foreign_note(count: int) -> str:
    """Return the line about objects that are not ours."""
    return "%s there that camera-backup did not write\n" % measures.plural(count, "object")


def as_json(found: Sequence[Footage], gaps: Sequence[Gap]) -> dict[str, Any]:
    """Given one camera's footage and gaps, return what `--json` prints about it. Times in epoch seconds, UTC."""
    count, size, seconds = totals(found)
    return {
        "segments": [_object(item) for item in found],
        "gaps": [{"start": gap.start, "end": gap.end, "cause": gap.cause or None} for gap in gaps],
        "total": {"segments": count, "bytes": size, "seconds": seconds},
    }


def _object(item: Footage) -> dict[str, Any]:
    fields: dict[str, Any] = {"key": item.key, "name": item.name, "start": item.start, "bytes": item.bytes}
    fields.update(seconds=item.seconds, seconds_exact=item.exact, conflict=item.conflict, damaged=item.damaged)
    fields.update(sha256=item.sha256, host=item.host, clock=item.clock, clock_skew=item.clock_skew)
    return fields
