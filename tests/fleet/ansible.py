"""Run the project's playbooks with an inventory made on the spot, and see whether any host was contacted."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("CAMERA_BACKUP_ANSIBLE", ROOT / ".build/ansible/bin"))

VALID = {
    "camera_backup_s3_endpoint": "https://s3.eu-central-1.amazonaws.com",
    "camera_backup_s3_bucket": "camera-backups",
    "camera_backup_s3_prefix": "{{ inventory_hostname }}",
    "camera_backup_s3_access_key_id": "AKIAPLANTEDKEY",
    "camera_backup_s3_secret_access_key": "planted+secret/key",
    "camera_backup_cameras": [
        {"name": "front-door", "rtsp_url": "rtsp://viewer:planted-password@192.0.2.21/stream"},
        {"name": "back-yard", "rtsp_url": "rtsps://192.0.2.22/stream"},
    ],
}
"""Variables of a host that is right."""

PLANTED = ("planted+secret/key", "planted-password", "AKIAPLANTEDKEY")


class Run(NamedTuple):
    """How a playbook ended."""

    code: int
    out: str
    contacts: list

    @property
    def text(self):
        """The output with every run of white space as one space: messages are folded at will."""
        return " ".join(self.out.replace("''", "'").split())


def host(**changes):
    """Return the variables of a valid host with some changed; a value of None takes a variable away."""
    variables = {**copy.deepcopy(VALID), **changes}
    return {name: value for name, value in variables.items() if value is not GONE}


GONE = object()


def camera(**changes):
    """Return the variables of a host whose first camera is changed."""
    variables = host()
    first = {**variables["camera_backup_cameras"][0], **changes}
    variables["camera_backup_cameras"][0] = {name: value for name, value in first.items() if value is not GONE}
    return variables


def inventory(place, hosts):
    """Write an inventory; return its path. JSON is YAML, and leaves no doubt about types."""
    path = place / "inventory.yml"
    path.write_text(json.dumps({"nvr": {"vars": {"ansible_connection": "witness"}, "hosts": hosts}}))
    return path


def play(place, hosts, *options, playbook="site.yml", environment=None):
    """Run a playbook on hosts, given by name and variables."""
    witness = place / "contacts"
    witness.unlink(missing_ok=True)
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), "-i", str(inventory(place, hosts)), *options, str(ROOT / playbook)],
        cwd=ROOT,
        env={
            **os.environ,
            "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests/fleet/connection_plugins"),
            "ANSIBLE_NOCOLOR": "1",
            "CAMERA_BACKUP_WITNESS": str(witness),
            **(environment or {}),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    contacts = witness.read_text().split() if witness.exists() else []
    return Run(done.returncode, done.stdout + done.stderr, contacts)
