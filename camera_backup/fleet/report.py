"""One table over all hosts of a fleet. Pure."""

from __future__ import annotations

import json
from typing import Any, Iterator, Mapping, NamedTuple

from camera_backup import measures
from camera_backup.table import BAD, OK, Cell, Row, paint, render

_STATUS = ("HOST", "CAMERA", "STATE", "BITRATE", "LAST PROVEN", "WAITING", "")
_GAPS = ("HOST", "CAMERA", "NOT RECORDED FOR")


class Answer(NamedTuple):
    """What one host said.

    status: the JSON of `camera-backup status`; None when there is none
    findings: those of `camera-backup check`, when it was asked for
    problem: why there is no status
    """

    host: str
    status: Mapping[str, Any] | None
    findings: tuple[Mapping[str, Any], ...] = ()
    problem: str = ""

    @property
    def troubles(self) -> list[str]:
        """Everything that is wrong with this host."""
        found = [self.problem] if self.problem else []
        found += list(self.status["troubles"]) if self.status else []
        return found + [_finding(one) for one in self.findings if one["level"] == "problem"]


def answer(host: str, results: Mapping[str, Any]) -> Answer:
    """Given what Ansible registered for the two commands of playbooks/check.yml, return what the host said."""
    said = results.get("__camera_backup_status") or {}
    if said.get("unreachable"):
        return Answer(host, None, problem="cannot be reached")
    status = _object(said.get("stdout"))
    if status is None:
        why = str(said.get("msg") or said.get("stderr") or "").strip().splitlines()
        return Answer(host, None, problem="says nothing: %s" % (why[-1] if why else "camera-backup is not installed"))
    found = _object((results.get("__camera_backup_check") or {}).get("stdout")) or {}
    refused = [
        {"level": "problem", "subject": "configuration", "item": "", "text": p} for p in found.get("problems", [])
    ]
    return Answer(host, status, (*refused, *found.get("findings", [])))


def status_table(answers: list[Answer], colour: bool) -> str:
    """Return one row for each camera of each host, then what else is wrong, then the verdict."""
    rows = [row for one in answers for row in _rows(one)]
    lines = [line for one in answers for line in _remarks(one)]
    wrong = sum(1 for one in answers if one.troubles)
    verdict = paint(summary(answers), BAD if wrong else OK, colour)
    return "\n".join([render(rows, _STATUS, (3,), colour), *lines, *([""] if lines else []), verdict]) + "\n"


def summary(answers: list[Answer]) -> str:
    """Return the one line that says it all."""
    cameras = [
        camera for one in answers if one.status for camera in one.status["cameras"] if camera["enabled"] is not False
    ]
    recording = sum(1 for camera in cameras if camera["recording"])
    well = sum(1 for one in answers if not one.troubles)
    head = "%d of %s recording" % (recording, measures.plural(len(cameras), "camera"))
    return "%s; %d of %s well" % (head, well, measures.plural(len(answers), "host"))


def machine(answers: list[Answer]) -> dict[str, Any]:
    """Return the report for machines."""
    hosts = {
        one.host: {
            "ok": not one.troubles,
            "troubles": one.troubles,
            "status": one.status,
            "findings": list(one.findings),
        }
        for one in answers
    }
    return {"format": 1, "ok": all(not one.troubles for one in answers), "summary": summary(answers), "hosts": hosts}


def gap_table(renewed: Mapping[str, list[Mapping[str, Any]]]) -> str:
    """Given what the hosts renewed, return how long each camera was not recorded; empty when nothing was."""
    rows = [
        [host, str(one["camera"]), "%.1f s" % one["gap"] if one["gap"] is not None else "it was not recorded before"]
        for host, found in renewed.items()
        for one in found
        if one["camera"]
    ]
    return render(rows, _GAPS)


def _rows(one: Answer) -> Iterator[Row]:
    if one.status is None:
        yield [one.host, "", Cell(one.problem, BAD), "", "", "", ""]
        return
    for camera in one.status["cameras"]:
        live, proven, waiting = camera["recorder"] or {}, camera["last_proven"], camera["waiting"] or {}
        bits = live.get("bits_per_second")
        yield [
            one.host,
            camera["name"],
            _state(camera, live),
            measures.bitrate(bits) if bits and camera["recording"] else "-",
            measures.ago(proven["at"], one.status["now"]) if proven else "never",
            measures.size(waiting["bytes"]) if waiting.get("segments") else "-",
            _why(camera),
        ]


def _state(camera: Mapping[str, Any], live: Mapping[str, Any]) -> Cell:
    if camera["recording"]:
        return Cell("recording", OK)
    if camera["enabled"] is False:
        return Cell("disabled", "dim")
    return Cell(str(live.get("state", "not running")), BAD)


def _why(camera: Mapping[str, Any]) -> str:
    outage = camera["outage"] or {}
    return ": ".join(filter(None, (str(outage.get("cause") or "").replace("_", " "), outage.get("detail"))))


def _remarks(one: Answer) -> Iterator[str]:
    if one.status is None:
        return
    for line in one.status["troubles"]:
        if not line.endswith("is not recording"):
            yield "%s: %s" % (one.host, line)
    for finding in one.findings:
        if finding["level"] != "ok":
            yield "%s: %s: %s" % (one.host, finding["level"], _finding(finding))


def _finding(finding: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (finding["subject"], finding["item"], finding["text"])))


def _object(text: object) -> dict[str, Any] | None:
    try:
        value = json.loads(str(text or ""))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
