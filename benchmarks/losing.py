"""Who loses footage: what each client does when something goes wrong that it does not notice by itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Sequence

from benchmarks.clients import AWS, RCLONE_CHECKED, RCLONE_IN_PARTS, S5CMD_IN_PARTS, Client, Job, ours
from benchmarks.measure import run
from benchmarks.report import MET, MISSED, NO_TARGET, Section
from tests.support.upload_scenarios import BUCKET, SCENARIOS, Scenario, staged

CLIENTS = (ours(part_size=8 * 1024 * 1024), RCLONE_IN_PARTS, RCLONE_CHECKED, S5CMD_IN_PARTS, AWS)
TIMEOUT = 120

NOTE = """\
One segment of 24 MiB in parts of 8 MiB, a simulated store over TLS, one fault. "LOST": bytes of the segment, or of the
object that was there before, are neither on the disk nor in the bucket afterwards. "moved": the bucket holds them.
"kept": the file is still there. In brackets: exit status, when not 0. Target: ours loses nothing."""


def bench(directory: Path, clients: Sequence[Client]) -> Section:
    """Play every scenario with every client, ours first, and return the table."""
    section = Section("Faults: who loses footage", NOTE, ("fault", *(client.name for client in clients), "target"))
    for scenario in SCENARIOS:
        verdicts = [once(client, scenario, directory) for client in clients]
        target = MISSED if verdicts[0].startswith("LOST") else MET
        section.rows.append((scenario.name, *verdicts, target or NO_TARGET))
    return section


def once(client: Client, scenario: Scenario, directory: Path) -> str:
    """Play a scenario with a client and return the outcome in a word or two."""
    home = Path(tempfile.mkdtemp(prefix="fault-", dir=directory))
    with staged(scenario, home) as stage:
        cost = run(*client.job(Job(home, stage.proxy.endpoint, stage.ca_file, BUCKET)), timeout=TIMEOUT)
        scenario.finish(stage)
        outcome = "LOST" if stage.lost() else "kept" if stage.segment.exists() else "moved"
    return outcome + ("" if cost.status == 0 else " (%d)" % cost.status)
