"""Two simulated cameras (one rtsp with a login, one rtsps), an embedded S3 server, and the real commands between them.

Everything lies in one temporary directory and on loopback ports; nothing of this machine is touched. Ends with every
object fetched again and compared. exit codes: 0 everything was proven, 1 something was not, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

from camera_backup import measures
from camera_backup.table import render, wants_colour
from tests.support.processes import Program
from tools.demo import shell, verdict
from tools.demo.catalog import uploads
from tools.demo.progress import Progress
from tools.demo.shell import say
from tools.demo.stage import Stage, stage

_TICK = 0.25
_DRAIN = 60.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long to record (default: %(default)s)")
    parser.add_argument("--segment", type=int, default=10, help="length of a segment in s (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the files there, to look around")
    return parser


def main() -> int:
    """Run the demo; return its exit code."""
    arguments = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with stage(arguments.segment, arguments.keep) as scene:
            return _play(scene, arguments)
    except KeyboardInterrupt:
        say("\nInterrupted; everything is stopped and tidied up.")
        return 130
    except (OSError, RuntimeError) as error:
        say("\nThe demo failed: %s" % error)
        return 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Unwind once; a second Ctrl-C must not cut the tidying short."""
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt


def _play(scene: Stage, arguments: argparse.Namespace) -> int:
    say("Two simulated cameras and an S3 server run on this machine. The configuration is %s\n" % scene.config)
    code = shell.run("check", scene.config)
    if code:
        return code
    progress = Progress(scene, lambda: uploads(scene), say)
    with shell.started(scene.home / "upload.log", "upload", "--config", scene.config) as uploader:
        _record(scene, uploader, progress, arguments.seconds)
        _watch([uploader], progress, _DRAIN, progress.settled)
    return _verdict(scene, arguments.keep)


def _record(scene: Stage, uploader: Program, progress: Progress, seconds: int) -> None:
    with contextlib.ExitStack() as stack:
        recorders = [
            stack.enter_context(shell.started(scene.home / (name + ".log"), "record", name, "--config", scene.config))
            for name in scene.cameras
        ]
        say()
        _watch([uploader, *recorders], progress, seconds * 0.6)
        say()
        shell.run("status", "--config", scene.config)
        _watch([uploader, *recorders], progress, seconds * 0.4)
        say("\nThe recorders are asked to stop: they finish their files, and the uploader takes them.\n")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda recorder: recorder.stop(20), recorders))


def _watch(programs: list[Program], progress: Progress, seconds: float, done: object = None) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shell.check_running(programs)
        progress.tell()
        if callable(done) and done():
            return
        time.sleep(_TICK)


def _verdict(scene: Stage, keep: bool) -> int:
    say()
    shell.run("list", "--all", "--config", scene.config)
    say("Now another client fetches every object, and counts the camera's frames in it.\n")
    proofs = {(row.camera, row.name): row.proven - row.closed for row in uploads(scene) if row.proven and row.closed}
    found = verdict.judge(scene, proofs)
    say(verdict.show(found, wants_colour(sys.stdout, os.environ)))
    for camera in scene.cameras:
        say("%s: %s" % (camera, verdict.counted(scene, camera)))
    wrong = verdict.complaints(scene, found)
    for line in wrong:
        say("WRONG: " + line)
    outcome = measures.plural(len(wrong), "complaint") if wrong else "every one proven byte for byte, none left here"
    say("%s, %s: %s." % (measures.plural(len(found), "object"), measures.size(sum(one.size for one in found)), outcome))
    _next(scene, keep)
    return 1 if wrong else 0


def _next(scene: Stage, keep: bool) -> None:
    places = [
        ("README.md", "put it on a host, in five commands"),
        ("docs/configuration.md", "every key of config.yaml"),
        ("camera-backup check --help", "what it looks at before a recording is lost"),
        ("make test", "the same with faults: kills, freezes, a store that lies"),
    ]
    if keep:
        places.insert(0, (os.path.relpath(scene.home), "the configuration, logs, ledger and catalog of this run"))
    say("\nWhere to look next\n" + render([["  " + where, what] for where, what in places]).rstrip())


if __name__ == "__main__":
    sys.exit(main())
