"""What one host costs by its number of cameras, and what the plain way takes for the same."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Sequence

from benchmarks.fleet import inventory
from benchmarks.fleet.machine import Machine
from benchmarks.fleet.playbook import HERE, ROOT, Play, play
from benchmarks.report import MET, MISSED, NO_TARGET, Section

GROWTH_TARGET = 2.0
FIRST_TARGET, AGAIN_TARGET = 15.0, 20.0
BETWEEN = 64
"""Cameras at which both ways are compared."""

REPEATED = 3
"""Runs without changes, and with one, of which the median counts. A first run costs minutes of starting recorders."""

_NOTE = (
    """\
`site.yml` on one real host: Debian 13 with systemd in a container, over ssh, on the same processors as the controller.
FFmpeg is on the host already; "install" is packing, shipping and unpacking the release, alike for any number of
cameras. Real recorders run, with their sandbox; their disk counts as full (storage_min_free), so that each starts,
says that it pauses, and runs no FFmpeg, and Type=exec spares the 45 s that systemd would wait for a camera that is off.
"starting": from the first start job of systemd to the last, and what waiting until all have said so takes beyond a run
without changes. "beyond" is the rest, without install and starting. No-op and one password: the median of %d runs.
Target: with the most cameras ≤ 2 × with the fewest. CPU: user + system of the controller (ansible-playbook and its
children; not the host). Results: tasks and items of loops that Ansible kept account of."""
    % REPEATED
)

_PLAIN_NOTE = """\
%d cameras, one after the other on the same host. Plain: a loop of template for units, one for credentials, and one of
systemd_service (benchmarks/fleet/plain.yml); its units run `sleep` without a sandbox, it installs nothing, removes
nothing and validates nothing. So install and starting the recorders are taken from ours as in the table above, and
nothing from the plain way. "Whole" gives the plain way our install and takes nothing from either: our recorders start
in it, with their sandboxes, and the plain way's `sleep`. Targets: first ≥ 15 ×, no-op ≥ 20 ×."""


class Runs(NamedTuple):
    """Of one number of cameras.

    starting: seconds of the first run in which systemd started services
    restarting: seconds in which it started the one recorder whose password was changed
    """

    first: Play
    again: Play
    changed: Play
    starting: float
    restarting: float

    @property
    def install(self) -> float:
        """Seconds in which the release came to the host."""
        return self.first.seconds("Install")

    @property
    def started(self) -> float:
        """Seconds of the first run for which recorders are to blame."""
        return self.starting + max(0.0, self.first.seconds("Verify") - self.again.seconds("Verify"))

    @property
    def beyond(self) -> float:
        """Seconds of the first run that are ours."""
        return self.first.wall - self.install - self.started


def measure(place: Path, machine: Machine, count: int) -> Runs:
    """Run `site.yml` on a host without cameras, again, and with one camera's password changed."""
    site, first = ROOT / "site.yml", inventory.fleet(1, machine.connection, inventory.cameras(count))
    machine.forget()
    fresh = play(place, first, playbook=site)
    starting = machine.starting()
    _expect(machine, count)
    again = _middle([(play(place, first, playbook=site), 0.0) for _ in range(REPEATED)])
    changed = _middle([_changed(place, machine, count, "other-password-%d" % number) for number in range(REPEATED)])
    _expect(machine, count)
    return Runs(fresh, again[0], changed[0], starting, changed[1])


def _changed(place: Path, machine: Machine, count: int, password: str) -> tuple[Play, float]:
    """Run `site.yml` with another password of the first camera; return also the seconds its recorder took to start."""
    cameras = inventory.cameras(count, password)
    run = play(place, inventory.fleet(1, machine.connection, cameras), playbook=ROOT / "site.yml")
    return run, machine.starting("camera-recorder-%s.service" % cameras[0]["name"])


def _middle(runs: Sequence[tuple[Play, float]]) -> tuple[Play, float]:
    """Given an odd number of runs, return the one that took the median of their times."""
    return sorted(runs, key=lambda run: run[0].wall)[len(runs) // 2]


def warm(place: Path, machine: Machine) -> float:
    """Install FFmpeg by the role, and fill caches of controller and host; return the seconds of installing."""
    return play(place, inventory.fleet(1, machine.connection, []), playbook=ROOT / "site.yml").seconds("Install")


def measure_plain(place: Path, machine: Machine, count: int) -> tuple[Play, Play]:
    """Run the plain playbook on a host without cameras, and again."""
    machine.forget()
    hosts = inventory.fleet(1, machine.connection, inventory.cameras(count))
    plain = HERE / "plain.yml"
    fresh = play(place, hosts, playbook=plain)
    return fresh, _middle([(play(place, hosts, playbook=plain), 0.0) for _ in range(REPEATED)])[0]


def _expect(machine: Machine, count: int) -> None:
    up = machine.up()
    if up != count + 1:
        raise RuntimeError("%d services run on the host, and not %d recorders and the uploader" % (up, count))


def table(found: dict[int, Runs]) -> Section:
    """Given what was measured by number of cameras, return the table, with ratios of the most to the fewest."""
    header = ("cameras", "run", "wall s", "install s", "starting s", "beyond s", "CPU s", "results", "target")
    section = Section("Cameras on a host", _NOTE, header)
    for count, runs in found.items():
        seconds = ["%.1f" % one for one in (runs.first.wall, runs.install, runs.started, runs.beyond)]
        section.rows.append((str(count), "first", *seconds, *_counted(runs.first), NO_TARGET))
        for name, one, started in (("no-op", runs.again, 0.0), ("one password", runs.changed, runs.restarting)):
            walls = "%.1f" % one.wall, "", "%.1f" % started if started else "", "%.1f" % (one.wall - started)
            section.rows.append((str(count), name, *walls, *_counted(one), ""))
    few, many = min(found), max(found)
    for name, ratio in growth(found[few], found[many]).items() if few != many else ():
        verdict = MET if ratio <= GROWTH_TARGET else MISSED
        section.rows.append(("%d : %d" % (many, few), name, "", "", "", "%.2f ×" % ratio, "", "", verdict))
    return section


def growth(few: Runs, many: Runs) -> dict[str, float]:
    """Return by kind of run how many times as long many cameras take as few, beyond starting recorders."""
    return {
        "first": many.beyond / few.beyond,
        "no-op": many.again.wall / few.again.wall,
        "one password": (many.changed.wall - many.restarting) / (few.changed.wall - few.restarting),
    }


def _counted(one: Play) -> tuple[str, str]:
    return "%.1f" % one.cpu, str(one.results)


def beside(count: int, ours: Runs, plain: Sequence[Play]) -> Section:
    """Given both ways' runs, return the table of their ratios."""
    header = ("run", "plain s", "ours s", "× faster", "target", "plain CPU s", "ours CPU s", "plain results", "ours")
    section = Section("Beside the plain way", _PLAIN_NOTE % count, header)
    first, again = plain
    for name, theirs, own, run, mine, limit in (
        ("first, beyond install and starting", first.wall, ours.beyond, first, ours.first, FIRST_TARGET),
        ("first, whole", first.wall + ours.install, ours.first.wall, first, ours.first, None),
        ("no-op", again.wall, ours.again.wall, again, ours.again, AGAIN_TARGET),
    ):
        ratio = theirs / own
        verdict = NO_TARGET if limit is None else MET if ratio >= limit else MISSED
        walls = "%.1f" % theirs, "%.1f" % own, "%.1f" % ratio, verdict
        section.rows.append((name, *walls, "%.1f" % run.cpu, "%.1f" % mine.cpu, str(run.results), str(mine.results)))
    return section
