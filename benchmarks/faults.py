"""What our uploader and its peers make of the same faults: who loses footage, and what the rest costs."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import losing, outlasting, report

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "benchmarks-faults.md"


def main() -> int:
    """Play all faults with all clients; return 1 when ours missed a target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--dir", default=None, help="where files go (default: the temporary directory)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks-faults.md, too")
    options = parser.parse_args()
    machine = report.machine()
    print(machine, flush=True)
    done = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as directory:
        for bench in (losing.bench, outlasting.bench):
            done.append(bench(Path(directory), losing.CLIENTS))
            print(report.terminal(done[-1]), flush=True)
    if options.write:
        text = report.markdown(machine, done, "Faults, with peers", "bench-faults")
        DOCUMENT.write_text(text, encoding="utf-8")
    return 1 if any(report.MISSED in row for section in done for row in section.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
