"""What was recorded and what was not, one append-only file a camera: `<state_path>/ledger/<camera>.jsonl` (I6).

All times are seconds since the epoch. An event is one JSON object:

    {"event":"run","run":id,"at":…,"boot_id":…,"version":…}          a recorder started
    {"event":"stop","run":id,"at":…}                                  it ended because it was asked to
    {"event":"segment","name":…,"start":…,"end":…,"bytes":…,"frames":…,"sha256":…,"how":…,"run":id,
     "silences":[[from,to],…]}
    {"event":"gap","id":…,"start":…,"cause":…,"detail":…}             nothing is recorded from `start` on
    {"event":"gap_end","id":…,"end":…}                                until `end`; some gaps carry `end` themselves
    {"event":"dropped","name":…,"start":…,"end":…,"bytes":…,"reason":"disk_full","at":…}
    {"event":"kept","name":…,"at":…}                                  what was to be dropped is still there after all
    {"event":"clock","at":…,"step":…}                                 the clock was set by `step` seconds, to `at`

`how` is `complete`, `repaired` (a crash cut it short; every whole frame is in it) or `damaged` (no tool could repair
it). In its `silences` the camera sent no picture, for too short a time to count as frozen. A segment is written down
after it was published.

`dropped` is the uploader's tombstone of a segment that no bucket was seen to hold; it is written before the file goes,
so that a kill in between leaves a file too many and not a record too few. Whoever finds such a file drops it, with
another `dropped`, or writes `kept` before it is uploaded.
"""

from __future__ import annotations

from typing import Any, Iterable, Iterator, NamedTuple

from camera_backup import jsonlines, paths

CAUSES = (
    "camera_unreachable",
    "login_refused",
    "stream_refused",
    "certificate_refused",
    "connection_lost",
    "stalled",
    "stopped",
    "disk_full",
    "disk_failed",
    "host_down",
    "recorder_killed",
    "ffmpeg_failed",
    "unsupported",
)


class SegmentRecord(NamedTuple):
    """A published segment. `sha256` was computed when it was closed. `silences`: from when to when no picture came."""

    name: str
    start: float
    end: float
    bytes: int
    frames: int
    sha256: str
    how: str
    run: str
    silences: tuple[tuple[float, float], ...] = ()


class ClockSteps(NamedTuple):
    """Seconds by which the clock was set after a segment was written down: all its times are wrong by that. And while
    it was recorded: its name is wrong by that, too, but not `start` and `end`, which are written down at its end.
    """

    after: float
    during: float


class Gap(NamedTuple):
    """A time in which an enabled camera was not recorded. `ongoing`: it had not ended at `end`."""

    id: str
    start: float
    end: float
    cause: str
    detail: str | None
    ongoing: bool


class Dropped(NamedTuple):
    """A segment that was deleted for space, and is in no bucket. `start`, `end`: of its footage; `at`: when."""

    name: str
    start: float
    end: float
    bytes: int
    reason: str
    at: float


class Ledger:
    """The ledger of one camera."""

    def __init__(self, state_path: str, camera: str) -> None:
        self.path = paths.ledger(state_path, camera)

    def append(self, event: dict[str, Any]) -> None:
        """Write one event down, synced; raise OSError when that failed."""
        jsonlines.append(self.path, event)


def read(path: str) -> Iterator[dict[str, Any]]:
    """Given the file of a ledger, yield its events, oldest first; torn lines are passed over."""
    return jsonlines.read(path)


def read_tail(path: str) -> list[dict[str, Any]]:
    """Given the file of a ledger, return its last few hundred events, oldest first."""
    return jsonlines.tail(path)


def segments(events: Iterable[dict[str, Any]]) -> dict[str, SegmentRecord]:
    """Given events, return name → segment. The last record of a name wins; unreadable ones are passed over."""
    found = {}
    for event in events:
        if event.get("event") != "segment":
            continue
        record = _segment(event)
        if record is not None:
            found[record.name] = record
    return found


