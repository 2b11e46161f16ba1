"""Run simulated cameras until SIGTERM or the end of standard input.

Prints one line of JSON when ready: {"control": port, "cameras": [{"name", "url", "port"}, …]}.
Commands go to the control port, one JSON object a line, e.g.
  {"do": "add", "name": "front", "user": "u", "password": "p", "look": {"codec": "h265", "audio": "aac"}}
  {"do": "fault", "camera": "front", "kind": "freeze"}     rtcponly novideo noaudio hang status constant
                                                           noreports second_picture
  {"do": "clear", "camera": "front"}   drop (how: fin, rst)  refuse (how: closed, reset)  switch (look)  jump (seconds)
  {"do": "login", "camera": "front", "user": "u", "password": "new"}      holds for the next request
  {"do": "sent", "camera": "front"}    stats
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from typing import Any, Sequence

from tests.simulators.camera import control
from tests.simulators.camera.clips import FULL_HD
from tests.simulators.camera.desk import Desk


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulators.camera", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--camera", action="append", type=json.loads, default=[], metavar="JSON", help="the object of an `add` command"
    )
    parser.add_argument("--count", type=int, default=1, metavar="N", help="each of them N times, as NAME-1 … NAME-N")
    parser.add_argument("--full-hd", action="store_true", help="1080p, 4 Mbit/s, unless a camera has a look of its own")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    return parser


def _wanted(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the `add` commands of the command line."""
    common = {"look": FULL_HD._asdict()} if options.full_hd else {}
    cameras = [{"do": "add", **common, **one} for one in options.camera]
    if options.count == 1:
        return cameras
    return [{**one, "name": "%s-%d" % (one["name"], n)} for one in cameras for n in range(1, options.count + 1)]


async def _run(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    threading.Thread(target=_watch_input, args=(loop, stop), daemon=True).start()
    desk = Desk(options.host)
    server = await control.serve(desk)
    cameras = []
    for command in _wanted(options):
        place = await desk.execute(command)
        scheme = "rtsps" if place["secure"] else "rtsp"
        url = "%s://%s:%d%s" % (scheme, options.host, place["port"], place["path"])
        cameras.append({"name": command["name"], "url": url, "port": place["port"]})
    sys.stdout.write(json.dumps({"control": control.port(server), "cameras": cameras}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()
    desk.close()


def _watch_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not sys.stdin.read: it would hold a lock when Python ends
        pass
    loop.call_soon_threadsafe(stop.set)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return 0."""
    asyncio.run(_run(_parser().parse_args(arguments)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
