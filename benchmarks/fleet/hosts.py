"""What the controller alone does for many hosts, none of which is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple, Sequence

from benchmarks.fleet import inventory
from benchmarks.fleet.playbook import ROOT, Play, play
from benchmarks.measure import MIB
from benchmarks.report import Section
from camera_backup.fleet import release

CAMERAS = 16
MANY = 1000
"""Hosts to which the figures are extended."""

_NOTE = """\
`site.yml` for hosts of %d cameras that are not there: a connection plugin of ours takes every module as ssh would and
answers %.1f s later as a host in that state. One host has one /etc/camera-backup, so many hosts on few containers would
be none; what a real host does is in the first table. First: the release is packed (once) and shipped, without the
bytes; one camera: every host reports one restarted recorder. CPU: user + system of the controller, its start included.
Memory: all processes of ansible-playbook together. The row for %s hosts is extended from the two largest before it
along a straight line, not measured; "--limit" is a tenth of the largest inventory."""


class Cell(NamedTuple):
    """One run: how many hosts in the play, how many at a time, what kind of run."""

    hosts: int
    forks: int
    kind: str
    run: Play


def answers(kind: str) -> dict[str, object]:
    """Return what a host says to each module in a run of this kind: `first`, `no-op` or `one camera`."""
    wanted = release.name(str(ROOT))
    there = [] if kind == "first" else [wanted]
    names = [one["name"] for one in inventory.cameras(CAMERAS)]
    changed = {"first": names, "no-op": [], "one camera": names[:1]}[kind]
    files = [
        {
            "path": "/etc/systemd/system/camera-recorder-%s.service" % name,
            "action": "create" if name in changed else "unchanged",
        }
        for name in names
    ]
    host = {"changed": False, "current": "".join(there), "ffmpeg": True, "machine": "x86_64", "problems": []}
    return {
        "camera_backup_host": {**host, "python_version": "3.11", "releases": there},
        "camera_backup_units": {"changed": bool(changed), "files": files, "restarted": changed},
        "camera_backup_settled": {"changed": False, "recording": names, "waiting": {}},
        "": {"changed": True, "rc": 0, "stdout": "", "stat": {"exists": True, "isdir": True}},
    }


def measure(place: Path, hosts: int, forks: int, kind: str, seconds: float, limit: int = 0) -> Cell:
    """Run `site.yml` for that many hosts, or for the first `limit` of them."""
    said = place / "answers.json"
    said.write_text(json.dumps(answers(kind)))
    way = {"ansible_connection": "answering", "ansible_pipelining": True, "answering_host_seconds": seconds}
    fleet = inventory.fleet(hosts, way, inventory.cameras(CAMERAS))
    options = ["--forks", str(forks)]
    if limit:
        options += ["--limit", "nvr[0:%d]" % (limit - 1)]
    environment = {"BENCHMARK_ANSWERS": str(said)}
    return Cell(
        limit or hosts, forks, kind, play(place, fleet, *options, playbook=ROOT / "site.yml", environment=environment)
    )


def bench(place: Path, sizes: Sequence[int], forks: Sequence[int], seconds: float) -> Section:
    """Measure every size with the middle number of forks, the largest with all, and return the table."""
    usual, most = sorted(forks)[len(forks) // 2], max(sizes)
    cells = [
        measure(place, hosts, usual, kind, seconds) for hosts in sizes for kind in ("first", "no-op", "one camera")
    ]
    others = [measure(place, most, one, "no-op", seconds) for one in forks if one != usual]
    part = [measure(place, most, usual, "no-op", seconds, limit=most // 10)] if most >= 10 else []
    return table(cells, others, part, seconds)


def table(cells: Sequence[Cell], others: Sequence[Cell], part: Sequence[Cell], seconds: float) -> Section:
    """Given the runs with the usual forks by size, the others of the largest size, and the one with `--limit`."""
    header = ("hosts", "run", "forks", "wall s", "CPU s", "CPU s/host", "results/host", "memory MiB")
    section = Section("Hosts of a fleet", _NOTE % (CAMERAS, seconds, format(MANY, ",")), header)
    section.rows += [_row(str(one.hosts), one) for one in (*cells, *others)]
    section.rows += [_row("%d by --limit" % one.hosts, one) for one in part]
    for kind in dict.fromkeys(one.kind for one in cells):
        points = sorted((one for one in cells if one.kind == kind), key=lambda one: one.hosts)[-2:]
        if len(points) == 2:
            wall, cpu = (extended([(one.hosts, value(one.run)) for one in points], MANY) for value in _VALUES)
            figures = "%.0f" % wall, "%.0f" % cpu, "%.2f" % (cpu / MANY)
            section.rows.append(("%s, extended" % format(MANY, ","), kind, str(points[-1].forks), *figures, "", ""))
    return section


_VALUES = (lambda run: run.wall, lambda run: run.cpu)


def extended(points: Sequence[tuple[int, float]], to: int) -> float:
    """Given two measured points, return what a straight line through them says at `to`."""
    (x0, y0), (x1, y1) = points
    return y1 + (y1 - y0) / (x1 - x0) * (to - x1)


def _row(name: str, one: Cell) -> tuple[str, ...]:
    cpu, results = one.run.cpu / one.hosts, one.run.results / one.hosts
    figures = "%.1f" % one.run.wall, "%.1f" % one.run.cpu, "%.2f" % cpu, "%.1f" % results
    return (name, one.kind, str(one.forks), *figures, "%.0f" % (one.run.peak / MIB))
