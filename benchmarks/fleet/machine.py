"""A real host for a benchmark: Debian with systemd and ssh in a container, as Molecule's hosts are."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path
from typing import Any, Iterator, NamedTuple

from benchmarks.fleet.playbook import ROOT
from tests.support.processes import wait_until

RELEASE = "trixie"
PORT = 22841

# What the role brings, FFmpeg excepted: so every first run is one, and none waits for dpkg.
_FORGET = """
systemctl stop 'camera-*.service'
systemctl disable --quiet $(systemctl list-unit-files --plain --no-legend 'camera-*.service' | cut -d' ' -f1)
rm -rf /etc/systemd/system/camera-* /etc/camera-backup /opt/camera-backup /var/lib/camera-backup /run/camera-*
systemctl daemon-reload
systemctl reset-failed
exit 0
"""

# A recorder is ready for systemd when media flows, or after 45 s: one would measure nothing but cameras that are off.
_NO_WAIT = "[Service]\nType=exec\n"


class Machine(NamedTuple):
    """A running container and the variables with which Ansible reaches it."""

    name: str
    connection: dict[str, Any]

    def run(self, script: str) -> str:
        """Run a shell script as root; return its output; raise CalledProcessError."""
        return _podman("exec", self.name, "sh", "-c", script)

    def forget(self) -> None:
        """Take away what the role and the plain playbook made, all but FFmpeg."""
        self.run(_FORGET)

    def starting(self, units: str = "camera-*.service") -> float:
        """Return the seconds from the first start job of these services to the last one that was done."""
        properties = "--property=InactiveExitTimestampMonotonic,ActiveEnterTimestampMonotonic"
        return window(self.run("systemctl show '%s' %s" % (units, properties)))

    def up(self) -> int:
        """Return how many services of ours are active."""
        return len(self.run("systemctl list-units --plain --no-legend --state=active 'camera-*'").splitlines())


def window(shown: str) -> float:
    """Given both timestamps of units as `systemctl show` prints them, return the seconds between the outermost."""
    fields = [line.split("=", 1) for line in shown.splitlines() if line.partition("=")[2] not in ("", "0")]
    began = [int(value) for name, value in fields if name.startswith("InactiveExit")]
    ended = [int(value) for name, value in fields if name.startswith("ActiveEnter")]
    return (max(ended) - min(began)) / 1e6 if began and ended else 0.0


@contextlib.contextmanager
def started(place: Path, number: int = 0) -> Iterator[Machine]:
    """Give a booted host; remove it at the end, whatever the end is."""
    subprocess.run([str(ROOT / "tools/nvr-image"), RELEASE], check=True)
    key, name, port = place / "id_ed25519", "camera-backup-bench-%d" % number, PORT + number
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    options = ["--systemd=always", "--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE"]
    options += ["--publish=127.0.0.1:%d:22" % port, "--volume=%s.pub:/root/.ssh/authorized_keys:ro" % key]
    try:
        image = "localhost/camera-backup-nvr:" + RELEASE
        _podman("run", "--detach", "--replace", "--name=" + name, *options, image)
        machine = Machine(name, _connection(port, key, place))
        wait_until(lambda: _booted(machine), "the host has booted", 90)
        # As a booted machine does, or LoadCredential= gives an empty directory.
        machine.run("mount --make-rshared /")
        machine.run("mkdir -p /run/systemd/system/camera-recorder-.service.d")
        drop_in = "/run/systemd/system/camera-recorder-.service.d/benchmark.conf"
        machine.run("printf %%s '%s' > %s" % (_NO_WAIT, drop_in))
        yield machine
    finally:
        _podman("rm", "--force", "--ignore", "--volumes", "--time=0", name)


def _booted(machine: Machine) -> bool:
    with contextlib.suppress(subprocess.CalledProcessError):
        return bool(machine.run("systemctl is-system-running && systemctl is-active ssh"))
    return False


def _connection(port: int, key: Path, place: Path) -> dict[str, Any]:
    quiet = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": port,
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": quiet,
        # A run opens its own connection, as an operator's does, and leaves none to the next.
        "ansible_control_path_dir": str(place / "ssh"),
    }


def _podman(*arguments: str) -> str:
    command = [str(ROOT / "tools/podman-environment"), "podman", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
