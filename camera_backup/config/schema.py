"""Every key of `config.yaml`, once. From this table come validation, defaults, the JSON Schema, the reference in
`docs/configuration.md` and the commented template; nothing else knows a key, a bound or a default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from camera_backup.config import fields, kinds
from camera_backup.config.keys import Key, Section

if TYPE_CHECKING:
    import argparse


STORAGE = Section(
    "storage",
    "Where footage waits until it is proven in the bucket.",
    (
        Key(
            "local_path",
            fields.storage_path(),
            "Directory of the segments: one directory per camera in it, one file per segment.",
            "Give it a filesystem of its own, large enough for the longest outage of the uplink you want to survive: "
            "4 Mbit/s are 43 GB a day and camera. Changing it leaves the footage recorded so far where it is: move the "
            "files, or they are not uploaded.",
            "/var/lib/camera-backup/segments",
            default="/var/lib/camera-backup/segments",
            sample='"/var/lib/camera-backup/segments"',
        ),
        Key(
            "state_path",
            fields.storage_path(),
            "Directory of the ledger of every recording, the catalog of every upload, and the live status.",
            "Losing it loses no footage, but the record of gaps and the progress of uploads. Neither it nor local_path "
            "may lie in the other.",
            "/var/lib/camera-backup/state",
            default="/var/lib/camera-backup/state",
        ),
        Key(
            "min_free",
            kinds.size(0, 1024**5),
            "Recorders pause while the disk has less free space than this.",
            "Too little, and the disk runs full: the state and everything else on that filesystem suffer. Every pause "
            "is a recorded gap with its cause.",
            "20GiB",
            default="1GiB",
        ),
        Key(
            "when_full",
            kinds.choice("keep", "drop_oldest"),
            "What happens to footage that is not in the bucket yet, before the disk has less than min_free.",
            "`keep`: none of it is ever deleted; recording pauses until there is space. `drop_oldest`: recording goes "
            "on, and the oldest segments of all cameras are deleted although no bucket holds them; each leaves a "
            "record of what was lost. Either way, what is proven in the bucket goes first.",
            "drop_oldest",
            default="keep",
        ),
        Key(
            "local_retention",
            fields.retention(),
            "How long segments stay on the disk, or how much of them, once they are proven in the bucket; null: until "
            "their space is needed. For upload.delete_after_upload: false only.",
            "Days count from the end of a segment; a size is that of all cameras together. The oldest go first, and "
            "only after the bucket was asked again. Before the disk is full they go all the same.",
            "30d",
            default=None,
        ),
    ),
)

S3 = Section(
    "s3",
    "The bucket, on any storage that speaks S3: AWS, Cloudflare R2, MinIO, Backblaze B2, Wasabi, Ceph, Swift.",
    (
        Key(
            "access_key_id",
            fields.s3_key("the access key id, without spaces"),
            "The access key.",
            "It needs the rights to put and get objects, to list the bucket, and to list and abort multipart uploads. "
            "Footage is never deleted from the bucket: the right to delete serves the uploader's own tiny probe "
            "objects only, which stay there without it. A key that may only put objects works as well, where the store "
            "refuses overwrites and damaged bytes: docs/bucket.md.",
            '"AKIAIOSFODNN7EXAMPLE"',
            secret=True,
            sample='"YOUR_ACCESS_KEY_ID"',
        ),
        Key(
            "secret_access_key",
            fields.s3_key("the secret access key, without spaces"),
            "The secret that belongs to the access key.",
            "Quote it: it may hold characters that YAML reads in its own way.",
            '"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"',
            secret=True,
            sample='"YOUR_SECRET_ACCESS_KEY"',
        ),
        Key(
            "bucket",
            fields.bucket(),
            "Name of the bucket. It must exist.",
            "Changing it uploads to the new bucket from now on; what is in the old one stays there.",
            '"camera-backups"',
            sample='"camera-backups"',
        ),
        Key(
            "endpoint",
            fields.endpoint(),
            "URL of the S3 service, without the bucket.",
            "With http:// everybody on the way can read the footage (the secret key is never sent, requests are only "
            "signed with it). Use http:// only inside a machine or a network you own.",
            '"https://s3.eu-central-1.amazonaws.com"',
            sample='"https://YOUR_ENDPOINT"',
        ),
        Key(
            "region",
            kinds.text("letters, digits and hyphens, at most 64", "[A-Za-z0-9-]+", longest=64),
            "Region that requests are signed for.",
            "A wrong one is refused by AWS with the right one in the message; most other services ignore it. "
            'Cloudflare R2 wants "auto".',
            '"eu-central-1"',
            default="us-east-1",
        ),
        Key(
            "prefix",
            fields.prefix(),
            "What all keys begin with: `<prefix>/<camera>/YYYY/MM/DD/<segment>`.",
            "Give every host its own when several share a bucket. Changing it writes to the new place from now on; "
            "what is at the old one stays there.",
            '"site-7/nvr-2"',
            default="",
        ),
        Key(
            "addressing_style",
            kinds.choice("path", "virtual", "auto"),
            "Where the bucket stands in a request: in the path (`endpoint/bucket`), in the host name "
            "(`bucket.endpoint`), or where the SDK puts it.",
            "`path` works with nearly every service; `virtual` needs DNS and certificates for the bucket's host name.",
            "virtual",
            default="path",
        ),
        Key(
            "ca_file",
            fields.file_path(),
            "Certificates (PEM) of the authority that signed the endpoint's certificate; null: those of the system.",
            "Needed for a private authority. Only these are trusted then, not those of the system.",
            "/etc/camera-backup/s3-ca.pem",
            default=None,
        ),
        Key(
            "storage_class",
            kinds.text("the provider's name of the class, such as STANDARD_IA", "[A-Z0-9_]+", longest=64),
            "Storage class of new objects; null: the bucket's own.",
            "Archive classes (GLACIER, DEEP_ARCHIVE) are cheap to keep, and need hours and a fee before one can look "
            "at the footage; with them nothing can be read back, so proof must not be `read-back`.",
            "STANDARD_IA",
            default=None,
        ),
        Key(
            "proof",
            kinds.choice("auto", "read-back", "size-only"),
            "How the bucket has to show that it holds the very bytes before the local file is deleted.",
            "`auto`: by checksums that this endpoint was seen to enforce, else by reading back. `read-back`: always by "
            "downloading every segment again, which doubles the traffic. `size-only`: explicitly without proof of the "
            "content, only its size is compared; a corrupt upload then goes unnoticed and the local file is deleted.",
            "read-back",
            default="auto",
        ),
        Key(
            "retention_days",
            kinds.whole("days", 1, 36500),
            "Days after its upload at which the bucket expires footage; null: never.",
            "Takes effect by `camera-backup retention --apply` only, as a lifecycle rule of the bucket below this "
            "prefix (without a prefix: below each camera's name). It holds for what is there already, too: footage "
            "older than this vanishes for good. The program itself never deletes footage from the bucket.",
            "90",
            default=None,
        ),
        Key(
            "abort_incomplete_days",
            kinds.whole("days", 1, 365),
            "Days after which the bucket drops uploads that were begun and never finished; null: never.",
            "Takes effect as `retention_days` does. The uploader drops its own; this is for hosts that are gone and "
            "for keys that may not. An outage of the uplink that is longer begins its upload again.",
            "7",
            default=None,
        ),
        Key(
            "object_lock_mode",
            kinds.choice("governance", "compliance"),
            "How the bucket keeps footage from being deleted or changed until its lock ends; null: not at all.",
            "Needs a bucket with Object Lock, `object_lock_days`, and the right s3:PutObjectRetention for the key. "
            "`governance`: keys with a special right may still delete. `compliance`: nobody may, not even the owner of "
            "the account, and it cannot be taken back. Where the store does not do it, nothing is uploaded. "
            "docs/bucket.md has more.",
            "governance",
            default=None,
        ),
        Key(
            "object_lock_days",
            kinds.whole("days", 1, 36500),
            "Days for which an object is locked, from the moment its upload begins; null: see object_lock_mode.",
            "Holds for what is uploaded from now on. Until then footage costs what it costs, and what "
            "`retention_days` expires earlier is only hidden.",
            "30",
            default=None,
        ),
    ),
)

TLS = Section(
    "tls",
    "How the certificate of a camera at an `rtsps://` URL is checked. Not for `rtsp://`.",
    (
        Key(
            "verify",
            kinds.boolean(),
            "Whether the certificate is checked.",
            "Without the check anybody on the way can pose as the camera, take its password and send other pictures. "
            "FFmpeg before 9.0 cannot check, so it is done on a connection of its own just before: this finds a camera "
            "that was swapped and an address that has become another's, but not an attacker who tells the two apart.",
            "false",
            default=True,
        ),
        Key(
            "ca_file",
            fields.file_path(),
            "Certificates (PEM) of the authority that signed the camera's; null: those of the system.",
            "Only these are trusted then; the camera's own self-signed one will do. The certificate must carry the "
            "host of the URL; where it does not, use `fingerprint`.",
            "/etc/camera-backup/cameras-ca.pem",
            default=None,
        ),
        Key(
            "fingerprint",
            fields.fingerprint(),
            "SHA-256 fingerprint of the camera's own certificate; null: it is checked against authorities.",
            "Exactly this certificate is trusted, whoever signed it and whatever name it carries. When the camera gets "
            "a new one, recording stops until the fingerprint is changed here.",
            '"AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89"',
            default=None,
        ),
    ),
)

CAMERAS = Section(
    "cameras",
    "The cameras of this host. A camera taken out of the list stops being recorded; its footage stays and is uploaded. "
    "`cameras: []` is a host that records nothing and goes on uploading.",
    (
        Key(
            "name",
            fields.camera_name(),
            "Name of the camera: of its service (`camera-recorder-<name>`), its directory and its keys in the bucket.",
            "A renamed camera is a new one: the footage under the old name stays where it is, and is still uploaded.",
            '"front-door"',
            sample='"front-door"',
        ),
        Key(
            "rtsp_url",
            fields.rtsp_url(),
            "Where the camera's stream is, with user and password if they are not given below.",
            "Characters such as @ / # % may stand in the password as they are, as long as only one reading is "
            "possible; otherwise use `password`. With rtsp:// the footage can be read by everybody on the camera's "
            "network; rtsps:// encrypts it. The path chooses the stream: take the main stream for full resolution.",
            '"rtsp://user:password@192.168.1.20:554/stream"',
            secret=True,
            sample='"rtsp://user:password@camera-ip:554/stream"',
        ),
        Key(
            "enabled",
            kinds.boolean(),
            "Whether the camera is recorded.",
            "With false its service is removed; nothing is deleted, and what is left is uploaded.",
            "false",
            default=True,
            sample="true",
        ),
        Key(
            "username",
            fields.username(),
            "User at the camera, as it is, when not in the URL; null: the URL says it, or there is none.",
            "A user in both places is refused.",
            '"recorder"',
            default=None,
        ),
        Key(
            "password",
            fields.password(),
            "Password at the camera, as it is, without any encoding, when not in the URL.",
            "Put it in single quotes, and double a single quote inside: 'it''s'.",
            "'p@ss/w#rd %41'",
            default=None,
            secret=True,
        ),
        Key(
            "transport",
            kinds.choice("tcp", "udp"),
            "How the stream travels.",
            "`udp` loses pictures on a busy network and is stopped by most firewalls; for cameras that cannot `tcp`.",
            "udp",
            default="tcp",
        ),
        Key(
            "audio",
            kinds.choice("auto", "copy", "aac", "off"),
            "What happens to sound.",
            "`auto`: copied where MP4 can hold it, else converted to AAC (about 0.5 % of a core), else left out. "
            "`copy`, `aac`: always copied or converted; a camera whose sound does not allow it is not recorded at all. "
            "`off`: not recorded, as the law of some places demands.",
            '"off"',
            default="auto",
        ),
        Key(
            "object_lock_mode",
            kinds.choice("governance", "compliance", "off"),
            "Object lock of this camera's footage in the bucket; null: as s3.object_lock_mode says.",
            "`off`: this camera's footage is not locked, whatever s3 says.",
            "compliance",
            default=None,
        ),
        Key(
            "object_lock_days",
            kinds.whole("days", 1, 36500),
            "Days for which this camera's footage is locked in the bucket; null: as s3.object_lock_days says.",
            "Restarts no recorder, and holds for what is uploaded from now on.",
            "90",
            default=None,
        ),
        TLS,
    ),
    many=True,
)

RECORDING = Section(
    "recording",
    "How all cameras are recorded.",
    (
        Key(
            "segment_duration",
            fields.segment_duration(),
            "Length of a segment in seconds. Cuts fall on multiples of it since midnight UTC, at the next key frame.",
            "Footage is in the bucket at the earliest when its segment is closed: shorter ones are sooner safe from a "
            "thief of the recorder, and are more objects and requests.",
            "900",
            default=3600,
            sample="3600",
        ),
        Key(
            "stall_timeout",
            kinds.whole("seconds", 5, 3600),
            "A camera that sends no new picture for this many seconds counts as frozen, and is connected to anew.",
            "Short ones interrupt cameras with few pictures a second; long ones lose more when a camera freezes.",
            "60",
            default=30,
        ),
        Key(
            "ffmpeg",
            fields.program(),
            "The ffmpeg program, version 5.1 or newer: a name on PATH, or an absolute path.",
            "7.1 and newer write segments that need no second pass when they are closed.",
            "/opt/ffmpeg/bin/ffmpeg",
            default="ffmpeg",
        ),
    ),
)

UPLOAD = Section(
    "upload",
    "How segments leave for the bucket.",
    (
        Key(
            "check_interval",
            kinds.whole("seconds", 1, 86400),
            "Seconds between two looks for finished segments.",
            "Longer ones delay uploads by as much; shorter ones cost a little processor time.",
            "60",
            default=300,
            sample="300",
        ),
        Key(
            "delete_after_upload",
            kinds.boolean(),
            "Whether a local segment is deleted once the bucket has proven that it holds the same bytes.",
            "With false it stays as long as storage.local_retention says, and at the longest until its space is "
            "needed: before recording pauses, the oldest that are proven are deleted.",
            "false",
            default=True,
            sample="true",
        ),
        Key(
            "min_age",
            kinds.whole("seconds", 0, 7 * 86400),
            "A segment is uploaded when it was last written at least this many seconds ago.",
            "A second guard only: a file that is open is never uploaded, whatever its age.",
            "0",
            default=300,
        ),
        Key(
            "workers",
            kinds.whole("uploads", 1, 16),
            "Segments that travel side by side.",
            "More help on lines with a long delay, and cost memory and the recorders' share of a slow disk.",
            "4",
            default=2,
        ),
        Key(
            "part_size",
            kinds.size(5 * 1024**2, 5 * 1024**3),
            "Size of the parts in which a segment travels. Larger for files of more than 10,000 parts.",
            "An interruption costs at most one part for each worker: smaller parts for bad lines, larger ones for "
            "fewer requests.",
            "8MiB",
            default="16MiB",
        ),
        Key(
            "bandwidth_limit",
            fields.bandwidth(),
            "Most that all uploads together may send; null: no limit.",
            "Less than the cameras record, and the backlog grows until the disk is full: 10 cameras of 4 Mbit/s need "
            "40Mbit/s.",
            '"50Mbit/s"',
            default=None,
        ),
        Key(
            "order",
            kinds.choice("oldest_first", "newest_first"),
            "Which segments of a backlog leave first. Cameras take turns either way.",
            "`newest_first` brings today's footage into the bucket before that of an outage; when the disk runs full "
            "meanwhile, what was not uploaded is the oldest.",
            "newest_first",
            default="oldest_first",
        ),
        Key(
            "schedule",
            kinds.listed(fields.window(), 24),
            "Limits for times of the day, in the time zone of the host (`timedatectl`); outside of all of them "
            "`bandwidth_limit` holds.",
            "A window may cross midnight; none may overlap another. A limit changes within seconds, without a restart. "
            "`off` stops uploads in order: parts that have arrived are kept, one part of each worker is sent again. "
            "Only the time of day counts, so that a window is an hour shorter or longer on the days on which clocks "
            "are changed. A changed time zone counts from the uploader's next start.",
            '["08:00-18:00 2Mbit/s", "18:00-22:00 off", "22:00-06:00 unlimited"]',
            default=[],
        ),
    ),
)

ROOT = Section("", "", (STORAGE, S3, CAMERAS, RECORDING, UPLOAD))


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `camera-backup schema`."""
    parser.add_argument(
        "--format",
        choices=("json", "reference", "template"),
        default="json",
        help="json: JSON Schema, draft 2020-12, for editors; reference: docs/configuration.md; "
        "template: the commented config.yaml (default: json)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the schema."""
    from camera_backup.config import reference

    print({"json": reference.json_text, "reference": reference.markdown, "template": reference.template}[args.format]())
    return 0
