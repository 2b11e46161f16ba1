"""What only somebody outside can mend, while the service runs: said once, in words, and then it goes on by itself.

All cases live through their outage at the same time: they mostly wait.
"""

import concurrent.futures
import dataclasses
import time
from typing import Callable, NamedTuple

import pytest

from camera_backup.model import S3
from camera_backup.status.gather import Gatherer
from camera_backup.status.gather import Place as Where
from camera_backup.status.report import stuck
from tests.integration.test_uploader_service import Service
from tests.simulators.s3_faults import Call, Clock, Error, Portal, Redirect
from tests.simulators.s3_proxy import Proxy, simulated
from tests.simulators.s3_store import Store
from tests.support.certs import Authority
from tests.support.processes import wait_until
from tests.support.s3_servers import ROOT
from tests.support.uploading import PART, Place

SIZE = 2 * PART + 1000


class Outage(NamedTuple):
    """begin: breaks the store; end: mends it again; cause, words: what has to be said of it."""

    begin: Callable[[Proxy], None]
    cause: str
    words: str
    end: Callable[[Proxy], None] = lambda proxy: proxy.faults.clear()


def breaks(*faults):
    return lambda proxy: proxy.add(*(fault() for fault in faults))


def error(code, operation="*", **options):
    return lambda: Error(operation, code=code, times=0, **options)


def stop_and_start(proxy, certificate):
    """Listen with another certificate: in a thread, since a request of this very server asks for it."""
    proxy.stop()
    proxy.certificate, before = certificate, proxy.certificate
    proxy.start()
    return before


class Intercepted:
    """A filter opens TLS, with an authority of its own."""

    def __init__(self, directory):
        self._stranger = Authority(directory, "Corporate Web Filter").issue()
        self._own = None

    def begin(self, proxy):
        self._own = stop_and_start(proxy, self._stranger)

    def end(self, proxy):
        stop_and_start(proxy, self._own)


OUTAGES = {
    "a captive portal that shows a page": Outage(
        breaks(lambda: Portal(times=0)), "captive_portal", "200: answers with a page of HTML"
    ),
    "a captive portal that sends on": Outage(
        breaks(lambda: Redirect(times=0)), "captive_portal", "302: sends us on to http://login.hotel.invalid)"
    ),
    "a key that was taken away": Outage(
        breaks(error("InvalidAccessKeyId")), "key_unknown", "does not know s3.access_key_id"
    ),
    "a key that was rotated": Outage(
        breaks(error("SignatureDoesNotMatch")), "secret_wrong", "s3.secret_access_key does not fit"
    ),
    "a token that has expired": Outage(breaks(error("ExpiredToken")), "credentials_expired", "have expired"),
    "a wrong clock": Outage(
        breaks(error("RequestTimeTooSkewed"), lambda: Clock(times=0, seconds=3600)),
        "clock_skew",
        "the clock of this host is wrong, the store refuses its signatures: check NTP (it is 3",
    ),
    "a full store": Outage(breaks(error("InsufficientStorage", "UploadPart")), "bucket_full", "is full"),
    "a quota that is used up": Outage(breaks(error("QuotaExceeded", "UploadPart")), "bucket_full", "quota is used up"),
    "a bucket that was deleted": Outage(breaks(error("NoSuchBucket")), "bucket_missing", "the bucket does not exist"),
    "a key that may only read": Outage(
        breaks(error("AccessDenied", "UploadPart"), error("AccessDenied", "PutObject")),
        "access_denied",
        "check its permissions on bucket and prefix",
    ),
    "a storm of 503": Outage(breaks(error("SlowDown")), "throttled", "asks to slow down"),
    "a storm of 500": Outage(breaks(error("InternalError")), "server_error", "a problem of its own"),
    "no connection": Outage(
        lambda proxy: proxy.stop(), "unreachable", "the store cannot be reached", lambda proxy: proxy.start()
    ),
    "TLS that is opened on the way": Outage(
        lambda proxy: None, "certificate", "it was issued by Corporate Web Filter", lambda proxy: None
    ),
}


@dataclasses.dataclass
class Story:
    """What happened in one outage. `status`: what `camera-backup status` said in it."""

    journal: str = ""
    cause: str = ""
    status: str = ""
    kept: bool = False
    stored: bool = False
    accepted: dict = dataclasses.field(default_factory=dict)


def impatient(directory):
    """Return a PYTHONPATH on which what fails for a moment is repeated for a second only, in place of 30."""
    (directory / "impatient").mkdir()
    text = "import camera_backup.bucket.retry as retry\nretry.DELAYS = (0.1, 0.3, 0.6)\n"
    (directory / "impatient" / "sitecustomize.py").write_text(text)
    return "%s:%s" % (directory / "impatient", ROOT)


def lived_through(directory, outage):
    """Let the outage begin when the second of three parts arrives, and end when it was met a second time."""
    directory.mkdir()
    if outage.cause == "certificate":
        stranger = Intercepted(directory / "stranger")
        outage = outage._replace(begin=stranger.begin, end=stranger.end)
    store, story = Store(), Story()
    store.buckets["b"] = {}
    with simulated(store) as (proxy, ca_file):
        s3 = S3("AKIDOUTAGE", "outage-secret", "b", proxy.endpoint, "us-east-1", "", "path", ca_file, None, "auto")
        place = Place(directory, s3)
        place.change("upload", check_interval=1)
        proxy.clear()
        data = place.segment(SIZE)
        proxy.add(Call("UploadPart", part=2, action=lambda: outage.begin(proxy)))
        running = Service(place, PYTHONPATH=impatient(directory))
        try:
            running.wait_log("upload_paused")
            running.wait_state("paused")
            story.cause = running.status()["cause"]
            story.status = status(place)
            # The second attempt fails as well.
            wait_until(lambda: running.children() != [], "the second worker")
            wait_until(lambda: running.children() == [], "the end of the second worker")
            story.kept = place.path().exists()
            outage.end(proxy)
            wait_until(lambda: not place.path().exists(), "the segment", 40)
            running.wait_log("upload_resumed")
        finally:
            running.process.kill()
            running.process.wait()
            running.socket.close()
        story.journal = running.text()
        story.stored = store.buckets["b"][place.key()].data == data
        parts = [one.part for one in proxy.of("UploadPart", place.key()) if one.status == 200 and not refused(one)]
        story.accepted = {part: parts.count(part) for part in set(parts)}
    return story


def refused(record):
    return any(name in ("portal", "redirect", "error") for name in record.faults)


def status(place):
    """Return what `camera-backup status` says is wrong with the host."""
    return stuck(Gatherer(Where(place.parameters.storage.state_path, None), time.time()).host())


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    home = tmp_path_factory.mktemp("outages")
    with concurrent.futures.ThreadPoolExecutor(len(OUTAGES)) as pool:
        found = {
            name: pool.submit(lived_through, home / str(number), outage)
            for number, (name, outage) in enumerate(OUTAGES.items())
        }
        yield found


@pytest.mark.parametrize("name", OUTAGES)
def test_it_is_said_once_in_words_and_ends_by_itself_and_no_part_is_sent_twice(stories, name):
    outage, story = OUTAGES[name], stories[name].result()
    lines = [line for line in story.journal.splitlines() if line.startswith("upload_paused")]
    assert len(lines) == 1, story.journal
    assert "cause=%s " % outage.cause in lines[0]
    assert outage.words in lines[0]
    assert outage.words in story.cause
    assert story.status == "uploading is paused: %s" % story.cause
    assert story.kept
    assert story.stored
    assert story.accepted == {1: 1, 2: 1, 3: 1}
    assert "Traceback" not in story.journal
