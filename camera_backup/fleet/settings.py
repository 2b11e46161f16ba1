"""What a fleet needs beyond `config.yaml`: variables of the role and of the playbooks, in the form of the schema."""

from __future__ import annotations

from camera_backup.config import kinds
from camera_backup.config.keys import Key, Section
from camera_backup.config.schema import CAMERAS

_BATCH = kinds.text("a number of hosts such as 1, or a share such as 20%", "[1-9][0-9]{0,5}|(?:100|[1-9]?[0-9])%")

ROLE = Section(
    "",
    "How the program reaches a host.",
    (
        Key(
            "version",
            kinds.text("the name of a release, such as 0.1.0, or its beginning", "[0-9A-Za-z.+]*", 0, 64),
            'The release a host should run; "" is that of this checkout.',
            "A release that is still on the host, or in the directory of bundles, can be named: so one goes back. "
            "Hosts that run another one already keep it until playbooks/upgrade.yml, because every recorder has to be "
            "restarted for it.",
            '"0.1.0"',
            default="",
        ),
        Key(
            "upgrade",
            kinds.boolean(),
            "Whether a host that runs another release is brought to the wanted one. playbooks/upgrade.yml sets it.",
            "Recorders are restarted one at a time, and the first that does not record again stops the rest.",
            "true",
            default=False,
        ),
        Key(
            "python",
            kinds.path("the absolute path of a Python, 3.9 or newer"),
            "The Python of the host that runs the services.",
            "It must not lie in a home directory, which is hidden from services.",
            "/usr/bin/python3.11",
            default="/usr/bin/python3",
        ),
        Key(
            "install_ffmpeg",
            kinds.boolean(),
            "Whether FFmpeg is installed by apt on hosts that have none.",
            "With false it must be there already; see also camera_backup_recording_ffmpeg.",
            "false",
            default=True,
        ),
        Key(
            "bundle_directory",
            kinds.text("a directory on the controller", shortest=0),
            'Where the controller keeps releases packed for hosts; "" is .build/bundles in this checkout.',
            "Bundles kept here can be installed without any network, also years later.",
            "/srv/camera-backup/bundles",
            default="",
        ),
        Key(
            "gentle_restarts",
            kinds.boolean(),
            "Whether recorders that need a restart get it one at a time, each after the one before it records again.",
            "With false all of a host that need it are restarted at once: faster, and all blind at the same moment.",
            "false",
            default=True,
        ),
        Key(
            "start_timeout_seconds",
            kinds.whole("seconds", 1, 3600),
            "How long the play waits for services to say what they do.",
            "A camera that is off does not make a play wait or fail: its recorder says so, and it is reported.",
            "120",
            default=90,
        ),
    ),
)

PLAYBOOKS = Section(
    "",
    "How playbooks walk through a fleet. Set them with -e, or in group_vars/all.",
    (
        Key(
            "serial",
            _BATCH,
            "How many hosts site.yml works on at a time.",
            "A change that restarts recorders interrupts no more hosts than this at once.",
            '"20%"',
            default="100%",
        ),
        Key(
            "rolling_serial",
            _BATCH,
            "How many hosts upgrade.yml and rotate_credentials.yml work on at a time, after a first one alone.",
            "Within a host it is always one recorder at a time.",
            '"4"',
            default="20%",
        ),
        Key(
            "max_fail_percentage",
            kinds.whole("percent", 0, 100),
            "Share of the hosts of one batch that may fail before upgrade.yml and rotate_credentials.yml stop.",
            "Hosts that cannot be reached count.",
            "10",
            default=0,
        ),
        Key(
            "check_probe",
            kinds.boolean(),
            "Whether check.yml also opens every camera's stream and the bucket for some seconds.",
            "Without it only the hosts' own records are read, which takes a second.",
            "true",
            default=False,
        ),
        Key(
            "check_report",
            kinds.text("a file on the controller", shortest=0),
            'Where check.yml writes what it found, as JSON; "" is nowhere.',
            "It holds no secret.",
            "/srv/reports/camera-backup.json",
            default="camera-backup-check.json",
        ),
        Key(
            "drain_timeout_seconds",
            kinds.whole("seconds", 10, 30 * 86400),
            "How long remove_host.yml waits for the last segments to be proven in the bucket.",
            "When it runs out, recording has ended and the upload goes on: run the playbook again.",
            "86400",
            default=3600,
        ),
    ),
)

CAMERA_DEFAULTS = Section(
    "camera_defaults",
    "What holds for every camera of a host that does not say otherwise, such as one login for a whole site.",
    tuple(item for item in CAMERAS.items if item.name not in ("name", "rtsp_url")),
)
"""The login is taken only where a camera has none of its own; what is for rtsps:// only, there only."""
