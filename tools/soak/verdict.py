"""Download everything and account for every frame the cameras sent."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Sequence

from camera_backup import ledger, paths, table
from camera_backup.ledger import Gap
from tests.simulators.camera import Sent
from tests.support import frames
from tools.soak.stage import BUCKET, FPS, Stage
from tools.soak.storm import CAUSES, KILLS, Strike

AROUND = 3.0
"""Seconds by which a gap of the ledger may be off: FFmpeg reports every 2 s."""

BEFORE_KILL, AFTER_KILL = 2.0, 3.0
"""Seconds around a kill in which frames may be lost: the open key-frame interval of 1 s, what FFmpeg had not read."""

_STARTING = 6.0
"""Seconds a session may be old at a kill and have nothing on the disk yet: FFmpeg looks before it writes."""

_ON_ITS_WAY = 0.5
"""Seconds for which a frame may be on its way when its connection is cut, or its reader asked to stop."""


@dataclass
class Line:
    """What became of the frames of one camera; numbers of frames but for `gaps` and `files`."""

    camera: str
    files: int = 0
    sent: int = 0
    recorded: int = 0
    tail: int = 0
    unsent: int = 0
    gaps: int = 0
    wrong: list[str] = field(default_factory=list)


def judge(stage: Stage, ended: float) -> list[Line]:
    """Return the account of every camera; what is wrong stands in it. ended: when the recorders were stopped."""
    return [_judged(stage, name, ended) for name in stage.cameras]


def _judged(stage: Stage, name: str, ended: float) -> Line:
    line = Line(name)
    events = list(ledger.read(paths.ledger(str(stage.home / "state"), name)))
    held = [frame for path in _fetched(stage, name, events, line) for frame in frames.frames(path)]
    line.files = len(ledger.segments(events))
    sent = stage.cameras[name].sent()
    account = frames.settle(held, sent)
    line.recorded = len(set(account.recorded))
    line.sent = sum(run.last - run.first + 1 for session in sent for run in session.runs)
    for word in ("doubled", "unknown", "disorder"):
        numbers = getattr(account, word)
        line.wrong += ["frames %s: %s" % (word, frames.brief(numbers))] if numbers else []
    torn = [frame.number for frame in account.torn]
    line.wrong += ["frames torn: %s" % frames.brief(torn)] if torn else []
    if not account.recorded:
        line.wrong.append("nothing was recorded")
        return line
    gaps = ledger.gaps(events, time.time())
    line.gaps = len(gaps)
    strikes = [(moment, one) for moment, one in stage.struck if one.whom == name]
    _lost(line, account, held, sent, strikes, ended, gaps)
    _explained(line, account, held, gaps)
    line.wrong += _causes(gaps, strikes, ended)
    return line


def _fetched(stage: Stage, name: str, events: list[dict[str, object]], line: Line) -> list[Path]:
    """Write the camera's objects to the disk, each held against the ledger; return them in the order of time."""
    objects = {key: blob.data or b"" for key, blob in stage.store.buckets[BUCKET].items() if key.startswith(name + "/")}
    records = ledger.segments(events)
    found = []
    for key, data in sorted(objects.items()):
        record = records.get(key.rsplit("/", 1)[-1])
        if record is None or record.sha256 != hashlib.sha256(data).hexdigest():
            line.wrong.append("%s: is not what the ledger says was recorded" % key)
        path = stage.home / "fetched" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        found.append(path)
    there = {path.name for path in found}
    line.wrong += ["%s: was recorded and is not in the bucket" % one for one in records if one not in there]
    order = {record.name: record.start for record in records.values()}
    return sorted(found, key=lambda path: order.get(path.name, 0.0))


def _wall(held: list[frames.Frame], number: int) -> float:
    """Return when a frame was due: a camera shows them at an even pace."""
    first = next(frame for frame in held if frame.intact)
    return first.wall + (number - first.number) / FPS


