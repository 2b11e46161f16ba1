"""The bucket: whether it can be used, and what its store was seen to enforce, in the words of an operator."""

from __future__ import annotations

import threading
from typing import Sequence

from camera_backup.bucket import capabilities, lock, proof
from camera_backup.bucket.capabilities import Capabilities
from camera_backup.bucket.errors import BucketError
from camera_backup.bucket.stopping import Stop, Stopped
from camera_backup.check.findings import BUCKET, OK, PROBLEM, WARNING, Finding
from camera_backup.model import S3, Lock

LIMIT = 90.0
"""Seconds for all questions together; a store far away needs some ten for its thirty answers."""


def findings(s3: S3, locks: Sequence[Lock] = ()) -> list[Finding]:
    """Given the configuration of a bucket, write, compare and remove tiny objects in it; return the findings.

    locks: the object locks that are asked for
    """
    # Imported late: botocore takes a quarter of a second, and --offline does without.
    from camera_backup.bucket import probe
    from camera_backup.bucket.client import Bucket

    stop = Stop()
    timer = threading.Timer(LIMIT, stop.set)
    timer.daemon = True
    timer.start()
    try:
        bucket, can = probe.examine(lambda signed: Bucket(s3, stop, sign_payload=signed), locks=locks)
    except BucketError as error:
        return [refused(s3, error)]
    except Stopped:
        text = "%s has not answered all questions within %d s" % (s3.endpoint, LIMIT)
        return [_of(s3, "access", PROBLEM, text, "check the network, and again")]
    finally:
        timer.cancel()
    bucket.close()
    return judged(s3, can)


def refused(s3: S3, error: BucketError) -> Finding:
    """Given why the bucket could not be looked at, return the finding."""
    cause, _, advice = error.verdict.words.partition(": ")
    # The error's text is `operation: words (detail)`; of that, only what the store itself said is new here.
    told = str(error).partition(error.verdict.words)[2]
    return _of(s3, "access", PROBLEM, cause + told, advice or "see what the store says in brackets")


def judged(s3: S3, can: Capabilities) -> list[Finding]:
    """Given what a store was seen to enforce and to honour, return the findings. Pure."""
    return [
        _access(s3, can),
        _proof(s3, can),
        _of(s3, "overwrites", OK, _overwrites(can)),
        _of(s3, "resuming", OK, _resuming(can)),
        *_locking(s3, can),
        *_aborting(s3, can),
    ]


def _of(s3: S3, item: str, level: str, text: str, advice: str = "") -> Finding:
    return Finding(BUCKET, "bucket " + s3.bucket, item, level, text, advice)


def _access(s3: S3, can: Capabilities) -> Finding:
    if not can.reads:
        return _of(s3, "access", OK, "key accepted, it can write and not read at %s (write-only)" % s3.endpoint)
    text = "key accepted, objects can be written and read at %s" % s3.endpoint
    if can.missing_denied:
        # AWS answers so to keys without s3:ListBucket; the uploader copes, `list` does not.
        return _of(s3, "access", WARNING, text + ", but not listed", "allow s3:ListBucket on the bucket to this key")
    return _of(s3, "access", OK, text)


def _proof(s3: S3, can: Capabilities) -> Finding:
    if not can.reads:
        return _proof_unread(s3, can)
    if s3.proof == proof.READ_BACK:
        return _of(s3, "proof", OK, "every segment is read back before its source is deleted (s3.proof: read-back)")
    enforced = _enforced(can)
    if can.proves:
        return _of(s3, "proof", OK, "%s → every part proven before its source is deleted" % enforced)
    if s3.proof == proof.SIZE_ONLY:
        text = "sizes alone are compared (s3.proof: size-only): a segment that arrives corrupt is not noticed"
        return _of(s3, "proof", WARNING, text, "set s3.proof: auto")
    text = "this store shows nothing that proves the content: every segment is read back, which doubles the traffic"
    return _of(s3, "proof", WARNING, text, "a store that enforces Content-MD5 or shows md5 ETags needs no reading back")


def _proof_unread(s3: S3, can: Capabilities) -> Finding:
    obstacle = can.unread_obstacle(in_parts=False) or can.unread_obstacle(in_parts=True)
    if s3.proof == proof.READ_BACK:
        obstacle = "and s3.proof is read-back"
    if obstacle is None:
        text = "%s → every part proven by the store's own reply before its source is deleted" % _enforced(can)
        return _of(s3, "proof", OK, text)
    text = "the key may not read, %s: nothing is uploaded, all footage stays on this host" % obstacle
    otherwise = ", or set s3.proof: auto" if s3.proof == proof.READ_BACK else ""
    return _of(s3, "proof", PROBLEM, text, "allow s3:GetObject on the bucket to this key" + otherwise)


def _enforced(can: Capabilities) -> str:
    seen = []
    if can.md5_put and can.md5_part:
        seen.append("Content-MD5 enforced")
    if can.crc32_put and can.crc32_part:
        seen.append("CRC-32 enforced")
    if capabilities.OPAQUE not in (can.etag_put, can.etag_multipart):
        seen.append("ETags are the md5 of what arrived")
    return ", ".join(seen) or "nothing enforced"


def _overwrites(can: Capabilities) -> str:
    kinds = {"whole objects": can.put_if_absent, "multipart uploads": can.complete_if_absent}
    safe = [kind for kind, found in kinds.items() if found == capabilities.HONOURED]
    if len(safe) == len(kinds):
        return "refused by the store (If-None-Match)"
    looked = "every key is looked up before it is written" if can.reads else "so this key is not used there"
    return "refused by the store for %s only; %s" % (safe[0], looked) if safe else "not refused by the store; " + looked


def _resuming(can: Capabilities) -> str:
    if can.list_parts:
        return "the store lists the parts of interrupted uploads"
    return "the store does not list parts; this host remembers them"


def _locking(s3: S3, can: Capabilities) -> list[Finding]:
    if can.lock_put is None:
        return []
    refusal = lock.refusal(can)
    if refusal is None:
        text = "the store refuses locks that end in the past, and the bucket takes those that are asked for"
        return [_of(s3, "object lock", OK, text)]
    cause, _, advice = refusal.words.partition(": ")
    return [_of(s3, "object lock", PROBLEM, cause + "; nothing is uploaded, all footage stays on this host", advice)]


def _aborting(s3: S3, can: Capabilities) -> list[Finding]:
    if can.aborts:
        return []
    text = "the key may not abort uploads (nor need to): let a lifecycle rule of the bucket do it after 7 days"
    return [_of(s3, "leftovers", OK, text)]
