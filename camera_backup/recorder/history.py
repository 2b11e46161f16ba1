"""What happened before we started: which gap are we in? Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


class Gaps:
    """The gap a camera is in, if any, and the events that say so. A camera is in one gap at a time."""

    def __init__(self, run: str, identity: str | None = None, cause: str | None = None) -> None:
        self._run = run
        self._count = 0
        self.identity = identity
        self.cause = cause

    def begin(self, moment: float, cause: str, detail: str | None) -> list[dict[str, Any]]:
        """From `moment` on nothing is recorded, because of `cause`. The same cause again opens no second gap."""
        if self.identity is not None and self.cause == cause:
            return []
        events = self.end(moment)
        self._count += 1
        self.identity, self.cause = "%s.%d" % (self._run, self._count), cause
        return [*events, {"event": "gap", "id": self.identity, "start": moment, "cause": cause, "detail": detail}]

    def end(self, moment: float) -> list[dict[str, Any]]:
        """From `moment` on there is media."""
        if self.identity is None:
            return []
        events = [{"event": "gap_end", "id": self.identity, "end": moment}]
        self.identity = self.cause = None
        return events


class Past:
    """What the last events of a ledger say about the run before ours.

    boot_id: of the host when it started; None when there was no run
    stopped: it ended because it was asked to
    last_media: end of the last segment written down
    gap: (id, cause, start) of the gap that is still open
    """

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self.boot_id: str | None = None
        self.stopped = False
        self.last_media: float | None = None
        self.gap: tuple[str, str, float] | None = None
        for event in events:
            try:
                self._take(event)
            except (KeyError, TypeError, ValueError):
                continue

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "run":
            self.boot_id, self.stopped = str(event["boot_id"]), False
        elif kind == "stop":
            self.stopped = True
        elif kind == "segment":
            self.last_media = max(float(event["end"]), self.last_media or 0.0)
        elif kind == "gap":
            self.gap = None if "end" in event else (str(event["id"]), str(event["cause"]), float(event["start"]))
        elif kind == "gap_end" and self.gap and self.gap[0] == event["id"]:
            self.gap = None


def resume(past: Past, run: str, boot_id: str, now: float, alive: float | None) -> tuple[Gaps, list[dict[str, Any]]]:
    """Given what was, return the gap we are in and the events that open it.

    alive: when the recorder before us was last seen at work (its status, its last write), None when unknown

    There always is one, until there is media. A clean stop left it open, and it goes on. Anything else ended without a
    word: the time since then belongs to the host (another boot) or to whoever killed the recorder.
    """
    if past.boot_id is None:
        gaps = Gaps(run)
        return gaps, gaps.begin(now, "stopped", "first start")
    if past.stopped and past.gap is not None and past.gap[1] == "stopped":
        return Gaps(run, past.gap[0], past.gap[1]), []
    seen = [moment for moment in (past.last_media, alive, past.gap[2] if past.gap else None) if moment is not None]
    start = min(max(seen, default=now), now)
    gaps = Gaps(run, past.gap[0], past.gap[1]) if past.gap else Gaps(run)
    cause = "stopped" if past.stopped else "host_down" if past.boot_id != boot_id else "recorder_killed"
    # Two closed gaps side by side say more than one with the wrong cause, even when both causes are the same.
    return gaps, [*gaps.end(start), *gaps.begin(start, cause, None)]
