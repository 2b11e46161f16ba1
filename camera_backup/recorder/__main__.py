"""What `camera-backup record NAME` becomes: the same verb in a Python that has loaded nothing else."""

from __future__ import annotations

import sys

from camera_backup.cli import guarded
from camera_backup.recorder.command import record


def main() -> None:
    """Record the camera named last on the command line, and end the process."""
    sys.exit(guarded("camera-backup", sys.argv[1:], lambda arguments: record(arguments[-1])))


if __name__ == "__main__":
    main()
