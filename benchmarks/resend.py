"""Bytes sent again after a power cut of the client near the end of a segment."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Sequence

from benchmarks import setting
from benchmarks.clients import AWS, RCLONE, S5CMD, Client, Job, ours
from benchmarks.measure import MIB, kill_family, run
from benchmarks.report import NO_TARGET, Section, verdict
from tests.simulators.s3_faults import Slow
from tests.simulators.s3_proxy import Proxy, sink
from tests.support.certs import Authority

RATE = 64 * MIB
PART = 16 * MIB
WORKERS = 2

NOTE = """\
A segment of %d MiB, every process of the client killed (SIGKILL) when 90 %% had arrived, the same command run again.
Sent again: all bytes of bodies the server received, less the size of the segment. Target: one part per worker (%d × %d
MiB)."""


def bench(directory: Path, size: int, peers: bool = True) -> Section:
    """Measure all clients and return the table."""
    files = setting.masters(directory / "resend-masters", size, 1)
    header = ("client", "sent again MiB", "of the segment", "uploads left behind", "target")
    section = Section("Kill at 90 %: what is sent again", NOTE % (size // MIB, WORKERS, PART // MIB), header)
    for client in [ours(workers=WORKERS), *((RCLONE, S5CMD, AWS) if peers else ())]:
        again, left = once(client, directory, files)
        target = verdict(again, WORKERS * PART) if client.name == "camera-backup" else NO_TARGET
        section.rows.append((client.name, "%.1f" % (again / MIB), "%.0f %%" % (100 * again / size), str(left), target))
    return section


def once(client: Client, directory: Path, files: Sequence[setting.Master]) -> tuple[int, int]:
    """Return the bytes sent again and the number of unfinished uploads left in the bucket."""
    size = files[0].path.stat().st_size
    store = sink()
    store.buckets[setting.BUCKET] = {}
    authority = Authority(directory / ("tls " + client.name))
    slow = [Slow(operation, rate=RATE, times=0) for operation in ("UploadPart", "PutObject")]
    with Proxy(store, authority.issue(), slow) as proxy:
        with setting.job(setting.Server(proxy.endpoint, authority.ca_file), directory) as job:
            setting.record(job, files)
            run_until_killed(client, job, proxy, size * 9 // 10)
            cost = run(*client.job(job))
            if cost.status != 0:
                raise RuntimeError("%s ended with %d:\n%s" % (client.name, cost.status, cost.output[-2000:]))
        stored = [blob.size for blob in store.buckets[setting.BUCKET].values() if blob.size > MIB]
        if stored != [size]:
            raise RuntimeError("%s stored %s instead of %d" % (client.name, stored, size))
        return proxy.received() - size, len(store.uploads)


def run_until_killed(client: Client, job: Job, proxy: Proxy, limit: int) -> int:
    """Run a client, kill it when so many bytes of segments have arrived, and return its exit status."""
    command, environment = client.job(job)
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and proxy.received() < limit:
            time.sleep(0.01)
        kill_family(process.pid)
    # What is still in the buffers of the kernel arrives now; it was sent, and counts.
    time.sleep(1.0)
    return process.returncode
