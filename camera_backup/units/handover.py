"""`camera-backup handover`: what `systemctl reload camera-uploader` runs, as root and outside the sandbox.

systemd copies a credential when a service starts and never again (RefreshOnReload= came with 258). So the present
file is written into the uploader's runtime directory, where it takes precedence, and the uploader is told by SIGHUP.
A restart empties that directory and starts from the file again.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Mapping

from camera_backup import files
from camera_backup.errors import HostError, UsageError
from camera_backup.units import names

if TYPE_CHECKING:
    import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """The service brings everything in its environment."""


def run(arguments: argparse.Namespace) -> int:
    """Hand over and return the exit code."""
    hand_over(names.credential(names.UPLOADER), os.environ)
    return 0


def hand_over(source: str, environment: Mapping[str, str]) -> None:
    """Given the credential file and the environment of an ExecReload= command, write the file to the uploader's
    runtime directory and send its main process SIGHUP; raise UsageError outside a reload, HostError when refused.
    """
    try:
        directory, process = environment["RUNTIME_DIRECTORY"], int(environment["MAINPID"])
    except (KeyError, ValueError):
        raise UsageError("handover is for systemd; use: systemctl reload camera-uploader") from None
    try:
        with open(source, encoding="utf-8") as stream:
            text = stream.read()
        _become_owner(directory)
        files.replace(os.path.join(directory, "uploader.json"), text, 0o400, durable=False)
        os.kill(process, signal.SIGHUP)
    except OSError as error:
        raise HostError("cannot hand over %s: %s" % (source, error.strerror)) from error


def _become_owner(directory: str) -> None:
    """Be the service from here on: root must not follow what the service may have planted in its own directory."""
    if os.geteuid() == 0:
        owner = os.stat(directory)
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
