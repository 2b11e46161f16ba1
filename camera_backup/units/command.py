"""`camera-backup-generate`: from config.yaml to units. No logic here."""

from __future__ import annotations

import argparse
import json
import os
import sys

from camera_backup import __version__
from camera_backup.cli import guarded
from camera_backup.config import DEFAULT_PATH, advice, load
from camera_backup.errors import CameraBackupError, HostError, UsageError
from camera_backup.model import Config
from camera_backup.units import handed, renew, report, systemd
from camera_backup.units.converge import Outcome, converge

_DESCRIPTION = """\
Write one camera-recorder-NAME.service per enabled camera, camera-uploader.service, and the files with their
credentials, which only root can read. Stop and remove the units of cameras that are gone or disabled; their footage
stays. A configuration that is refused touches nothing. A second run changes nothing."""

_EPILOG = """\
Exit codes: 0 all is, or with --check would be, as configured; 1 something was left alone that should not be there,
2 usage, 3 configuration refused, 4 this host refused, or a service did not start."""


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `camera-backup-generate` command."""
    return guarded("camera-backup-generate", sys.argv[1:] if argv is None else argv, run)


def run(argv: list[str]) -> int:
    """Given the arguments, generate, report, and return the exit code."""
    options = _parser().parse_args(argv)
    systemctl = _systemctl(options)
    check = options.check or options.diff
    if options.replace:
        outcome = _handed(options, systemctl, check)
    else:
        outcome = _converged(load(options.config), options, systemctl, check)
        outcome = outcome._replace(warnings=[*advice.file_warnings(options.config), *outcome.warnings])
    if options.json:
        print(json.dumps(report.machine(outcome, options.with_diff), indent=2))
    else:
        sys.stdout.write(report.diff(outcome) if options.diff else report.text(outcome))
        print(_remark(check, systemctl), end="")
    return _verdict(outcome)


def _handed(options: argparse.Namespace, systemctl: systemd.Systemctl | None, check: bool) -> Outcome:
    """The configuration comes from standard input; it is in its place before a unit is touched that names it."""
    text = sys.stdin.read()
    config, change = handed.read(text, options.config, options.with_diff)
    if not check:
        handed.put(text, change)
    return _converged(config, options, systemctl, check)._replace(handed=(change,))


def _converged(
    config: Config, options: argparse.Namespace, systemctl: systemd.Systemctl | None, check: bool
) -> Outcome:
    if systemctl is None or options.gently is None or check:
        return converge(config, options.root, systemctl, options.apply, check)
    return renew.gently(config, systemctl, options.gently)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="camera-backup-generate",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", default=DEFAULT_PATH, metavar="FILE", help="the configuration [%(default)s]")
    parser.add_argument(
        "--replace", action="store_true", help="read the configuration from standard input and, if valid, write it"
    )
    parser.add_argument("--check", action="store_true", help="change nothing, list what would change")
    parser.add_argument("--diff", action="store_true", help="change nothing, show what would change line by line")
    parser.add_argument("--apply", action="store_true", help="also enable, restart and start exactly what needs it")
    parser.add_argument(
        "--gently",
        type=float,
        nargs="?",
        const=90.0,
        metavar="SECONDS",
        help="with --apply: restart one recorder at a time, also for another release; stop at one that does not record "
        "again within these seconds [%(const).0f]",
    )
    parser.add_argument("--root", default="/", metavar="DIR", help="write below DIR, for images or to have a look")
    parser.add_argument("--json", action="store_true", help="print one JSON object, for machines")
    parser.add_argument(
        "--no-diff", dest="with_diff", action="store_false", help="with --json: leave the diff empty, which saves time"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.add_argument("--version", action="version", version="camera-backup " + __version__)
    return parser


def _systemctl(options: argparse.Namespace) -> systemd.Systemctl | None:
    if options.gently is not None and not options.apply:
        raise UsageError("--gently is a way to --apply: give both")
    if options.root != "/":
        if options.apply:
            raise UsageError("--apply needs the running system, --root is a directory: leave out one of them")
        return None
    if os.geteuid() != 0:
        raise HostError("must be run by root, who owns units and credentials; to have a look: --root DIRECTORY")
    if systemd.here():
        return systemd.Systemctl()
    if options.apply:
        raise HostError("--apply needs systemd, which does not run on this machine; leave it out to write the files")
    return None


def _remark(check: bool, systemctl: systemd.Systemctl | None) -> str:
    if check:
        return "\nNothing was changed.\n"
    return "" if systemctl else "\nNo systemd was told: the services are to be enabled where these files go.\n"


def _verdict(outcome: Outcome) -> int:
    """Complain on standard error about what is not as configured; return the exit code."""
    plan = outcome.plan
    for kind, lines in (("warning", outcome.warnings), ("left alone", plan.refused), ("failed", outcome.failed)):
        for line in lines:
            sys.stderr.write("camera-backup-generate: %s: %s\n" % (kind, line))
    return HostError.exit_code if outcome.failed else CameraBackupError.exit_code if plan.refused else 0