def clock_steps(events: Iterable[dict[str, Any]]) -> dict[str, ClockSteps]:
    """Given events, return name → by how much the clock was set, for every segment that it made wrong.

    What became of the clock in a reboot nobody has measured.
    """
    found: dict[str, ClockSteps] = {}
    boot: object = None
    before: list[str] = []
    steps: list[tuple[float, float]] = []
    for event in events:
        kind = event.get("event")
        if kind == "run" and event.get("boot_id") != boot:
            boot = event.get("boot_id")
            before, steps = [], []
        elif kind == "segment" and (record := _segment(event)) is not None:
            during = sum(step for at, step in steps if record.start < at <= record.end)
            if during:
                found[record.name] = ClockSteps(0.0, during)
            before.append(record.name)
        elif kind == "clock" and isinstance(event.get("step"), float) and isinstance(event.get("at"), float):
            steps.append((event["at"], event["step"]))
            for name in before:
                earlier = found.get(name, ClockSteps(0.0, 0.0))
                found[name] = earlier._replace(after=earlier.after + event["step"])
    return found


def _segment(event: dict[str, Any]) -> SegmentRecord | None:
    try:
        return SegmentRecord(
            name=str(event["name"]),
            start=float(event["start"]),
            end=float(event["end"]),
            bytes=int(event["bytes"]),
            frames=int(event["frames"]),
            sha256=str(event["sha256"]),
            how=str(event["how"]),
            run=str(event.get("run", "")),
            silences=tuple((float(first), float(last)) for first, last in event.get("silences", ())),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def dropped(events: Iterable[dict[str, Any]]) -> list[Dropped]:
    """Given events, return what was dropped. One that was announced twice counts once, one that was kept not at all."""
    found: dict[tuple[str, float], Dropped] = {}
    for event in events:
        try:
            if event.get("event") == "dropped":
                one = _dropped(event)
                found[one.name, one.start] = one
            elif event.get("event") == "kept":
                found = {key: one for key, one in found.items() if one.name != event["name"]}
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return list(found.values())


def _dropped(event: dict[str, Any]) -> Dropped:
    return Dropped(
        name=str(event["name"]),
        start=float(event["start"]),
        end=float(event["end"]),
        bytes=int(event["bytes"]),
        reason=str(event["reason"]),
        at=float(event["at"]),
    )


def read_dropped(path: str) -> list[Dropped]:
    """Given the file of a ledger, return what was dropped; raise OSError. Fast: only those lines are understood."""
    return dropped(jsonlines.read(path, (b'"event":"dropped"', b'"event":"kept"')))


def gaps(events: Iterable[dict[str, Any]], until: float) -> list[Gap]:
    """Given events and the time up to which one looks, return the silences of segments, then the other gaps, each in
    the order in which they were written.

    A camera is in one gap at a time, so a gap without an end lasts until the next one starts, or until `until`.
    """
    found: list[Gap] = []
    silent: list[Gap] = []
    for event in events:
        kind = event.get("event")
        try:
            if kind == "gap":
                _open(found, event, until)
            elif kind == "gap_end":
                _close(found, str(event["id"]), float(event["end"]))
            elif kind == "segment" and event.get("silences"):
                silent += _silences(event)
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return [gap for gap in [*silent, *found] if gap.end > gap.start]


def _silences(event: dict[str, Any]) -> list[Gap]:
    name, spans = str(event["name"]), event["silences"]
    return [
        Gap("%s#%d" % (name, number), float(first), float(last), "stalled", "no picture came for a while", False)
        for number, (first, last) in enumerate(spans, 1)
    ]


def _open(found: list[Gap], event: dict[str, Any], until: float) -> None:
    start = float(event["start"])
    end = event.get("end")
    detail = event.get("detail")
    gap = Gap(
        id=str(event["id"]),
        start=start,
        end=until if end is None else float(end),
        cause=str(event["cause"]),
        detail=None if detail is None else str(detail),
        ongoing=end is None,
    )
    if found and found[-1].ongoing:
        _close(found, found[-1].id, max(start, found[-1].start))
    found.append(gap)


def _close(found: list[Gap], identity: str, end: float) -> None:
    for index in range(len(found) - 1, -1, -1):
        if found[index].id == identity and found[index].ongoing:
            found[index] = found[index]._replace(end=end, ongoing=False)
            return
