"""The end of the demo: fetch everything from the bucket with another client, and hold it against what was recorded."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from camera_backup import ledger, measures, paths, table
from camera_backup.table import BAD, OK, Cell, Row
from tests.support import frames
from tools.demo.stage import BUCKET, PASSWORD, Stage


class Verdict(NamedTuple):
    """One object of the bucket, held against the ledger and the camera.

    equal: its SHA-256 is the one that the recorder wrote down when it closed the file
    proof: seconds from closing the file to the proof; None when the catalog has none
    """

    camera: str
    key: str
    size: int
    frames: int
    equal: bool
    proof: float | None


def judge(stage: Stage, proofs: dict[tuple[str, str], float]) -> list[Verdict]:
    """Given the stage and the seconds to each proof, download every object and return what it is worth."""
    found = []
    for item in objects(stage):
        camera, name = item["Key"].split("/")[0], item["Key"].rsplit("/", 1)[-1]
        target = stage.home / "fetched" / camera / name
        target.parent.mkdir(parents=True, exist_ok=True)
        stage.server.client.download_file(BUCKET, item["Key"], str(target))
        record = ledger.segments(ledger.read(paths.ledger(str(stage.home / "state"), camera))).get(name)
        equal = record is not None and record.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
        count = len(frames.frames(target))
        found.append(Verdict(camera, item["Key"], item["Size"], count, equal, proofs.get((camera, name))))
    return found


def objects(stage: Stage) -> list[dict[str, Any]]:
    """Return what the bucket lists."""
    pages = stage.server.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [item for page in pages for item in page.get("Contents", [])]


def show(found: list[Verdict], colour: bool) -> str:
    """Return the table of all objects."""
    rows: list[Row] = [
        [
            item.key,
            measures.size(item.size),
            str(item.frames),
            Cell("equal", OK) if item.equal else Cell("DIFFERS", BAD),
            Cell("%.1f s" % item.proof, OK) if item.proof is not None else Cell("NOT PROVEN", BAD),
        ]
        for item in found
    ]
    return table.render(rows, ("IN THE BUCKET", "SIZE", "FRAMES", "SHA-256", "CLOSE → PROOF"), (1, 2, 4), colour)


def account(stage: Stage, camera: str) -> frames.Account:
    """Given a camera, return what became of the frames it sent, by the numbers in the pictures themselves."""
    files = sorted((stage.home / "fetched" / camera).glob("*.mp4"))
    return frames.account(files, stage.cameras[camera].sent(), camera)


def counted(stage: Stage, camera: str) -> str:
    """Return a line about the frames of a camera."""
    result = account(stage, camera)
    return "%s recorded, %d missing, %d doubled, %d torn" % (
        measures.plural(len(result.recorded), "frame"),
        len(result.missing),
        len(result.doubled),
        len(result.torn),
    )


def complaints(stage: Stage, found: list[Verdict]) -> list[str]:
    """Return everything that is not as it should be, one line each."""
    lines = ["%s differs from what was recorded" % item.key for item in found if not item.equal]
    lines += ["%s was never proven" % item.key for item in found if item.proof is None]
    for camera in stage.cameras:
        there = {item.key.rsplit("/", 1)[-1] for item in found if item.camera == camera}
        recorded = ledger.segments(ledger.read(paths.ledger(str(stage.home / "state"), camera)))
        lines += ["%s/%s is not in the bucket" % (camera, name) for name in recorded if name not in there]
        result = account(stage, camera)
        if not recorded or not result.recorded or not result.clean:
            lines.append("frames of %s: %s" % (camera, result))
    lines += ["%s is still here" % path for path in sorted((stage.home / "segments").glob("*/2*.mp4"))]
    return lines + ["%s holds the password" % path.name for path in _leaks(stage)]


def _leaks(stage: Stage) -> list[Path]:
    forms = [form.encode() for form in (PASSWORD, quote(PASSWORD, safe=""), json.dumps(PASSWORD)[1:-1])]
    logs = [*stage.home.glob("*.log"), *(stage.home / "state").rglob("*.json*")]
    return [path for path in logs if any(form in path.read_bytes() for form in forms)]
