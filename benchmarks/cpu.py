"""Processor time and memory of moving segments into a bucket, beside what people use for it today."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Sequence

from benchmarks import setting
from benchmarks.clients import AWS, CURL, RCLONE, S5CMD, Client, ours
from benchmarks.measure import MIB, Cost, run
from benchmarks.report import NO_TARGET, Section, spread, verdict

GIB = 1024 * MIB

MD5_PROOF = ours("camera-backup, MD5 proof")
CRC_PROOF = ours("camera-backup, CRC proven")

CPU_TARGETS = {MD5_PROOF.name: 0.70, CRC_PROOF.name: 0.35}
"""At most this share of rclone's processor time."""

PEAK_TARGET = 45 * MIB

NOTE = """\
%d segments of %d MiB, %d interleaved rounds, every program with its defaults, over TLS 1.3 to a server that discards.
CPU: user + system of the program and its children, start included (ours has seen the endpoint once before). Peak RSS:
all its processes together.
The server enforces Content-MD5; for "CRC proven" also x-amz-checksum-crc32. Targets: MD5 ≤ 0.70 × rclone,
CRC ≤ 0.35 × rclone, peak RSS ≤ 45 MiB."""


def bench(directory: Path, size: int, count: int, rounds: int, peers: bool = True) -> Section:
    """Measure all clients and return the table."""
    files = setting.masters(directory / "masters", size, count)
    first = setting.masters(directory / "masters", MIB, 1, first=count)
    clients: list[Client] = [MD5_PROOF, CRC_PROOF, RCLONE]
    clients += [S5CMD, AWS, CURL] if peers else []
    costs: dict[str, list[Cost]] = {client.name: [] for client in clients}
    with setting.sink(directory, "md5", "content-md5,payload-sha256") as md5, setting.sink(
        directory, "crc", "content-md5,payload-sha256,crc32,crc32c,crc64nvme"
    ) as crc:
        for turn in range(rounds):
            for client in clients[turn % len(clients) :] + clients[: turn % len(clients)]:
                costs[client.name].append(once(client, crc if client is CRC_PROOF else md5, files, first))
    return table(costs, size * count / GIB, NOTE % (count, size // MIB, rounds))


def once(
    client: Client, server: setting.Server, files: Sequence[setting.Master], first: Sequence[setting.Master]
) -> Cost:
    """Let a client move the files once, ours after the `first` ones; raise RuntimeError when it did not."""
    with setting.job(server, files[0].path.parent.parent) as job:
        if client.learns:
            setting.record(job, first)
            run(*client.job(job))
        server.empty()
        setting.record(job, files)
        cost = run(*client.job(job))
        left = sorted(job.source.glob("*.mp4"))
    stored = sorted(server.stored().values())
    expected = sorted(master.path.stat().st_size for master in files)
    if cost.status != 0 or stored != expected or (left and not client.keeps):
        raise RuntimeError(
            "%s ended with %d, stored %s, left %d files:\n%s"
            % (client.name, cost.status, stored, len(left), cost.output[-2000:])
        )
    return cost


def table(costs: dict[str, list[Cost]], gib: float, note: str) -> Section:
    """Given the costs of every client, return the table with ratios to rclone and the targets."""
    header = ("client", "CPU s/GiB", "× rclone", "CPU target", "peak RSS MiB", "RSS target", "wall s/GiB")
    section = Section("Upload: processor time and memory", note, header)
    rclone = statistics.median(cost.cpu for cost in costs[RCLONE.name])
    for name, runs in costs.items():
        ratio = statistics.median(cost.cpu for cost in runs) / rclone
        peak = max(cost.peak for cost in runs)
        mine = name in CPU_TARGETS
        section.rows.append(
            (
                name,
                spread([cost.cpu / gib for cost in runs]),
                "%.2f" % ratio,
                verdict(ratio, CPU_TARGETS[name]) if mine else NO_TARGET,
                spread([cost.peak / MIB for cost in runs], "%.1f"),
                verdict(peak, PEAK_TARGET) if mine else NO_TARGET,
                spread([cost.wall / gib for cost in runs], "%.1f"),
            )
        )
    return section
