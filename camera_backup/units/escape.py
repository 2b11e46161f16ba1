"""How a path is written in a unit file so that systemd reads back the very same path. Pure.

Paths pass two readers (systemd 252 `config_parse_exec`, `config_parse_namespace_path_strv`, `systemd.syntax(7)`):
one splits words and takes off quotes and backslashes, one expands `%` specifiers. `$` is expanded only in the
arguments of a command line, never in its program nor in path lists, so it stays as it is.
"""

from __future__ import annotations

import os
import re

from camera_backup.errors import ConfigError, HostError

_IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@,+=$%-]+\Z")


def path(raw: str) -> str:
    """Given an absolute path, return the word that stands for it in `ExecStart=`, `ReadWritePaths=` and their like;
    raise ConfigError for one that no unit file can hold (relative, or with control characters).
    """
    clean = os.path.normpath(raw)
    if not raw.startswith("/") or _IMPOSSIBLE.search(raw):
        raise ConfigError(["%r cannot stand in a systemd unit: give an absolute path without control characters" % raw])
    # POSIX keeps a leading double slash; systemd does not.
    clean = "/" + clean.lstrip("/")
    word = clean.replace("%", "%%")
    if _PLAIN.match(word):
        return word
    return '"%s"' % word.replace("\\", "\\\\").replace('"', '\\"')


def program(raw: str) -> str:
    """Given the path of a program, return the word for `ExecStart=`; raise HostError for one that systemd would not
    run ("Executable name contains special characters").
    """
    if set(raw) & set("\"'\\"):
        raise HostError("systemd runs no program whose path has quotes or backslashes: %s; install elsewhere" % raw)
    return path(raw)
