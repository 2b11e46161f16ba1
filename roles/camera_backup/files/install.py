"""Install the release that lies beside this file: `python3 install.py /opt/camera-backup/RELEASE`. No network needed.

It travels in every bundle. The directory is marked complete last: one that was left half-way is made anew.
"""

from __future__ import annotations

import glob
import os
import shutil
import subprocess
import sys
import venv

WHEELS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wheels")


def main(directory: str) -> None:
    """Given the directory of the release, make it."""
    if os.path.exists(directory):
        shutil.rmtree(directory)
    # Without pip, which Debian keeps in a package of its own; the one that was shipped is run from its wheel.
    venv.create(directory, with_pip=False, symlinks=True)
    wheels = sorted(glob.glob(os.path.join(WHEELS, "*.whl")))
    pip = next(wheel for wheel in wheels if os.path.basename(wheel).startswith("pip-"))
    wheels.remove(pip)
    python = os.path.join(directory, "bin", "python")
    options = ["--quiet", "--no-index", "--no-deps", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_ROOT_USER_ACTION": "ignore"}
    subprocess.run([python, pip + "/pip", "install", *options, *wheels], check=True, env=environment)
    with open(os.path.join(directory, ".complete"), "w", encoding="ascii") as marker:
        marker.write("%d.%d\n" % sys.version_info[:2])


if __name__ == "__main__":
    main(sys.argv[1])
