"""What tests hold in their hands: servers in a thread or a process of their own, and their cameras."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, NamedTuple
from urllib.parse import quote

from tests.simulators.camera import clips
from tests.simulators.camera.desk import Desk

_ROOT = Path(__file__).parents[3]
_SECONDS = 60.0


class Run(NamedTuple):
    """Frames `first` to `last` were sent without a hole, at these wall clock times (epoch seconds)."""

    first: int
    last: int
    first_wall: float
    last_wall: float


class Sent(NamedTuple):
    """What one client was sent. ended: None while it is connected; agent: its User-Agent."""

    number: int
    started: float
    ended: float | None
    agent: str
    runs: list[Run]


class Camera:
    """A simulated camera. Every method takes effect before it returns."""

    def __init__(self, name: str, place: dict[str, Any], login: str, ask: Callable[[dict[str, Any]], dict[str, Any]]):
        self.name = name
        self.port: int = place["port"]
        self.path: str = place["path"]
        self.scheme = "rtsps" if place["secure"] else "rtsp"
        self._login = login
        self._ask = ask

    def __repr__(self) -> str:
        return "<Camera %s %s>" % (self.name, self.plain_url)

    @property
    def url(self) -> str:
        """Address with user and password, percent-encoded."""
        return "%s://%s127.0.0.1:%d%s" % (self.scheme, self._login, self.port, quote(self.path, safe="/?&=%"))

    @property
    def plain_url(self) -> str:
        """Address without the login."""
        return "%s://127.0.0.1:%d%s" % (self.scheme, self.port, quote(self.path, safe="/?&=%"))

    def freeze(self) -> None:
        """Hang: nothing is sent, answered or accepted; connections stay up."""
        self._do("fault", kind="freeze")

    def rtcponly(self) -> None:
        """Stop video and audio; RTCP sender reports and answers go on."""
        self._do("fault", kind="rtcponly")

    def novideo(self) -> None:
        """Stop the video alone."""
        self._do("fault", kind="novideo")

    def noaudio(self) -> None:
        """Stop the audio alone."""
        self._do("fault", kind="noaudio")

    def second_picture(self) -> None:
        """Describe a second video track, on which nothing comes."""
        self._do("fault", kind="second_picture")

    def hang(self) -> None:
        """Do not answer DESCRIBE."""
        self._do("fault", kind="hang")

    def status(self, code: int) -> None:
        """Answer new clients with an RTSP status, whatever their login."""
        self._do("fault", kind="status", argument=code)

    def constant(self) -> None:
        """Give every video frame the same RTP time stamp."""
        self._do("fault", kind="constant")

    def noreports(self) -> None:
        """Send no RTCP sender reports: nothing tells a client that the RTP clock jumped."""
        self._do("fault", kind="noreports")

    def clear(self) -> None:
        """End every fault. A jumped clock stays jumped, a switched clip switched."""
        self._do("clear")

    def drop(self, how: str = "fin") -> int:
        """Cut the connections, with "fin" or "rst"; return how many. Clients may come back at once.

        After "rst" the last frames that were sent need not have arrived.
        """
        return int(self._do("drop", how=how)["dropped"])

    def refuse(self, how: str = "closed") -> None:
        """Take no new connections: "closed" (nobody listens) or "reset" (accept, then RST)."""
        self._do("refuse", how=how)

    def switch(self, look: clips.Look) -> None:
        """Show another picture, e.g. of another size, from the next key frame on."""
        self._do("switch", look=look._asdict())

    def jump(self, seconds: float) -> None:
        """Set the RTP clock forward or back."""
        self._do("jump", seconds=seconds)

    def sent(self) -> list[Sent]:
        """Return what each client was sent so far, for `tests.support.frames.account`."""
        sessions = self._do("sent")["sessions"]
        return [Sent(**{**one, "runs": [Run(*run) for run in one["runs"]]}) for one in sessions]

    def stats(self) -> dict[str, int]:
        """Return counts: connections, logins_refused, requests, keepalives, tls_refused, sessions, playing, frames."""
        counts = self._do("stats")
        counts.pop("ok", None)
        return counts

    def _do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        return self._ask({"do": verb, "camera": self.name, **arguments})


class _Server:
    """What both kinds of servers share."""

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do a command of the desk."""
        raise NotImplementedError

    def add(self, name: str, look: clips.Look | None = None, **options: Any) -> Camera:
        """Start a camera and return it.

        look: codec, size, rate, audio of what it sends
        options: path; user, password, scheme ("digest", "basic"), qop; cert_file and key_file for rtsps;
            pace (one segment per packet), start ("next", "current"), port (of another camera of this server)
        """
        look = look or clips.Look()
        place = self.ask({"do": "add", "name": name, "look": look._asdict(), **options})
        login = ""
        if options.get("user") is not None:
            login = "%s:%s@" % (quote(options["user"], safe=""), quote(options.get("password", ""), safe=""))
        return Camera(name, place, login, self.ask)


class CameraServer(_Server):
    """Cameras in a thread of this process."""

    def __enter__(self) -> CameraServer:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cameras", daemon=True)
        self._thread.start()
        self._desk = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(_SECONDS)
        return self

    async def _open(self) -> Desk:
        return Desk()

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        return asyncio.run_coroutine_threadsafe(self._desk.execute(command), self._loop).result(_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._desk.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        await asyncio.gather(*others, return_exceptions=True)


class CameraProcess(_Server):
    """Cameras in a process of their own: for what faketime, stopped processes or a busy test must not touch."""

    def __enter__(self) -> CameraProcess:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.simulators.camera"],
            cwd=str(_ROOT),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self._socket = socket.create_connection(("127.0.0.1", ready["control"]), timeout=_SECONDS)
        self._lines = self._socket.makefile("rb")
        return self

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        self._socket.sendall(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._lines.readline())
        if not answer["ok"]:
            raise ValueError(answer["error"])
        return answer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.close()
        self._socket.close()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()  # its end is the order to stop
        self.process.wait(_SECONDS)
        self.process.stdout.close()
