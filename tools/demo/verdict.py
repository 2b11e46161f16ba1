"""The end of a demo: fetch everything from the bucket with another client, and hold it against what was recorded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Iterable, Mapping, NamedTuple

from camera_backup import measures, table
from camera_backup.table import BAD, OK, Cell, Row
from tests.support import frames
from tools.demo.state import State


class Bucket(NamedTuple):
    """A bucket as another client sees it. fetched: where its objects are downloaded to."""

    client: Any
    name: str
    fetched: Path

    def objects(self) -> list[dict[str, Any]]:
        """Return what the bucket lists."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [item for page in pages for item in page.get("Contents", [])]


class Verdict(NamedTuple):
    """One object of the bucket, held against the ledger and the camera.

    camera: everything before the date in its key
    equal: its SHA-256 is the one that the recorder wrote down when it closed the file
    proof: seconds from closing the file to the proof; None when the catalog has none
    """

    camera: str
    name: str
    key: str
    size: int
    frames: int
    equal: bool
    proof: float | None


def place(key: str) -> tuple[str, str]:
    """Given a key, `<prefix?>/<camera>/YYYY/MM/DD/<name>`, return what comes before the date, and the name. Pure."""
    parts = key.split("/")
    return "/".join(parts[:-4]), parts[-1]


def judge(bucket: Bucket, items: Iterable[Mapping[str, Any]], state: State) -> list[Verdict]:
    """Given objects as listed, and what the hosts know, download every object and return what it is worth."""
    found = []
    for item in items:
        camera, name = place(item["Key"])
        target = bucket.fetched / camera / name
        target.parent.mkdir(parents=True, exist_ok=True)
        bucket.client.download_file(bucket.name, item["Key"], str(target))
        record = state.recorded.get(camera, {}).get(name)
        equal = record is not None and record.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
        count, proof = len(frames.frames(target)), state.proofs.get((camera, name))
        found.append(Verdict(camera, name, item["Key"], item["Size"], count, equal, proof))
    return found


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


def account(bucket: Bucket, camera: str, sent: Iterable[object], mount: str) -> frames.Account:
    """Given a camera, what it sent, and its name among the simulated ones, return what became of its frames.

    The frames are known by the numbers in the pictures themselves.
    """
    return frames.account(sorted((bucket.fetched / camera).glob("*.mp4")), sent, mount)


def complaints(found: list[Verdict], state: State, accounts: Mapping[str, frames.Account]) -> list[str]:
    """Return everything that is not as it should be, one line each."""
    lines = ["%s differs from what was recorded" % item.key for item in found if not item.equal]
    lines += ["%s was never proven" % item.key for item in found if item.proof is None]
    there = {(item.camera, item.name) for item in found}
    for camera, result in accounts.items():
        recorded = state.recorded.get(camera, {})
        lines += ["%s/%s is not in the bucket" % (camera, name) for name in recorded if (camera, name) not in there]
        if not recorded or not result.recorded or not result.clean:
            lines.append("frames of %s: %s" % (camera, result))
    return lines


def sum_up(found: list[Verdict], accounts: Mapping[str, frames.Account], wrong: list[str], well: str) -> str:
    """Return the lines below the table: frames, complaints, and what it all comes to (`well`: nothing is wrong)."""
    lines = ["%s: %s" % (camera, _counted(result)) for camera, result in accounts.items()]
    lines += ["WRONG: " + line for line in wrong]
    size = measures.size(sum(item.size for item in found))
    outcome = measures.plural(len(wrong), "complaint") if wrong else well
    return "\n".join([*lines, "%s, %s: %s." % (measures.plural(len(found), "object"), size, outcome)])


def _counted(result: frames.Account) -> str:
    return "%s recorded, %d missing, %d doubled, %d torn" % (
        measures.plural(len(result.recorded), "frame"),
        len(result.missing),
        len(result.doubled),
        len(result.torn),
    )
