"""Everything that can go wrong in words an operator can act on, and the exit code of each.

    CameraBackupError            1  something was found wrong, or work was left undone
    ├── UsageError               2  the command line itself is wrong
    ├── ConfigError              3  the configuration was refused; nothing was touched
    ├── HostError                4  this machine: missing program, permission, disk
    ├── CameraError              5  a camera: unreachable, login refused, unusable stream
    └── StoreError               6  the bucket: unreachable, refused, nothing provable

    anything else               70  a mistake of this program
    interrupted                130

Messages are one line each: what, where, what was given, what is accepted. They never hold a secret.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not from `typing`, which costs every recorder 0.6 MB
if TYPE_CHECKING:
    from typing import Sequence


INTERNAL_ERROR = 70
INTERRUPTED = 130


class CameraBackupError(Exception):
    """Base of every error shown to the operator as a message instead of a traceback."""

    exit_code = 1


class UsageError(CameraBackupError):
    """The command line is wrong."""

    exit_code = 2


class ConfigError(CameraBackupError):
    """The configuration was refused.

    `problems` holds one finished line per mistake of the file; the text of the error is all of them.
    """

    exit_code = 3

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))


class HostError(CameraBackupError):
    """This machine cannot do what was asked: a missing program, a permission, a full disk."""

    exit_code = 4


class CameraError(CameraBackupError):
    """A camera cannot be recorded as configured."""

    exit_code = 5


class StoreError(CameraBackupError):
    """The bucket cannot be used as configured."""

    exit_code = 6
