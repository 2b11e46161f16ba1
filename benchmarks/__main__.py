"""Run the benchmarks and print their tables, each figure beside its target."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Callable

from benchmarks import closing, cpu, idle, recording, report, resend, scan
from benchmarks.measure import MIB

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

SECTIONS: dict[str, Callable[[Path, argparse.Namespace], report.Section]] = {
    "cpu": lambda place, options: cpu.bench(place, options.size * MIB, options.files, options.rounds),
    "resend": lambda place, options: resend.bench(place, 256 * MIB),
    "idle": lambda place, options: idle.bench(place),
    "recording": lambda place, options: recording.bench(place, options.cameras, options.seconds),
    "closing": lambda place, options: closing.bench(place, 128 * MIB),
    "scan": lambda place, options: scan.bench(place, options.segments, options.rounds),
}


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    choices = ", ".join(SECTIONS)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="%s (default: all)" % choices)
    parser.add_argument("--size", type=int, default=1024, metavar="MIB", help="of a segment (default: %(default)s)")
    parser.add_argument("--files", type=int, default=2, metavar="N", help="segments per upload (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="interleaved rounds (default: %(default)s)")
    parser.add_argument("--cameras", type=int, default=4, metavar="N", help="recorded (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="of recording (default: %(default)s)")
    parser.add_argument("--segments", type=int, default=100_000, metavar="N", help="waiting (default: %(default)s)")
    parser.add_argument("--dir", default=None, help="where files go; needs 3 GB (default: the temporary directory)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md, too")
    return parser


def main() -> int:
    """Run what was asked for; return 1 when a target was missed."""
    parser = _arguments()
    options = parser.parse_args()
    unknown = sorted(set(options.sections) - set(SECTIONS))
    if unknown:
        parser.error("unknown section %s, accepted: %s" % (unknown[0], ", ".join(SECTIONS)))
    machine = report.machine()
    print(machine, flush=True)
    done = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as directory:
        for name in options.sections or SECTIONS:
            done.append(SECTIONS[name](Path(directory), options))
            print(report.terminal(done[-1]), flush=True)
    if options.write:
        DOCUMENT.write_text(report.markdown(machine, done), encoding="utf-8")
    return 1 if any(report.MISSED in row for section in done for row in section.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
