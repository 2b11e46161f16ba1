"""`camera-backup`: one verb, one module. No logic here."""

from __future__ import annotations

import importlib
import os
import sys

from camera_backup import __version__
from camera_backup.errors import INTERNAL_ERROR, INTERRUPTED, CameraBackupError

TYPE_CHECKING = False  # not from `typing`, which costs every recorder 0.6 MB
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

VERBS = {
    "check": ("camera_backup.check.command", "validate a configuration, then probe FFmpeg, cameras, bucket and disk"),
    "record": ("camera_backup.recorder.command", "record one camera (what camera-recorder-NAME.service runs)"),
    "upload": ("camera_backup.uploader.command", "upload finished segments (what camera-uploader.service runs)"),
    "status": ("camera_backup.status.command", "what this host records, holds and has proven in the bucket"),
    "list": ("camera_backup.listing.command", "what the bucket holds"),
    "retention": ("camera_backup.retention.command", "rules by which the bucket expires footage, if you ask for them"),
    "renew": ("camera_backup.units.renew", "restart what runs an older release, one recorder at a time"),
    "handover": ("camera_backup.units.handover", "give the uploader its present keys (what systemctl reload runs)"),
    "schema": ("camera_backup.config.schema", "print the JSON Schema of config.yaml, for editors"),
}


def _parser(verb: str | None) -> argparse.ArgumentParser:
    # Imported late: a recorder that is started by systemd never needs it (2 MB, times 64).
    import argparse

    parser = argparse.ArgumentParser(
        prog="camera-backup",
        description="Record RTSP cameras, prove every segment in the bucket, lose nothing.",
        epilog="Exit codes: 0 well, 1 something is wrong or undone, 2 usage, 3 configuration refused, "
        "4 this host, 5 a camera, 6 the bucket, 70 a mistake of this program, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version="camera-backup " + __version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, (module, summary) in VERBS.items():
        child = verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        child.add_argument("--debug", action="store_true", help="show tracebacks and debug messages")
        if name == verb:
            importlib.import_module(module).configure(child)
    return parser


def run(argv: list[str]) -> int:
    """Given the arguments after the program's name, do the verb and return the exit code."""
    if len(argv) == 2 and argv[0] == "record" and not argv[1].startswith("-"):
        from camera_backup.recorder.command import record

        return record(argv[1])
    verb = next((word for word in argv if not word.startswith("-")), None)
    arguments = _parser(verb).parse_args(argv)
    if arguments.debug:
        from camera_backup import journal

        journal.verbosity = journal.DEBUG
    result = importlib.import_module(VERBS[arguments.verb][0]).run(arguments)
    return int(result)


def guarded(command: str, argv: list[str], action: Callable[[list[str]], int]) -> int:
    """Run `action(argv)`; turn an error into one message and its exit code, with a traceback only for `--debug`."""
    try:
        code = action(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # `camera-backup list | head`: the reader has seen enough, and Python must not try again at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # what a shell says of one that SIGPIPE ended
    except CameraBackupError as error:
        return _complain(command, argv, str(error), error.exit_code)
    # The process boundary: whatever else happens is our mistake, and still one line without a secret.
    except Exception as error:  # noqa: BLE001
        what = "internal error, please report it with the output of --debug: %s: %s" % (type(error).__name__, error)
        return _complain(command, argv, what, INTERNAL_ERROR)


def _complain(command: str, argv: list[str], message: str, code: int) -> int:
    from camera_backup.journal import redact

    if "--debug" in argv:
        import traceback

        sys.stderr.write(redact(traceback.format_exc()))
    for text in message.splitlines():
        sys.stderr.write("%s: %s\n" % (command, redact(text)))
    return code


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `camera-backup` command."""
    return guarded("camera-backup", sys.argv[1:] if argv is None else argv, run)
