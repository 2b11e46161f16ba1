"""`python -m camera_backup`: the same as the `camera-backup` command."""

import sys

from camera_backup.cli import main

if __name__ == "__main__":
    sys.exit(main())
