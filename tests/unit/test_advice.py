import pytest

from camera_backup import config
from camera_backup.config import advice
from tests.support.configurations import BASE, changed

RTSPS = '"rtsps://192.168.1.21/stream"'


def warned(*changes):
    return advice.warnings(config.parse(changed(*changes), "x"))


def test_an_ordinary_configuration_gives_no_reason_to_warn():
    assert warned() == []


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        (
            [("/srv/footage", "/tmp/footage")],
            "storage.local_path: is in a directory for temporary files; the system may empty it at any time",
        ),
        (
            [('"/srv/footage"', '"/srv/footage"\n  when_full: drop_oldest')],
            "storage.when_full: is drop_oldest; an outage longer than the disk holds loses the oldest footage",
        ),
        (
            [(BASE[BASE.index("cameras:") : BASE.index("recording:")], "cameras: []\n")],
            "cameras: none is enabled; this host records nothing",
        ),
        (
            [("https://s3.eu-central-1.amazonaws.com", "http://10.0.0.5:9000")],
            "s3.endpoint: is http://; everybody on the way can read the footage",
        ),
        (
            [("https://s3.", "https://camera-backups.s3.")],
            "s3.endpoint: begins with the name of the bucket; it belongs in s3.bucket only",
        ),
        (
            [("https://s3.eu-central-1.amazonaws.com", "http://[::1]:9000"), ('"AKIA"', '"AKIA"\n  ca_file: /ca.pem')],
            "s3.ca_file: is never looked at, because s3.endpoint is http://",
        ),
        (
            [('"AKIA"', '"AKIA"\n  proof: size-only')],
            "s3.proof: is size-only; a segment that arrives corrupt is not noticed, and its source is deleted",
        ),
        (
            [('"AKIA"', '"AKIA"\n  retention_days: 30\n  object_lock_mode: governance\n  object_lock_days: 31')],
            "s3.retention_days: is 30, and object lock holds for up to 31 days; what expires is hidden, and stays and "
            "costs until its lock ends",
        ),
        (
            [(RTSPS, '"rtsp://user:hunter2@192.168.1.20:554/stream"')],
            "cameras[1].rtsp_url (camera back-yard): is also that of camera front-door; the stream is recorded twice",
        ),
        (
            [(RTSPS, RTSPS + "\n    tls: {verify: false}")],
            "cameras[1].tls.verify (camera back-yard): is false; anybody on the way can pose as this camera and take "
            "its password",
        ),
        (
            [("hunter2", "Yard")],
            "cameras[0].password (camera front-door): is part of a camera's name; it is masked in all output, and so "
            "is the name",
        ),
    ],
)
def test_what_is_allowed_and_still_unwise_is_said_once(changes, warning):
    assert warned(*changes) == [warning]


def test_a_lock_that_ends_when_footage_expires_is_no_reason_to_warn():
    lock = "retention_days: 30\n  object_lock_mode: governance\n  object_lock_days: 30"
    assert warned(('"AKIA"', '"AKIA"\n  ' + lock)) == []


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1:9000", "[::1]:9000"])
def test_http_inside_this_machine_is_no_reason_to_warn(host):
    assert warned(("https://s3.eu-central-1.amazonaws.com", "http://" + host)) == []


@pytest.mark.parametrize(
    ("mode", "warns"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o660, True)]
)
def test_a_configuration_that_others_can_get_at_is_said_to_be_so(tmp_path, mode, warns):
    path = tmp_path / "config.yaml"
    path.write_text(BASE)
    path.chmod(mode)

    text = "%s: others than its owner can get at it (mode %04o), and it holds secrets: chmod 600 it" % (path, mode)
    assert advice.file_warnings(str(path)) == ([text] if warns else [])
