"""Chromium and Firefox without a screen, driven over the protocol each of them speaks itself: no driver to install."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from typing import Any, Iterator, Protocol

import websocket

START_SECONDS = 60
ANSWER_SECONDS = 120

_QUIET_FIREFOX = """
user_pref("app.normandy.enabled", false);
user_pref("app.update.disabledForTesting", true);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("browser.topsites.contile.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("media.autoplay.default", 0);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "data:,#none");
user_pref("toolkit.telemetry.enabled", false);
"""


class Page(Protocol):
    """A page of a browser."""

    def evaluate(self, script: str) -> Any:
        """Run an expression (awaited if it is a promise) that gives JSON text; return its value."""


class _Socket:
    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(url, timeout=ANSWER_SECONDS, suppress_origin=True)
        self._last = 0

    def call(self, method: str, **parameters: Any) -> Any:
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._last:
                if "error" in answer:
                    raise RuntimeError("%s: %s" % (method, answer))
                return answer["result"]

    def close(self) -> None:
        self._socket.close()


def _wait_for(log: str, pattern: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with open(log, encoding="utf-8", errors="replace") as stream:
            found = re.search(pattern, stream.read())
        if found:
            return found[1]
        time.sleep(0.1)
    with open(log, encoding="utf-8", errors="replace") as stream:
        raise RuntimeError("the browser did not start:\n" + stream.read())


@contextlib.contextmanager
def _running(command: list[str], log: str) -> Iterator[None]:
    environment = dict(os.environ, HOME=os.path.dirname(log), MOZ_HEADLESS="1")
    with open(log, "wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Chromium:
    def __init__(self, socket: _Socket) -> None:
        self._socket = socket

    def evaluate(self, script: str) -> Any:
        answer = self._socket.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        return json.loads(answer["result"]["value"])


class _Firefox:
    def __init__(self, socket: _Socket, context: str) -> None:
        self._socket = socket
        self._target = {"context": context}

    def evaluate(self, script: str) -> Any:
        answer = self._socket.call("script.evaluate", expression=script, target=self._target, awaitPromise=True)
        return json.loads(answer["result"]["value"])


@contextlib.contextmanager
def chromium(url: str) -> Iterator[Page]:
    """Open `url` in Chromium."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        log = os.path.join(home, "log")
        command = [
            shutil.which("chromium") or "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--autoplay-policy=no-user-gesture-required",
            "--remote-debugging-port=0",
            "--user-data-dir=" + home,
        ]
        with _running(command, log):
            port = _wait_for(log, r"DevTools listening on ws://127\.0\.0\.1:(\d+)/")
            new = urllib.request.Request("http://127.0.0.1:%s/json/new?about:blank" % port, method="PUT")
            with urllib.request.urlopen(new, timeout=START_SECONDS) as reply:
                socket = _Socket(json.load(reply)["webSocketDebuggerUrl"])
            try:
                socket.call("Page.enable")
                socket.call("Page.navigate", url=url)
                yield _Chromium(socket)
            finally:
                socket.close()


@contextlib.contextmanager
def firefox(url: str) -> Iterator[Page]:
    """Open `url` in Firefox."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        with open(os.path.join(home, "user.js"), "w", encoding="ascii") as stream:
            stream.write(_QUIET_FIREFOX)
        log = os.path.join(home, "log")
        program = shutil.which("firefox-esr") or "firefox"
        with _running([program, "--headless", "--remote-debugging-port", "0", "--profile", home], log):
            address = _wait_for(log, r"WebDriver BiDi listening on (ws://[\w.:\[\]]+)")
            socket = _Socket(address + "/session")
            try:
                socket.call("session.new", capabilities={})
                context = socket.call("browsingContext.create", type="tab")["context"]
                socket.call("browsingContext.navigate", context=context, url=url, wait="complete")
                yield _Firefox(socket, context)
                socket.call("browser.close")
            finally:
                socket.close()
