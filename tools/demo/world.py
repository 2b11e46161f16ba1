"""The containers of `make demo`: how they come, how one looks into them, how they go."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator, NamedTuple
from urllib.parse import urlsplit

import yaml

from camera_backup.config import schema
from tests.simulators.camera import Run, Sent
from tests.support import s3_servers
from tools.demo import shell, state
from tools.demo.shell import say
from tools.demo.state import State
from tools.demo.verdict import Bucket

ROOT = Path(__file__).parents[2]
INVENTORY = "inventory/demo"
DIRECTORY = ROOT / ".build/demo"
_STATE_PATH = str(next(key.default for key in schema.STORAGE.keys if key.name == "state_path"))
_PYTHON = "/opt/camera-backup/current/bin/python"
_PATIENCE = 120.0


def ansible(program: str) -> Path:
    """Return the path of one of Ansible's programs."""
    return Path(s3_servers.program("CAMERA_BACKUP_ANSIBLE", ".build/ansible/bin")) / program


class Host(NamedTuple):
    """A host. prefix: of its keys; cameras: name → name of the simulated camera."""

    container: str
    prefix: str
    cameras: dict[str, str]


class World(NamedTuple):
    """What is there to look into."""

    hosts: list[Host]
    bucket: Bucket
    simulator: str

    @property
    def cameras(self) -> dict[str, str]:
        """What the keys of a camera begin with → name of the simulated camera."""
        return {host.prefix + "/" + name: mount for host in self.hosts for name, mount in host.cameras.items()}

    def look(self) -> State:
        """Return what all hosts know of their footage."""
        return state.together(_known(host) for host in self.hosts)

    def sent(self, mount: str) -> list[Sent]:
        """Return what a simulated camera has sent, and to whom."""
        port = json.loads(_podman("logs", self.simulator).splitlines()[0])["control"]
        command = json.dumps({"do": "sent", "camera": mount})
        ask = ("python3", "-B", "-m", "tests.simulators.camera.control", str(port), command)
        sessions = json.loads(_podman("exec", self.simulator, *ask))["sessions"]
        return [Sent(**{**one, "runs": [Run(*run) for run in one["runs"]]}) for one in sessions]


def _known(host: Host) -> State:
    ask = ("runuser", "--user=camera-backup", "--", _PYTHON, "-", _STATE_PATH, *host.cameras)
    said = _podman("exec", "--interactive", host.container, *ask, text=Path(state.__file__).read_text(encoding="utf-8"))
    return state.parse(said, host.prefix + "/")


def _podman(*words: str, text: str = "") -> str:
    """Run podman with `text` as its input; return what it prints."""
    command = [str(ROOT / "tools/podman-environment"), "podman", *words]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError("podman %s %s: %s" % (words[0], words[1], done.stderr.strip()))
    return done.stdout


@contextlib.contextmanager
def built(keep: bool) -> Iterator[World]:
    """Give hosts, cameras and bucket, made anew, and remove them whatever happens; `keep`: unless all went well."""
    with alone():
        _images()
        kept = False
        remove()
        try:
            DIRECTORY.mkdir()
            _play("start.yml", "Two hosts, four cameras and a bucket are started")
            yield _described(json.loads((DIRECTORY / "world.json").read_text(encoding="utf-8")))
            kept = keep
        finally:
            if not kept:
                remove()


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Raise RuntimeError when another demo of this checkout runs: it has the same containers."""
    DIRECTORY.parent.mkdir(exist_ok=True)
    with DIRECTORY.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError("another `make demo` of this checkout is running") from None
        yield


def remove() -> None:
    """Remove everything that this or an earlier demo started, and its files."""
    _play("stop.yml", "Hosts, cameras and bucket of the demo are removed" if DIRECTORY.exists() else "")
    shutil.rmtree(DIRECTORY, ignore_errors=True)


def _images() -> None:
    hosts = yaml.safe_load((ROOT / INVENTORY / "hosts.yml").read_text(encoding="utf-8"))["nvr"]["hosts"]
    for release in sorted({host["debian_release"] for host in hosts.values()}):
        if shell.finish(ROOT / "tools/nvr-image", release):
            raise RuntimeError("the image of Debian %s could not be made" % release)


def _play(playbook: str, what: str) -> None:
    """Run a playbook of this directory; what it says is shown only when it fails.

    It has a session of its own, and an interrupted demo waits for its end: a container that is just being made can be
    removed only when it is there.
    """
    if what:
        say("%s (tools/demo/%s) …" % (what, playbook))
    command = [str(ansible("ansible-playbook")), "-i", INVENTORY, "tools/demo/" + playbook]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said = process.communicate()[0]
    except BaseException:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_PATIENCE)
        raise
    if process.returncode:
        raise RuntimeError("tools/demo/%s ended with %d:\n%s" % (playbook, process.returncode, said[-4000:]))


def _described(world: dict[str, Any]) -> World:
    """Given what start.yml wrote down, return it."""
    found, bucket = world["hosts"], world["bucket"]
    hosts = [
        Host(container, prefix, {one["name"]: urlsplit(one["rtsp_url"]).path.strip("/") for one in cameras})
        for container, prefix, cameras in zip(found["container"], found["prefix"], found["cameras"])
    ]
    client = s3_servers.plain_client(bucket["endpoint"], bucket["access_key"], bucket["secret_key"], bucket["ca_file"])
    return World(hosts, Bucket(client, bucket["name"], DIRECTORY / "fetched"), world["simulator"])
