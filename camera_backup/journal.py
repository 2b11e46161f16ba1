"""One line per event on standard error, in the form journald understands. Standard library only, no logging module:
a supervisor with it would be 3 MB larger, times 64 cameras.

A line is `event key=value key=value`. Under systemd it carries the syslog priority `<N>`, which journald takes off.
"""

from __future__ import annotations

import os
import sys

from camera_backup.redact import Redactor

TYPE_CHECKING = False  # not from `typing`, which costs every recorder 0.6 MB
if TYPE_CHECKING:
    from typing import Union

    Value = Union[str, int, float, None]

ERROR, WARNING, NOTICE, INFO, DEBUG = 3, 4, 5, 6, 7

redact = Redactor()
"""The process-wide redactor; every secret a process learns is given to it first."""

verbosity = INFO


def _quoted(value: Value) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return "%.3f" % value
    text = str(value)
    plain = text and all(c.isalnum() or c in "._-/:+@%,*" for c in text)
    return text if plain else '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def line(event: str, **fields: Value) -> str:
    """Given an event and its fields, return the line without secrets and without priority."""
    return redact(" ".join([event, *("%s=%s" % (key, _quoted(value)) for key, value in fields.items())]))


def log(priority: int, event: str, **fields: Value) -> None:
    """Write one event. Never raises: a full or closed journal must not end a recording."""
    if priority > verbosity:
        return
    prefix = "<%d>" % priority if "JOURNAL_STREAM" in os.environ else ""
    try:
        sys.stderr.write("%s%s\n" % (prefix, line(event, **fields)))
        sys.stderr.flush()
    except (OSError, ValueError):
        return
