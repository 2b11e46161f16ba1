"""What each client makes of faults that pass: does the segment arrive, in how many runs, and what is sent for it."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple, Sequence

from benchmarks.clients import Client, Job
from benchmarks.measure import MIB, run
from benchmarks.report import Section, verdict
from benchmarks.resend import run_until_killed
from tests.simulators.s3_faults import Error, Fault, LoseReply, Reset, Slow
from tests.simulators.s3_store import Store
from tests.support.upload_scenarios import BUCKET, NAME, Scenario, Stage, staged

SIZE, PART = 48 * MIB, 8 * MIB
WORKERS = 2
PATIENCE = 60
PARTS, COMPLETE = ("UploadPart", "*/" + NAME), ("CompleteMultipartUpload", "*/" + NAME)

NOTE = """\
One segment of %d MiB in parts of %d MiB, a simulated store over TLS that checks all it is told, one fault. Where the
file is still there after the first run, which is killed when it has not ended within %d s, the fault is over and the
same command runs again. Figures: bytes of the segment that reached the server in both runs, by its size. "kept": the
file is there even then; in brackets the exit status of the first run. "LOST": as above. Target: ours stores it, and
sends again no more than the parts the fault hit and those under way.""" % (SIZE // MIB, PART // MIB, PATIENCE)


@dataclass(frozen=True)
class Passing:
    """A fault that is over after a while.

    fault: of the requests; by default none
    hit: how many parts it may cost
    absent: why the server cannot be reached: one of the two below
    killed: it is the client that is struck
    """

    name: str
    fault: Callable[[], Fault] = Fault
    hit: float = 0
    absent: str = ""
    killed: bool = False


class Outcome(NamedTuple):
    """What became of the segment, in a word or two, and the bytes of it that were sent; no number when it was lost."""

    words: str
    sent: float


NOT_LISTENING, NOT_KNOWN = "nobody listens", "the name is not known"

PASSING = (
    Passing("a part: 500 once", partial(Error, *PARTS, code="InternalError", part=5), 1),
    Passing("a part: reset in its middle once", partial(Reset, *PARTS, part=5), 1),
    Passing("a part: 503 four times", partial(Error, *PARTS, code="SlowDown", part=5, times=4), 4),
    Passing("a part: six resets", partial(Reset, *PARTS, part=5, times=6), 6),
    Passing("a part: 403 once", partial(Error, *PARTS, code="AccessDenied", part=5), WORKERS),
    Passing("a part: ExpiredToken once", partial(Error, *PARTS, code="ExpiredToken", part=5), WORKERS),
    Passing("a part: RequestTimeTooSkewed once", partial(Error, *PARTS, code="RequestTimeTooSkewed", part=5), WORKERS),
    Passing("a part: 404 NoSuchUpload once", partial(Error, *PARTS, code="NoSuchUpload", part=5), SIZE / PART),
    Passing("from the fifth part on: resets, an outage", partial(Reset, *PARTS, times=0, skip=4), SIZE / PART),
    Passing(
        "from the fifth part on: 507, disk full",
        partial(Error, *PARTS, code="InsufficientStorage", times=0, skip=4),
        2,
    ),
    Passing("from the beginning: nobody listens", absent=NOT_LISTENING),
    Passing("from the beginning: no DNS", absent=NOT_KNOWN),
    Passing("Complete: 500 once", partial(Error, *COMPLETE, code="InternalError")),
    Passing("Complete: 200 with an error in it once", partial(Error, *COMPLETE, code="InternalError", status=200)),
    Passing("Complete: done, and the answer is lost", partial(LoseReply, *COMPLETE)),
    Passing("kill -9 in the middle", partial(Slow, *PARTS, rate=8 * PART, times=0), WORKERS, killed=True),
)


def bench(directory: Path, clients: Sequence[Client]) -> Section:
    """Play every fault with every client, ours first, and return the table."""
    header = ("fault", *(client.name for client in clients), "target")
    section = Section("Faults: what they cost", NOTE, header)
    for passing in PASSING:
        outcomes = [once(client, passing, directory) for client in clients]
        target = verdict(outcomes[0].sent, SIZE + passing.hit * PART)
        section.rows.append((passing.name, *(outcome.words for outcome in outcomes), target))
    return section


def once(client: Client, passing: Passing, directory: Path) -> Outcome:
    """Play a fault with a client, and once more without it when the segment has not left."""
    home = Path(tempfile.mkdtemp(prefix="passing-", dir=directory))
    with staged(Scenario(passing.name, Store, lambda stage: stage.proxy.add(passing.fault())), home, SIZE) as stage:
        job = Job(home, stage.proxy.endpoint, stage.ca_file, BUCKET)
        status, runs = _first(client, passing, job, stage), 1
        if stage.segment.exists():
            stage.proxy.faults.clear()
            run(*client.job(job), timeout=PATIENCE)
            runs = 2
        bodies = stage.proxy.of("UploadPart") + stage.proxy.of("PutObject")
        sent = sum(one.received for one in bodies if one.key.endswith(NAME))
        if stage.lost() or stage.segment.exists():
            return Outcome("LOST" if stage.lost() else "kept (%d)" % status, math.inf)
        return Outcome("%.2f ×%s" % (sent / SIZE, ", 2 runs" if runs == 2 else ""), sent)


def _first(client: Client, passing: Passing, job: Job, stage: Stage) -> int:
    """Run a client while the fault lasts; return its exit status."""
    if passing.killed:
        return run_until_killed(client, job, stage.proxy, 4 * PART)
    if passing.absent == NOT_LISTENING:
        stage.proxy.stop()
    elif passing.absent == NOT_KNOWN:
        job = replace(job, endpoint=stage.proxy.endpoint_at("store.invalid"))
    cost = run(*client.job(job), timeout=PATIENCE)
    if passing.absent == NOT_LISTENING:
        stage.proxy.start()
    return cost.status
