"""Run a playbook and return what it took: the whole, and every task of it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Mapping, NamedTuple, Sequence

from benchmarks.fleet.inventory import Inventory
from benchmarks.measure import run

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


class Task(NamedTuple):
    """Seconds from its start to that of the next one, and its results: one a host, and one for each item of a loop."""

    name: str
    seconds: float
    results: int


class Play(NamedTuple):
    """Seconds of wall and of the controller's processors; bytes of all its processes together."""

    wall: float
    cpu: float
    peak: int
    tasks: Sequence[Task]

    @property
    def results(self) -> int:
        """What Ansible had to keep account of."""
        return sum(task.results for task in self.tasks)

    def seconds(self, *beginnings: str) -> float:
        """Return what the tasks took whose names, without that of the role, begin like this."""
        return sum(one.seconds for one in self.tasks if one.name.rpartition(" : ")[2].startswith(beginnings))


def play(
    place: Path, inventory: Inventory, *options: str, playbook: Path, environment: Mapping[str, str] | None = None
) -> Play:
    """Run a playbook on an inventory; raise RuntimeError with its output when it fails."""
    hosts, clock = place / "inventory.yml", place / "clock.json"
    # JSON is YAML, and leaves no doubt about types. It holds the benchmark's own planted passwords only.
    hosts.write_text(json.dumps(inventory))
    clock.unlink(missing_ok=True)
    program = Path(os.environ.get("CAMERA_BACKUP_ANSIBLE", ROOT / ".build/ansible/bin")) / "ansible-playbook"
    told = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": "%s:%s" % (ROOT / "callback_plugins", HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "camera_backup_recap,benchmark_clock",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection_plugins"),
        "ANSIBLE_NOCOLOR": "1",
        "BENCHMARK_CLOCK": str(clock),
        **(environment or {}),
    }
    cost = run([str(program), "-i", str(hosts), *options, str(playbook)], told, timeout=1200)
    if cost.status != 0:
        raise RuntimeError("%s ended with %d:\n%s" % (playbook.name, cost.status, cost.output[-60000:]))
    tasks = [Task(**task) for task in json.loads(clock.read_text())]
    return Play(cost.wall, cost.cpu, cost.peak, tasks)
