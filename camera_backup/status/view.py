"""The status as a table for people and as JSON for machines. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from camera_backup import measures
from camera_backup.status.report import (
    CameraStatus,
    HostStatus,
    Lost,
    Waiting,
    exit_code,
    speeds,
    troubles,
    wrong,
    wrong_clock,
)
from camera_backup.table import BAD, DIM, OK, WARN, Cell, Row, paint, render
from camera_backup.uploader import skew

_HEADER = ("CAMERA", "STATE", "FOR", "BITRATE", "SEGMENT", "SIZE", "LAST PROVEN", "WAITING", "")
_RIGHT = (3, 5)
_REASONS = {"disk_full": "the disk was full"}
_THEN = {"keep": ", then recording pauses", "drop_oldest": ", then the oldest footage is dropped"}
_MOST = 10  # lines of one kind; --json has them all


def text(host: HostStatus, colour: bool, limit: int | None) -> str:
    """Given the host, return everything `status` prints. `limit`: columns of the terminal, None for no wrapping."""
    rows = [_row(camera, host.now) for camera in host.cameras]
    parts = [render(rows, _HEADER, _RIGHT, colour, limit), render(_host_rows(host), (), (), colour, limit)]
    well = exit_code(host) == 0
    return "\n".join([*(part for part in parts if part), paint(summary(host), OK if well else BAD, colour) + "\n"])


def _row(camera: CameraStatus, now: float) -> Row:
    live = camera.live
    opened = live if live is not None and live.segment_name else None
    return [
        camera.name,
        _state(camera),
        _since(camera, now),
        measures.bitrate(live.bits_per_second) if live and live.bits_per_second and camera.recording else "-",
        opened.segment_name or "-" if opened else "-",
        measures.size(opened.segment_bytes or 0) if opened else "-",
        measures.ago(camera.proven.at, now) if camera.proven else "never",
        _waiting(camera.waiting),
        _why(camera, now),
    ]


def _state(camera: CameraStatus) -> Cell:
    if camera.recording:
        return Cell("recording", OK)
    if not camera.expected:
        return Cell("disabled" if camera.enabled is False else "stopped", DIM)
    return Cell(camera.live.state if camera.live else "not running", BAD)


def _since(camera: CameraStatus, now: float) -> str:
    since = camera.live.since if camera.recording and camera.live else camera.outage.since if camera.outage else None
    return measures.duration(now - since) if since is not None else "-"


def _why(camera: CameraStatus, now: float) -> str:
    if camera.recording or camera.outage is None:
        return ""
    parts = [camera.outage.cause.replace("_", " ")]
    if camera.outage.detail:
        parts.append(camera.outage.detail)
    if camera.outage.since is not None:
        parts[0] += " since %s" % measures.moment(camera.outage.since)
    if camera.live and camera.live.next_attempt:
        parts.append("next attempt %s" % measures.ago(camera.live.next_attempt, now))
    return "; ".join(parts)


def _waiting(waiting: Waiting | None) -> str:
    if waiting is None:
        return "?"
    if not waiting.segments:
        return "-"
    return "%d, %s" % (waiting.segments, _amount(waiting))


def _amount(waiting: Waiting) -> str:
    size = measures.size(waiting.bytes)
    return "%s, %s" % (size, measures.duration(waiting.seconds)) if waiting.seconds else size


def _host_rows(host: HostStatus) -> list[Row]:
    rows: list[Row] = [["uploader", _uploader(host)]]
    rows += [
        ["", "sending %s/%s, %s of %s" % (c, n, measures.size(s), measures.size(b))] for c, n, b, s in _sending(host)
    ]
    if host.waiting.segments and host.drain is not None:
        rows.append(["backlog", _drain(host)])
    if host.disk is not None:
        rows.append(["disk", _disk(host)])
    clock = wrong_clock(host)
    rows += [["clock", Cell("%s: %s" % (clock, skew.ADVICE), BAD)]] if clock else []
    rows += [["dropped", Cell(_lost(one, host.now), WARN)] for one in host.dropped]
    rows += [["refused", Cell(line, BAD)] for line in host.refused[:_MOST]]
    return rows + [["not read", Cell(line, WARN)] for line in host.unread]


def _lost(one: Lost, now: float) -> str:
    amount = "%s, %s" % (measures.plural(one.segments, "segment"), measures.size(one.bytes))
    span = ", %s of footage" % measures.duration(one.seconds) if one.seconds else ""
    why = _REASONS.get(one.reason, one.reason.replace("_", " "))
    return "%s: %s%s, never uploaded; the last %s: %s" % (one.camera, amount, span, measures.ago(one.last, now), why)


def _sending(host: HostStatus) -> tuple[tuple[str, str, int, int], ...]:
    return host.uploader.sending if host.uploader else ()


def _uploader(host: HostStatus) -> Cell:
    uploader = host.uploader
    if uploader is None:
        return Cell("not running: %s" % host.uploader_gone, WARN if not host.waiting.segments else BAD)
    span = measures.duration(host.now - uploader.since)
    if uploader.state == "paused":
        return Cell("paused for %s: %s" % (span, uploader.cause or "no cause given"), BAD)
    if uploader.state == "off":
        return Cell(uploader.cause or "paused by schedule", OK)
    return Cell("%s for %s%s" % (uploader.state, span, _next_scan(uploader.next_scan, host.now)), OK)


def _drain(host: HostStatus) -> Cell:
    drain = host.drain
    assert drain is not None
    if drain.too_slow:
        return Cell("grows for good: " + speeds(drain), BAD)
    if drain.seconds is not None:
        paused = host.uploader is None or host.uploader.state == "paused"
        when = measures.about(drain.seconds) + (", once uploads go on" if paused else "")
        return Cell("drained in about %s: %s" % (when, speeds(drain)))
    if drain.uploading is not None and drain.recording is not None:
        return Cell("grows: " + speeds(drain), WARN)
    missing = "too little was sent so far" if drain.uploading is None else "a recorder has not measured its bitrate yet"
    return Cell("when it is drained is not known: " + missing, DIM)


def _next_scan(at: float | None, now: float) -> str:
    if at is None:
        return ""
    # What it said is up to ten seconds old, so that a short interval may be over.
    return ", next scan " + (measures.ago(at, now) if at > now + 1 else "due")


def _disk(host: HostStatus) -> Cell:
    disk = host.disk
    assert disk is not None
    text = "%s free of %s at %s" % (measures.size(disk.free), measures.size(disk.total), disk.path)
    if disk.reserve is None:
        return Cell(text)
    text += " (%s of it reserved)" % measures.size(disk.reserve)
    rate = sum(camera.live.bits_per_second or 0 for camera in host.cameras if camera.live and camera.recording) / 8
    if disk.free < disk.reserve:
        return Cell(text + ": too full to record", BAD)
    if not rate:
        return Cell(text, OK)
    # What is proven in the bucket makes room by itself.
    lasts = measures.duration((disk.free + disk.kept - disk.reserve) / rate)
    return Cell("%s; room for %s without uploads%s" % (text, lasts, _THEN.get(disk.when_full or "", "")), OK)


def summary(host: HostStatus) -> str:
    """Return the one line that says it all."""
    expected = [camera for camera in host.cameras if camera.expected]
    recording = sum(1 for camera in expected if camera.recording)
    waiting = host.waiting
    head = "%d of %s recording" % (recording, measures.plural(len(expected), "camera"))
    tail = "nothing waits for upload"
    if waiting.segments:
        amount = "%s (%s)" % (measures.plural(waiting.segments, "segment"), _amount(waiting))
        tail = "%s %s for upload" % (amount, "waits" if waiting.segments == 1 else "wait")
    refused = [measures.plural(len(host.refused), "segment") + " refused by the store"] if host.refused else []
    return "; ".join([head, tail, *refused, *wrong(host)])


def as_json(host: HostStatus) -> dict[str, Any]:
    """Given the host, return what `--json` prints: numbers in bytes, bits per second and epoch seconds."""
    return {
        "ok": exit_code(host) == 0,
        "now": host.now,
        "summary": summary(host),
        "troubles": troubles(host),
        "cameras": [_camera_json(camera) for camera in host.cameras],
        "uploader": asdict(host.uploader) if host.uploader else {"state": "not running", "cause": host.uploader_gone},
        "waiting": host.waiting._asdict(),
        "drain": host.drain._asdict() if host.drain else None,
        "disk": asdict(host.disk) if host.disk else None,
        "dropped": [one._asdict() for one in host.dropped],
        "refused": list(host.refused),
        "unread": list(host.unread),
    }


def _camera_json(camera: CameraStatus) -> dict[str, Any]:
    return {
        "name": camera.name,
        "enabled": camera.enabled,
        "recording": camera.recording,
        "recorder": asdict(camera.live) if camera.live else None,
        "outage": camera.outage._asdict() if camera.outage else None,
        "last_proven": camera.proven._asdict() if camera.proven else None,
        "waiting": camera.waiting._asdict() if camera.waiting else None,
    }
