"""A fleet on this machine: two hosts in containers, four simulated cameras, a bucket, and the real playbooks.

Ends with the table of playbooks/check.yml, and every object of the bucket fetched again and compared. The inventory is
inventory/demo. exit codes: 0 everything was proven, 1 something was not, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import Any

from camera_backup.table import render, wants_colour
from tools.demo import ending, shell, verdict, world
from tools.demo.progress import Progress
from tools.demo.shell import say
from tools.demo.state import State
from tools.demo.world import World

_SEGMENTS = 2
_ARRIVAL = 150.0
_QUIET = 60.0
_TICK = 1.0


def main() -> int:
    """Run the demo; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="make demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--keep", action="store_true", help="leave hosts, cameras and bucket running, to play with")
    what.add_argument("--remove", action="store_true", help="remove what --keep left")
    arguments = parser.parse_args()
    return ending.played(_remove if arguments.remove else lambda: _demo(arguments.keep))


def _remove() -> int:
    with world.alone():
        world.remove()
    return 0


def _demo(keep: bool) -> int:
    with world.built(keep) as there:
        say("\nThe inventory is %s; this makes the hosts what it says:\n" % world.INVENTORY)
        _play("site.yml")
        _watch(there)
        _play("playbooks/check.yml", "-e", "camera_backup_check_report=")
        _judge(there)
        _next(keep)
    return 0


def _play(playbook: str, *options: str) -> None:
    code = shell.run("-i", world.INVENTORY, playbook, *options, program=world.ansible("ansible-playbook"))
    if code:
        raise RuntimeError("%s ended with %d" % (playbook, code))


def _watch(there: World) -> None:
    """Tell what becomes of the first segments, until some of every camera are proven."""
    say("Now the hosts record on their own, and upload. Segments of this demo are 10 s long:\n")
    progress = Progress(there.look, say)
    deadline = time.monotonic() + _ARRIVAL
    while True:
        known = progress.tell()
        if known.settled and all(len(known.recorded.get(camera, ())) >= _SEGMENTS for camera in there.cameras):
            say()
            return
        if time.monotonic() > deadline:
            raise RuntimeError("no footage of every camera was proven within %d s" % _ARRIVAL)
        time.sleep(_TICK)


def _judge(there: World) -> None:
    say("Another client fetches every object, and counts the camera's frames in it.\n")
    items, known = _quiet(there)
    found = verdict.judge(there.bucket, items, known)
    say(verdict.show(found, wants_colour(sys.stdout, os.environ)))
    accounts = {
        camera: verdict.account(there.bucket, camera, there.sent(mount), mount)
        for camera, mount in there.cameras.items()
    }
    wrong = verdict.complaints(found, known, accounts)
    say(verdict.sum_up(found, accounts, wrong, "every one proven byte for byte"))
    if wrong:
        raise RuntimeError("footage is not as it should be")


def _quiet(there: World) -> tuple[list[dict[str, Any]], State]:
    """Wait for a moment in which the bucket holds exactly what was recorded; after a while, return what there is."""
    deadline = time.monotonic() + _QUIET
    while True:
        known = there.look()
        items = there.bucket.objects()
        recorded = {(camera, name) for camera, segments in known.recorded.items() for name in segments}
        if known.settled and recorded == {verdict.place(item["Key"]) for item in items}:
            return items, known
        if time.monotonic() > deadline:
            return items, known
        time.sleep(_TICK)


def _next(keep: bool) -> None:
    say("\nWhere to look next")
    places = [
        (world.INVENTORY + "/", "what was just run; a camera is two lines in host_vars/"),
        ("README.md", "your own fleet: inventory/example, and the playbooks as verbs"),
        ("make demo-local", "the same on one host, without containers"),
        ("make test", "the same with faults: kills, freezes, a store that lies"),
    ]
    if not keep:
        places.insert(0, ("make demo ARGS=--keep", "the same, and the hosts stay: add a camera, change a password"))
    say(render([["  " + where, what] for where, what in places]).rstrip())
    if keep:
        say(_KEPT)


_KEPT = """
Hosts, cameras and bucket go on running. Uncomment the camera in inventory/demo/host_vars/nvr-1/camera_backup.yml (two
lines), and

  export PATH="$PWD/.build/ansible/bin:$PATH"
  ansible-playbook -i inventory/demo site.yml --check --diff     what would change
  ansible-playbook -i inventory/demo site.yml                    starts the new recorder, and touches no other
  ansible-playbook -i inventory/demo playbooks/check.yml         the table again
  ssh -i .build/demo/id_ed25519 -p 22831 root@127.0.0.1          a look into nvr-1
  make demo ARGS=--remove                                        removes everything"""


if __name__ == "__main__":
    sys.exit(main())
