"""Every command of the simulator, as JSON objects: the one interface behind the Python API and the control port."""

from __future__ import annotations

import asyncio
import functools
import ssl
from typing import Any

from tests.simulators.camera import clips
from tests.simulators.camera.auth import Login
from tests.simulators.camera.listener import Listener
from tests.simulators.camera.mount import Mount

FAULTS = ("freeze", "rtcponly", "novideo", "noaudio", "hang", "status", "constant", "noreports", "second_picture")


class Desk:
    """Holds the cameras of one event loop and does what commands say."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._host = host
        self._epoch = asyncio.get_running_loop().time()
        self._listeners: dict[int, Listener] = {}
        self._mounts: dict[str, Mount] = {}
        self._places: dict[str, Listener] = {}

    async def execute(self, command: dict[str, Any]) -> dict[str, Any]:
        """Given {"do": name, …}, return the answer; raise ValueError, KeyError or OSError when it cannot be done."""
        arguments = dict(command)
        verb = arguments.pop("do")
        if verb in ("add", "switch"):
            load = functools.partial(clips.load, clips.Look(**arguments.pop("look", {})))
            arguments["clip"] = await asyncio.get_running_loop().run_in_executor(None, load)
        if verb != "add":
            arguments["mount"] = self._mounts[arguments.pop("camera")]
        answer: dict[str, Any] = getattr(self, "_do_" + verb)(**arguments) or {}
        return answer

    def close(self) -> None:
        """Drop every client and close every port."""
        for mount in self._mounts.values():
            mount.close()
        for listener in self._listeners.values():
            listener.close()

    def _do_add(
        self,
        name: str,
        clip: clips.Clip,
        path: str | None = None,
        port: int = 0,
        user: str | None = None,
        password: str = "",
        scheme: str = "digest",
        qop: bool = False,
        cert_file: str | None = None,
        key_file: str | None = None,
        pace: bool = False,
        start: str = "next",
    ) -> dict[str, Any]:
        if name in self._mounts:
            raise ValueError("there is a camera named %s already" % name)
        login = None if user is None else Login(scheme, user, password, qop)
        # Cameras do not all show their frames at the same instant.
        epoch = self._epoch - (len(self._mounts) * 0.37 % 1) / clip.look.fps
        mount = Mount(name, path or "/" + name, clip, login, epoch, pace, start)
        listener = self._listeners.get(port) or self._listen(port, cert_file, key_file)
        listener.mounts.append(mount)
        self._mounts[name] = mount
        self._places[name] = listener
        return {"port": listener.port, "path": mount.path, "secure": listener.secure}

    def _listen(self, port: int, cert_file: str | None, key_file: str | None) -> Listener:
        context = None
        if cert_file is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(cert_file, key_file)
        listener = Listener(self._host, port, context)
        self._listeners[listener.port] = listener
        return listener

    def _do_fault(self, mount: Mount, kind: str, argument: Any = None) -> None:
        if kind not in FAULTS:
            raise ValueError("no fault %r; there are %s" % (kind, ", ".join(FAULTS)))
        mount.fault(kind, argument)

    def _do_clear(self, mount: Mount) -> None:
        self._places[mount.name].open()
        mount.clear()

    def _do_refuse(self, mount: Mount, how: str = "closed") -> None:
        self._places[mount.name].refuse(how)

    def _do_drop(self, mount: Mount, how: str = "fin") -> dict[str, Any]:
        sessions = [one for one in self._places[mount.name].sessions if one.mount is mount]
        for session in sessions:
            session.drop(how)
        return {"dropped": len(sessions)}

    def _do_switch(self, mount: Mount, clip: clips.Clip) -> None:
        mount.switch(clip)

    def _do_login(self, mount: Mount, user: str, password: str, scheme: str = "digest") -> None:
        mount.login = Login(scheme, user, password)

    def _do_jump(self, mount: Mount, seconds: float) -> None:
        mount.jump(seconds)

    def _do_sent(self, mount: Mount) -> dict[str, Any]:
        return {"sessions": [player.as_dict() for player in mount.sessions]}

    def _do_stats(self, mount: Mount) -> dict[str, Any]:
        playing = sum(player.ended is None for player in mount.sessions)
        frames = sum(player.frames for player in mount.sessions)
        return {**mount.counts, "sessions": len(mount.sessions), "playing": playing, "frames": frames}
