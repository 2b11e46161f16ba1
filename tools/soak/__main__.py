"""Record simulated cameras with the real recorders and the real uploader through a seeded storm of faults.

Afterwards every object is fetched and every frame the cameras sent is accounted for: recorded once, or lost where the
ledger has a gap with the right cause. From some minutes on, the memory and the open files of every process are judged,
too. Exit code 0 when all is accounted for and nothing grows, 1 otherwise; then the files are kept.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from camera_backup.table import wants_colour
from tools.demo.shell import say
from tools.soak import flatness, verdict
from tools.soak.stage import Stage, stage
from tools.soak.storm import Strike, storm
from tools.soak.watch import Watch

_TICK = 0.1
_DRAIN = 120.0
_SETTLE = 20.0
_PLACE = Path(__file__).parents[2] / ".build"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0, help="length of the storm (default: %(default)s)")
    parser.add_argument("--cameras", type=int, default=4, help="how many cameras (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what fixes the storm (default: %(default)s)")
    parser.add_argument(
        "--no-kills",
        action="store_true",
        help="kill no process, so that memory and open files of each have time to grow",
    )
    return parser


def main() -> int:
    """Run a soak; return its exit code."""
    arguments = _parser().parse_args()
    _PLACE.mkdir(exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="soak-", dir=_PLACE))
    with stage(home, arguments.cameras) as scene:
        watch = Watch()
        strikes = storm(arguments.seed, arguments.minutes * 60, list(scene.cameras), kills=not arguments.no_kills)
        say("seed %d, %.0f s: %s" % (arguments.seed, arguments.minutes * 60, _counted([one.kind for one in strikes])))
        ended = _play(scene, arguments.minutes * 60, strikes, watch)
        wrong = _drained(scene)
        lines = verdict.judge(scene, ended)
    wrong += ["%s: %s" % (line.camera, text) for line in lines for text in line.wrong]
    growing, trends = flatness.judge(watch.seen)
    wrong += growing
    colour = wants_colour(sys.stdout, os.environ)
    say(verdict.show(lines, colour))
    if trends:
        say(flatness.show(trends, colour))
    for line in wrong:
        say("WRONG: " + line)
    lost = sum(line.tail for line in lines)
    sent = sum(line.sent for line in lines)
    outcome = "%d violations; files in %s" % (len(wrong), os.path.relpath(home)) if wrong else "every one accounted for"
    say(
        "seed %d: %d frames sent, %d cut off by a kill, a reset or the last stop, %s."
        % (arguments.seed, sent, lost, outcome)
    )
    if not wrong:
        shutil.rmtree(home)
    return 1 if wrong else 0


def _play(scene: Stage, seconds: float, strikes: list[Strike], watch: Watch) -> float:
    """Let the storm pass over the host; return when the recorders were stopped (epoch seconds)."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        scene.keep()
        while strikes and strikes[0].at <= time.monotonic() - started:
            scene.strike(strikes.pop(0))
        watch.look(scene, time.monotonic())
        time.sleep(_TICK)
    scene.calm()
    settled = time.monotonic() + _SETTLE
    while time.monotonic() < settled:
        scene.keep()
        time.sleep(_TICK)
    ended = time.time()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda recorder: recorder.stop(), scene.recorders.values()))
    return ended


def _drained(scene: Stage) -> list[str]:
    """Wait until everything has left the disk; return what has not."""
    deadline = time.monotonic() + _DRAIN
    while scene.waiting() and time.monotonic() < deadline:
        scene.uploader.keep(time.monotonic())
        time.sleep(_TICK)
    return ["%s: is still on the disk" % path.relative_to(scene.home) for path in scene.waiting()]


def _counted(kinds: list[str]) -> str:
    return ", ".join("%d × %s" % (count, kind) for kind, count in sorted(Counter(kinds).items()))


if __name__ == "__main__":
    sys.exit(main())