def _lost(
    line: Line,
    account: frames.Account,
    held: list[frames.Frame],
    sent: list[Sent],
    strikes: list[tuple[float, Strike]],
    ended: float,
    gaps: Sequence[Gap] = (),
) -> None:
    """Frames that were sent and are not recorded: only what a kill, a reset or the last stop may take with it, and what
    a camera sends to a reader that has just given it up.
    """
    bad = []
    for number in [*account.missing, *account.head, *account.tail]:
        moment, started = _wall(held, number), _session(number, sent)
        stopped = moment >= ended - _ON_ITS_WAY or started >= ended - _STARTING
        if stopped or _taken_by_a_kill(moment, strikes, started) or _given_up(moment, strikes, gaps):
            line.tail += 1
        else:
            bad.append(number)
    if bad:
        line.wrong.append("frames sent and lost without a kill: %s" % frames.brief(sorted(bad)))


def _session(number: int, sent: list[Sent]) -> float:
    """Return when the session that sent a frame started."""
    return next((one.started for one in sent for run in one.runs if run.first <= number <= run.last), 0.0)


def _taken_by_a_kill(moment: float, strikes: list[tuple[float, Strike]], started: float) -> bool:
    for at, one in strikes:
        if one.kind in KILLS and (at - BEFORE_KILL <= moment <= at + AFTER_KILL or at - _STARTING <= started <= at):
            return True
        # A reset throws away what was on its way.
        if one.kind == "reset" and at - _ON_ITS_WAY <= moment <= at + 0.2:
            return True
    return False


def _given_up(moment: float, strikes: list[tuple[float, Strike]], gaps: Sequence[Gap]) -> bool:
    """Say whether a camera had just thawed and was given up already, as the ledger says."""
    return any(
        one.kind == "freeze" and 0 <= moment - (at + one.end - one.at) <= _ON_ITS_WAY for at, one in strikes
    ) and any(gap.cause == "stalled" and gap.start <= moment <= gap.end for gap in gaps)


def _explained(
    line: Line,
    account: frames.Account,
    held: list[frames.Frame],
    gaps: list[Gap],
) -> None:
    """I6: every hole lies within gaps of the ledger, give or take some seconds."""
    for first, last in account.holes:
        line.unsent += last - first + 1
        begin, end = _wall(held, first), _wall(held, last)
        if not any(gap.start - AROUND <= begin and end <= gap.end + AROUND for gap in _joined(gaps)):
            line.wrong.append("frames %d-%d are missing, and the ledger knows of no gap" % (first, last))
    line.unsent -= len(account.missing)


def _joined(gaps: list[Gap]) -> list[Gap]:
    """Return gaps that follow one another as one."""
    found: list[Gap] = []
    for gap in sorted(gaps, key=lambda one: one.start):
        if found and gap.start - found[-1].end <= AROUND:
            found[-1] = found[-1]._replace(end=max(gap.end, found[-1].end))
        else:
            found.append(gap)
    return found


def _causes(gaps: list[Gap], strikes: list[tuple[float, Strike]], ended: float) -> list[str]:
    """Return the gaps whose cause is none that the storm injected at that time."""
    wrong = []
    for number, gap in enumerate(sorted(gaps, key=lambda one: one.start)):
        if gap.cause == "stopped" and (number == 0 or gap.start >= ended - AROUND):
            continue  # before the first start, and after the end
        fitting = [
            one
            for at, one in strikes
            if gap.start - 2 * AROUND <= at + (one.end - one.at) + 60 and at <= gap.end + AROUND
        ]
        if not any(gap.cause in CAUSES[one.kind] for one in fitting):
            struck = ", ".join(one.kind for one in fitting) or "nothing"
            wrong.append("a gap of %.1f s says %s, and what struck was %s" % (gap.end - gap.start, gap.cause, struck))
    return wrong


def show(lines: list[Line], colour: bool) -> str:
    """Return the table of all cameras."""
    head = ("CAMERA", "SEGMENTS", "SENT", "RECORDED", "CUT OFF", "NOT SENT", "GAPS", "VIOLATIONS")
    rows: list[table.Row] = [
        [
            line.camera,
            str(line.files),
            str(line.sent),
            str(line.recorded),
            str(line.tail),
            str(line.unsent),
            str(line.gaps),
            table.Cell(str(len(line.wrong)), table.BAD if line.wrong else table.OK),
        ]
        for line in lines
    ]
    return table.render(rows, head, (1, 2, 3, 4, 5, 6, 7), colour)
