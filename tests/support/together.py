"""Scenarios that mostly wait, run side by side: each is a test of its own, all take the time of the slowest.

    @together
    def test_a_frozen_camera_is_noticed(stage):     # once for each FFmpeg
        host = stage.host(Look(audio="aac"), stall_timeout=5)
        ...

A module that uses it imports the fixtures: `from tests.support.together import performance, stage_ffmpeg, together`.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from tests.simulators.camera import Camera, CameraServer, Look
from tests.support.recorder import FFMPEGS, Host, name_of

_APART = 0.4
"""Seconds: begun at the same moment, dozens of recorders are too busy to answer a camera in time."""


class Stage:
    """What a scenario plays on: cameras, hosts, one FFmpeg."""

    _numbers = itertools.count(1)

    def __init__(self, server: CameraServer, directory: Path, ffmpeg: str, stack: contextlib.ExitStack) -> None:
        self.server = server
        self.directory = directory
        self.ffmpeg = ffmpeg
        self._stack = stack

    def camera(self, look: Look | None = None, **options: Any) -> Camera:
        """Return a new camera."""
        return self.server.add("camera%d" % next(self._numbers), look, **options)

    def host(self, look: Look | Camera | None = None, **settings: Any) -> Host:
        """Return a new host for a camera, or for a new camera with this look. Its recorders end with the scenario."""
        camera = look if isinstance(look, Camera) else self.camera(look)
        host = Host(self.directory / camera.name, camera, settings.pop("ffmpeg", self.ffmpeg), **settings)
        self._stack.callback(host.stop_all)
        return host


class Performance:
    """All chosen scenarios of a module, running."""

    def __init__(self, chosen: set[tuple[Callable[[Stage], None], str]], directory: Path) -> None:
        self._server = CameraServer()
        self._directory = directory
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(chosen)))
        self._server.__enter__()
        self._futures = {}
        for key in sorted(chosen, key=str):
            self._futures[key] = self._pool.submit(self._play, *key)
            time.sleep(_APART)

    def _play(self, scenario: Callable[[Stage], None], ffmpeg: str) -> None:
        with contextlib.ExitStack() as stack:
            directory = self._directory / scenario.__name__ / name_of(ffmpeg)
            scenario(Stage(self._server, directory, ffmpeg, stack))

    def result(self, scenario: Callable[[Stage], None], ffmpeg: str) -> None:
        """Wait for a scenario; raise what it raised."""
        self._futures[scenario, ffmpeg].result()

    def close(self) -> None:
        self._pool.shutdown()
        self._server.__exit__(None, None, None)


def together(scenario: Callable[[Stage], None]) -> Callable[..., None]:
    """Make a scenario a test that runs beside all others of its module."""

    def test(performance: Performance, stage_ffmpeg: str) -> None:
        performance.result(scenario, stage_ffmpeg)

    test.__name__, test.__doc__, test.__module__ = scenario.__name__, scenario.__doc__, scenario.__module__
    test.scenario = scenario  # type: ignore[attr-defined]
    return test


@pytest.fixture(params=FFMPEGS, ids=name_of)
def stage_ffmpeg(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def performance(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Performance]:
    chosen = {
        (item.function.scenario, item.callspec.params["stage_ffmpeg"])
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item.function, "scenario")
    }
    running = Performance(chosen, tmp_path_factory.mktemp("stage"))
    yield running
    running.close()
