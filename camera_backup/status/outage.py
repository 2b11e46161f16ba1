"""Since when a camera is not recorded, and why. Pure; times in epoch seconds."""

from __future__ import annotations

from typing import Any, Sequence

from camera_backup import ledger
from camera_backup.status.live import Recorder
from camera_backup.status.report import Outage


def of_waiting(live: Recorder, events: Sequence[dict[str, Any]]) -> Outage:
    """Given a recorder that lives but does not record, and the end of its ledger, return the outage.

    The ledger knows since when; the recorder knows best why: causes may change while a gap lasts.
    """
    gap = _ongoing(events)
    return Outage(gap.start if gap else live.since, live.cause or (gap.cause if gap else live.state), live.detail or "")


def of_dead(last: Recorder | None, reason: str, events: Sequence[dict[str, Any]]) -> Outage:
    """Given what a recorder that is no more said last, why it is taken for dead, and its ledger, return the outage."""
    gap = _ongoing(events)
    if gap is not None:
        return Outage(gap.start, gap.cause, gap.detail or "")
    marks = [event for event in events if event.get("event") in ("run", "stop")]
    if marks and marks[-1]["event"] == "stop":
        at = marks[-1].get("at")
        return Outage(float(at) if isinstance(at, (int, float)) else None, "stopped")
    ends = [record.end for record in ledger.segments(events).values()]
    since = max([*ends, *([last.last_media] if last and last.last_media else [])], default=None)
    return Outage(since, reason)


def _ongoing(events: Sequence[dict[str, Any]]) -> ledger.Gap | None:
    # `until` only gives the open gap an end; any moment after its start will do.
    found = [gap for gap in ledger.gaps(events, float("inf")) if gap.ongoing]
    return found[-1] if found else None
