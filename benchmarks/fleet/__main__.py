"""Measure what the fleet tooling costs and print the tables, each figure beside its target."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from typing import Iterator

from benchmarks import report
from benchmarks.fleet import cameras, hosts, machine

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks-fleet.md"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument(
        "--cameras", type=_sizes, default="1,16,64,256", metavar="N,…", help="on the host [%(default)s]"
    )
    parser.add_argument("--hosts", type=_sizes, default="1,10,100", metavar="N,…", help="simulated [%(default)s]")
    parser.add_argument("--forks", type=_sizes, default="5,25,50", metavar="N,…", help="[%(default)s]")
    parser.add_argument(
        "--host-seconds", type=float, default=0.5, help="a simulated host takes for a module [%(default)s]"
    )
    parser.add_argument("--only", choices=("cameras", "hosts"), help="one of the two parts")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-fleet.md, too")
    return parser


def _sizes(text: str) -> list[int]:
    return [int(one) for one in text.split(",")]


def _sections(place: Path, options: argparse.Namespace) -> Iterator[report.Section]:
    if options.only != "hosts":
        with machine.started(place) as host:
            print("\nFFmpeg and the release, for the first time: %.0f s" % cameras.warm(place, host), flush=True)
            found = {count: cameras.measure(place, host, count) for count in options.cameras}
            yield cameras.table(found)
            if cameras.BETWEEN in found:
                plain = cameras.measure_plain(place, host, cameras.BETWEEN)
                yield cameras.beside(cameras.BETWEEN, found[cameras.BETWEEN], plain)
    if options.only != "cameras":
        yield hosts.bench(place, options.hosts, options.forks, options.host_seconds)


def main() -> int:
    """Run what was asked for; return 1 when a target was missed."""
    options = _arguments().parse_args()
    # As Ctrl-C does: whatever ends this, the container goes.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    about = report.machine("controller and hosts share its processors")
    print(about, flush=True)
    done = []
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        for section in _sections(Path(directory), options):
            done.append(section)
            print(report.terminal(section), flush=True)
    if options.write:
        DOCUMENT.write_text(report.markdown(about, done, "Benchmarks of the fleet", "bench-fleet"), encoding="utf-8")
    return 1 if any(report.MISSED in row for section in done for row in section.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
