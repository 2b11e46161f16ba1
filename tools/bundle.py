"""Pack this checkout, and all it needs, for hosts with one version of Python: what playbooks ship, and install offline.

usage: tools/bundle.py --python 3.11 --machine x86_64 --output BUNDLE.tar

Needs the network once per version of Python; a bundle that is there already is kept. Several may run at a time.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent
FILES = ROOT / "roles/camera_backup/files"


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--python", required=True, metavar="X.Y", help="version of Python of the hosts")
    parser.add_argument("--machine", default="x86_64", help="their processor, as uname -m says [%(default)s]")
    parser.add_argument("--output", required=True, type=Path, metavar="FILE")
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with alone(options.output.parent / ".lock"):
        if options.output.exists():
            print("present: %s" % options.output)
            return
        build(options.python, options.machine, options.output)
    print("built: %s" % options.output)


def build(python: str, machine: str, output: Path) -> None:
    """Make a bundle; it is whole or not there."""
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".building-") as directory:
        place = Path(directory)
        wheels = place / "wheels"
        pip = Pip(output.parent / ".pip")
        pip(
            "download",
            "--requirement",
            str(FILES / "requirements.txt"),
            "--dest",
            str(wheels),
            *target(python, machine),
        )
        pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
        with tarfile.open(place / "bundle.tar", "w") as bundle:
            bundle.add(wheels, "wheels", filter=anonymous)
            bundle.add(FILES / "install.py", "install.py", filter=anonymous)
        os.rename(place / "bundle.tar", output)


def target(python: str, machine: str) -> list[str]:
    """Return pip's options for a Python that is not the one that runs: any Linux from glibc 2.28 on (Debian 10)."""
    platforms = ["manylinux_2_28_" + machine, "manylinux2014_" + machine, "any"]
    options = ["--no-deps", "--only-binary=:all:", "--implementation=cp", "--python-version=" + python]
    return options + ["--platform=" + platform for platform in platforms]


class Pip:
    """pip: of the running Python, or of an environment made for it where that one has none (uv, pipx, Debian)."""

    def __init__(self, directory: Path) -> None:
        self._python = sys.executable
        if subprocess.run([self._python, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
            if not (directory / "bin/python").exists():
                venv.create(directory, with_pip=True)
            self._python = str(directory / "bin/python")

    def __call__(self, *arguments: str) -> None:
        """Run pip; end the program with pip's own words when it fails."""
        command = [self._python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()[-3:]
            raise SystemExit("tools/bundle.py: pip %s failed: %s" % (arguments[0], " ".join(errors)))


def anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Given an entry of the bundle, return it without the person who built it."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755 if entry.isdir() else 0o644
    return entry


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Many hosts ask for one bundle at the same time: the first builds it, the others wait and find it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    main()
