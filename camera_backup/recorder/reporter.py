"""How the supervisor speaks: ledger, status file, systemd, journal."""

from __future__ import annotations

import os
import time

from camera_backup import journal, jsonlines, paths
from camera_backup.errors import HostError
from camera_backup.recorder import live
from camera_backup.recorder.notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from camera_backup.recorder.settings import Settings

_EVERY = 10.0


class Reporter:
    """Writes down and tells what the supervisor decides. A full disk makes it wait, never fail."""

    def __init__(self, settings: Settings) -> None:
        """Raise HostError when there is no place for records."""
        self.notifier = Notifier(os.environ)
        self._camera = settings.camera
        self._ledger = paths.ledger(settings.state_path, settings.camera)
        self._status = paths.recorder_status(settings.state_path, settings.camera)
        for path in (self._ledger, self._status):
            try:
                os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
            except OSError as error:
                raise HostError("%s: %s" % (error.filename, error.strerror)) from None
        self._pending: list[dict[str, Any]] = []
        self._ready = False
        self._written = self._pinged = 0.0
        self._complained = False

    def events(self, *events: dict[str, Any]) -> None:
        """Write events into the ledger, now or as soon as it can be written (I6)."""
        self._pending += [live.rounded(event) for event in events]
        for event in events:
            self._say(event)
        self.flush()

    def _say(self, event: dict[str, Any]) -> None:
        """Gaps go to the journal, too: once each, however often a camera is tried meanwhile."""
        if event["event"] in ("gap", "gap_end"):
            expected = event.get("cause", "stopped") == "stopped"
            fields = {key: value for key, value in event.items() if key != "event"}
            journal.log(journal.NOTICE if expected else journal.WARNING, event["event"], camera=self._camera, **fields)
        elif event["event"] == "clock":
            journal.log(journal.WARNING, "clock_was_set", camera=self._camera, seconds=event["step"])

    def flush(self) -> None:
        """Try to write the events that are still to be written."""
        while self._pending:
            try:
                jsonlines.append(self._ledger, self._pending[0])
            except OSError as error:
                self._complain(self._ledger, error)
                return
            del self._pending[0]

    def ready(self) -> None:
        """Tell systemd, once, that the unit is up."""
        self._ready = self._ready or self.notifier.send("READY=1")

    def due(self, now: float) -> bool:
        """Return whether it is time to tell the status again although nothing changed. now: monotonic seconds."""
        return now - self._written >= _EVERY

    def hurry(self) -> None:
        """Have the status told at the next look: something in it changed."""
        self._written = 0.0

    def tell(self, status: dict[str, Any], now: float) -> None:
        """Publish a status."""
        self._written = now
        self.notifier.send("STATUS=" + live.sentence(status, time.time()))
        self.flush()
        try:
            live.write(self._status, status)
        except OSError as error:
            self._complain(self._status, error)
        else:
            self._complained = bool(self._pending)

    def ping(self, now: float) -> None:
        """Keep the watchdog of systemd quiet."""
        if self.notifier.every is not None and now - self._pinged >= self.notifier.every:
            self._pinged = now
            self.notifier.send("WATCHDOG=1")

    def _complain(self, path: str, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            journal.log(journal.ERROR, "cannot_write", camera=self._camera, file=path, error=error.strerror)
