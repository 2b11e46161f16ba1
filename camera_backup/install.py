"""`camera-backup-install`: what a host needs before its first configuration. Idempotent."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import NamedTuple

from camera_backup import __version__, account, directories, files
from camera_backup.cli import guarded
from camera_backup.config import DEFAULT_PATH
from camera_backup.errors import HostError

_TEMPLATE = os.path.join(os.path.dirname(__file__), "templates", "config.yaml")

_DESCRIPTION = """\
Create the system user camera-backup, the directories of the product, and a configuration to fill in. What is there
already stays as it is, above all an edited configuration."""

_EPILOG = """\
With --root DIR everything is made below DIR; the user is created in DIR/etc/passwd when there is such a file, and
left to the image otherwise. Exit codes: 0 all there, 2 usage, 4 this host refused."""

_PLACES = (
    directories.CONFIG,
    directories.CREDENTIALS,
    directories.HOME,
    directories.storage("/var/lib/camera-backup/segments"),
    directories.storage("/var/lib/camera-backup/state"),
)


class Step(NamedTuple):
    """One thing that should be there; `action`: `create`, or `unchanged`, or `skip` with the reason in `what`."""

    action: str
    what: str


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `camera-backup-install` command."""
    return guarded("camera-backup-install", sys.argv[1:] if argv is None else argv, run)


def run(argv: list[str]) -> int:
    """Given the arguments, install, report, and return the exit code."""
    options = _parser().parse_args(argv)
    if options.root == "/" and os.geteuid() != 0:
        raise HostError("must be run by root, who can create the system user; to have a look: --root DIRECTORY")
    steps = install(options.root)
    if options.json:
        print(json.dumps({"changed": _changed(steps), "steps": [step._asdict() for step in steps]}, indent=2))
    else:
        print("\n".join("%-9s %s" % step for step in steps))
        print("\nNext:\n  edit %s\n  camera-backup check\n  camera-backup-generate" % DEFAULT_PATH)
    return 0


def install(root: str = "/") -> list[Step]:
    """Given the directory that stands for `/`, create what is missing in it; return every step; raise HostError."""
    try:
        steps = _account(root)
        user = account.find(root)
        steps += [_directory(root, place, user) for place in _PLACES]
        return [*steps, _configuration(root)]
    except OSError as error:
        raise HostError("%s: %s" % (error.filename, error.strerror)) from error


def _account(root: str) -> list[Step]:
    if root != "/" and not account.has_accounts(root):
        return [Step("skip", "user %s: no etc/passwd in %s" % (account.USER, root))]
    if root != "/" and os.geteuid() != 0:
        return [Step("skip", "user %s: only root can create it" % account.USER)]
    created = account.create(root)
    return [Step("create", what) for what in created] or [Step("unchanged", "user " + account.USER)]


def _directory(root: str, place: directories.Directory, user: account.Ids | None) -> Step:
    if os.path.isdir(os.path.join(root, place.path.lstrip("/"))):
        return Step("unchanged", place.path)
    directories.make(root, place, user)
    return Step("create", place.path)


def _configuration(root: str) -> Step:
    path = os.path.join(root, DEFAULT_PATH.lstrip("/"))
    # Whatever is there stays, also a broken link: it is the operator's.
    if os.path.lexists(path):
        return Step("unchanged", DEFAULT_PATH)
    with open(_TEMPLATE, encoding="utf-8") as template:
        files.replace(path, template.read(), 0o600)
    return Step("create", DEFAULT_PATH)


def _changed(steps: list[Step]) -> bool:
    return any(step.action == "create" for step in steps)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camera-backup-install",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--root", default="/", metavar="DIR", help="install below DIR, for images")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("--version", action="version", version="camera-backup " + __version__)
    return parser
