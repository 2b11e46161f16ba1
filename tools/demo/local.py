"""Two simulated cameras (one rtsp with a login, one rtsps), an embedded S3 server, and the real commands between them.

Everything lies in one temporary directory and on loopback ports; nothing of this machine is touched. Ends with every
object fetched again and compared. exit codes: 0 everything was proven, 1 something was not, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable
from urllib.parse import quote

from camera_backup.table import render, wants_colour
from tests.support.processes import Program
from tools.demo import ending, shell, state, verdict
from tools.demo.progress import Progress
from tools.demo.shell import say
from tools.demo.stage import BUCKET, PASSWORD, Stage, stage
from tools.demo.state import State

_TICK = 0.25
_DRAIN = 60.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make demo-local", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long to record (default: %(default)s)")
    parser.add_argument("--segment", type=int, default=10, help="length of a segment in s (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the files there, to look around")
    return parser


def main() -> int:
    """Run the demo; return its exit code."""
    arguments = _parser().parse_args()

    def demo() -> int:
        with stage(arguments.segment, arguments.keep) as scene:
            return _play(scene, arguments)

    return ending.played(demo)


def _play(scene: Stage, arguments: argparse.Namespace) -> int:
    say("Two simulated cameras and an S3 server run on this machine. The configuration is %s\n" % scene.config)
    code = shell.run("check", scene.config)
    if code:
        return code
    progress = Progress(lambda: _look(scene), say)
    with shell.started(scene.home / "upload.log", "upload", "--config", scene.config) as uploader:
        _record(scene, uploader, progress, arguments.seconds)
        _watch([uploader], progress, _DRAIN, lambda known: known.settled)
    return _verdict(scene, arguments.keep)


def _look(scene: Stage) -> State:
    return state.read(str(scene.home / "state"), scene.cameras)


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


def _watch(
    programs: list[Program], progress: Progress, seconds: float, done: Callable[[State], bool] = lambda known: False
) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shell.check_running(programs)
        if done(progress.tell()):
            return
        time.sleep(_TICK)


def _verdict(scene: Stage, keep: bool) -> int:
    say()
    shell.run("list", "--all", "--config", scene.config)
    say("Now another client fetches every object, and counts the camera's frames in it.\n")
    bucket = verdict.Bucket(scene.server.client, BUCKET, scene.home / "fetched")
    known = _look(scene)
    found = verdict.judge(bucket, bucket.objects(), known)
    say(verdict.show(found, wants_colour(sys.stdout, os.environ)))
    accounts = {name: verdict.account(bucket, name, camera.sent(), name) for name, camera in scene.cameras.items()}
    wrong = [*verdict.complaints(found, known, accounts), *_left(scene)]
    say(verdict.sum_up(found, accounts, wrong, "every one proven byte for byte, none left here"))
    _next(scene, keep)
    return 1 if wrong else 0


def _left(scene: Stage) -> list[str]:
    """Return what should not be in our directory any more, or never: footage, and the password in logs and state."""
    lines = ["%s is still here" % path for path in sorted((scene.home / "segments").glob("*/2*.mp4"))]
    forms = [form.encode() for form in (PASSWORD, quote(PASSWORD, safe=""), json.dumps(PASSWORD)[1:-1])]
    logs: list[Path] = [*scene.home.glob("*.log"), *(scene.home / "state").rglob("*.json*")]
    leaks = [path for path in logs if any(form in path.read_bytes() for form in forms)]
    return lines + ["%s holds the password" % path.name for path in leaks]


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
