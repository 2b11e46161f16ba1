import copy
import re
import socket

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from camera_backup import config, journal
from camera_backup.config import advice
from camera_backup.errors import ConfigError
from camera_backup.model import S3, Camera, Lock, Recording, Storage, Tls, Upload
from camera_backup.redact import Redactor
from camera_backup.schedule import Window
from tests.support.configurations import BASE, changed, problems

SEED = """\
storage: {local_path: "/var/lib/camera-backup/segments"}
s3: {access_key_id: "AKIA", secret_access_key: "s3cret/key", bucket: "camera-backups", endpoint: "https://s3.eu.org"}
cameras:
  - {name: "front-door", rtsp_url: "rtsp://user:password@192.168.1.20:554/stream", enabled: true}
  - {name: "back-yard", rtsp_url: "rtsp://192.168.1.21/stream", enabled: true}
recording: {segment_duration: 3600}
upload: {check_interval: 300, delete_after_upload: true}
"""


def loaded(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return config.load(str(path))


def test_the_documented_configuration_is_valid_and_its_optional_keys_have_their_defaults():
    found = config.parse(SEED, "seed")

    assert found.storage == Storage("/var/lib/camera-backup/segments", "/var/lib/camera-backup/state", 1024**3)
    assert found.s3 == S3(
        access_key_id="AKIA",
        secret_access_key="s3cret/key",
        bucket="camera-backups",
        endpoint="https://s3.eu.org",
        region="us-east-1",
        prefix="",
        addressing_style="path",
        ca_file=None,
        storage_class=None,
        proof="auto",
    )
    assert found.cameras[0] == Camera(
        name="front-door",
        url="rtsp://user:password@192.168.1.20:554/stream",
        enabled=True,
        transport="tcp",
        audio="auto",
        tls=Tls(verify=True, ca_file=None, fingerprint=None),
    )
    assert [camera.name for camera in found.cameras] == ["front-door", "back-yard"]
    assert found.recording == Recording(segment_duration=3600, stall_timeout=30, ffmpeg="ffmpeg")
    assert found.upload == Upload(
        check_interval=300,
        delete_after_upload=True,
        min_age=300,
        workers=2,
        part_size=16 * 1024**2,
        bandwidth_limit=None,
        order="oldest_first",
        schedule=(),
    )


def test_every_optional_key_reaches_the_program_in_its_own_unit():
    found = config.parse(
        """\
storage: {local_path: /srv/footage/, state_path: /srv//state, min_free: 500GB}
s3:
  access_key_id: AKIA
  secret_access_key: s3cret
  bucket: b
  endpoint: HTTP://127.0.0.1:9000/
  region: auto
  prefix: site-7/nvr_2
  addressing_style: virtual
  ca_file: /etc/ca.pem
  storage_class: STANDARD_IA
  proof: read-back
cameras:
  - name: a
    rtsp_url: rtsps://[fd00::1]/s
    username: us er
    password: '%41 #"'
    enabled: no
    audio: off
    tls:
      fingerprint: "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89"
  - {name: b, rtsp_url: 'rtsps://10.0.0.1', tls: {verify: false}}
  - {name: c, rtsp_url: 'rtsp://10.0.0.1', transport: udp, tls: }
recording: {segment_duration: 300.0, stall_timeout: 10, ffmpeg: /opt/ffmpeg}
upload:
  {check_interval: 1, delete_after_upload: off, min_age: 0, workers: 16, part_size: 5MiB, bandwidth_limit: 8Mbit/s,
   order: newest_first, schedule: [00:30-12:00 800kbit/s, '12:00-13:00 off', 22:00-00:30 unlimited]}
""",
        "all",
    )

    assert found.storage == Storage("/srv/footage", "/srv/state", 500 * 1000**3)
    assert found.s3.endpoint == "http://127.0.0.1:9000"
    assert (found.s3.region, found.s3.prefix, found.s3.addressing_style) == ("auto", "site-7/nvr_2", "virtual")
    assert (found.s3.ca_file, found.s3.storage_class, found.s3.proof) == ("/etc/ca.pem", "STANDARD_IA", "read-back")
    assert found.cameras[0].url == "rtsps://us%20er:%2541%20%23%22@[fd00::1]/s"
    assert (found.cameras[0].enabled, found.cameras[0].audio) == (False, "off")
    assert found.cameras[0].tls == Tls(True, None, "abcdef0123456789" * 4)
    assert found.cameras[1].tls.verify is False
    assert (found.cameras[2].transport, found.cameras[2].tls.verify) == ("udp", True)
    assert found.recording == Recording(300, 10, "/opt/ffmpeg")
    windows = (Window(30, 720, 100_000), Window(720, 780, 0), Window(1320, 30, None))
    assert found.upload == Upload(1, False, 0, 16, 5 * 1024**2, 1_000_000, "newest_first", windows)


@pytest.mark.parametrize(
    "section", ['storage:\n  local_path: "/srv/footage"\n', "recording:\n  segment_duration: 3600\n"]
)
@pytest.mark.parametrize("left", ["", "heading"])
def test_a_section_in_which_nothing_is_required_may_be_absent_or_empty(section, left):
    heading = section.partition("\n")[0] + "\n"

    assert problems(changed((section, heading if left else ""))) == []


def test_a_host_may_have_no_camera_but_has_to_say_so():
    cameras = BASE[BASE.index("cameras:") : BASE.index("recording:")]

    assert config.parse(changed((cameras, "cameras: []\n")), "x").cameras == ()
    assert problems(changed((cameras, ""))) == [
        "config.yaml:1: cameras: required section is missing; it is a list of name, rtsp_url"
    ]
    assert problems(changed((cameras, "cameras:\n"))) == [
        "config.yaml:8: cameras: is not a list; given nothing, accepted: a list, or [] for none"
    ]


def test_all_mistakes_are_reported_at_once_in_the_order_of_their_lines():
    found = problems(
        changed(
            ("segment_duration: 3600", 'segment_duration: "3600"\n  segment_duration: 60'),
            ('"/srv/footage"', "footage"),
            ("check_interval: 300", "check_interval: 0\n  wrkers: 3"),
            ('"back-yard"', '"back yard"'),
        )
    )

    assert [re.match(r"config.yaml:(\d+): (\S+)", line).groups() for line in found] == [
        ("2", "storage.local_path:"),
        ("11", "cameras[1].name:"),
        ("14", "recording.segment_duration:"),
        ("15", "key"),
        ("17", "upload.check_interval:"),
        ("18", "upload.wrkers:"),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "FILE: is empty; camera-backup-install writes a commented template to start from"),
        (b"# nothing\n", "FILE: is empty; camera-backup-install writes a commented template to start from"),
        (b"\xff\xfe\x00", "FILE:1: is not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\nb: \xfc\n", "FILE:2: is not UTF-8 text; save the file as UTF-8"),
        (
            b"- a\n",
            "FILE:1: the file: is not a mapping of keys; given a list, "
            "accepted: storage, s3, cameras, recording, upload",
        ),
        (
            b"hello\n",
            "FILE:1: the file: is not a mapping of keys; given text, accepted: storage, s3, cameras, recording, upload",
        ),
        (b"a:\n\t- b\n", "FILE:2: is not valid YAML: a tab stands where only spaces may"),
        (b"[" * 1500, "FILE: is nested too deeply"),
        (b"#" * (config.LARGEST + 1), "FILE: is larger than 4194304 bytes; accepted: a configuration"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, content)

    assert caught.value.problems == [message.replace("FILE", str(tmp_path / "config.yaml"))]


def test_a_file_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    assert loaded(tmp_path, b"\xef\xbb\xbf" + SEED.encode()).s3.bucket == "camera-backups"


def test_a_file_that_is_not_there_is_named_with_the_way_to_get_one(tmp_path):
    with pytest.raises(
        ConfigError, match="/gone.yaml: no such file; camera-backup-install writes a commented template"
    ):
        config.load(str(tmp_path / "gone.yaml"))


def test_a_directory_is_no_configuration(tmp_path):
    with pytest.raises(ConfigError, match=": is a directory; accepted: a YAML file"):
        config.load(str(tmp_path))


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with socket.socket(socket.AF_UNIX) as stream:
        stream.bind(str(tmp_path / "socket"))
        with pytest.raises(ConfigError, match=": cannot be read: No such device or address"):
            config.load(str(tmp_path / "socket"))


def test_a_file_of_root_tells_others_to_use_root(tmp_path, monkeypatch):
    def refused(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refused)

    with pytest.raises(ConfigError, match="/x.yaml: may not be read by this user; it holds secrets, so use root"):
        config.load("/x.yaml")


def test_a_camera_whose_name_and_password_are_one_object_in_memory_is_still_a_double(tmp_path):
    data = yaml.safe_load(SEED)
    data["cameras"][1]["name"] = data["cameras"][0]["name"]

    with pytest.raises(ConfigError, match=r"^inventory: cameras\[1\].name \(camera front-door\): is given twice"):
        config.validate(data, "inventory")


def test_plain_data_is_validated_like_a_file_and_left_as_it_was():
    data = yaml.safe_load(SEED)
    before = copy.deepcopy(data)

    assert config.validate(data, "inventory") == config.parse(SEED, "seed")
    assert data == before


def test_plain_data_of_odd_types_is_refused_without_a_line():
    data = yaml.safe_load(SEED)
    data["upload"] = {"workers": {1, 2}, 5: 6, "part_size": "16"}

    with pytest.raises(ConfigError) as caught:
        config.validate(data, "inventory")

    assert caught.value.problems == [
        "inventory: upload.5: unknown key; accepted: check_interval, delete_after_upload, min_age, workers, part_size, "
        "bandwidth_limit, order, schedule",
        "inventory: upload.workers: is not a whole number; given a value of another type, "
        "accepted: a whole number of uploads from 1 to 16",
        "inventory: upload.part_size: is text without a unit, not a number; write it without quotes; "
        'given "16", accepted: a size such as 16MiB or 500GB, or a number of bytes; from 5MiB to 5GiB',
    ]


def test_a_recorder_learns_its_camera_and_no_more():
    found = config.parse(BASE, "x")

    assert config.recorder_file(found, found.cameras[0]) == {
        "format": 1,
        "camera": "front-door",
        "url": "rtsp://user:hunter2@192.168.1.20:554/stream",
        "transport": "tcp",
        "audio": "auto",
        "tls": {"verify": True, "ca_file": None, "fingerprint": None},
        "segment_duration": 3600,
        "stall_timeout": 30,
        "local_path": "/srv/footage",
        "state_path": "/var/lib/camera-backup/state",
        "min_free": 1024**3,
        "ffmpeg": "ffmpeg",
    }


def test_the_uploader_learns_the_bucket_and_the_names_of_all_cameras_but_no_camera_password():
    text = changed(('"back-yard"', '"back-yard"\n    enabled: false'))
    found = config.uploader_file(config.parse(text, "x"))

    assert sorted(found) == ["camera_locks", "cameras", "ffmpeg", "format", "s3", "storage", "upload"]
    assert found["cameras"] == ["front-door", "back-yard"]
    assert Storage(**found["storage"]).local_path == "/srv/footage"
    assert S3(**found["s3"]).secret_access_key == "s3cret/key"
    assert Upload(**found["upload"]).workers == 2
    assert "hunter2" not in str(found)


LOCKED = "object_lock_mode: governance, object_lock_days: 30"


@pytest.mark.parametrize(
    ("bucket", "camera", "expected"),
    [
        ("", "", None),
        (LOCKED, "", Lock("governance", 30)),
        (LOCKED, "object_lock_days: 90", Lock("governance", 90)),
        (LOCKED, "object_lock_mode: compliance", Lock("compliance", 30)),
        (LOCKED, "object_lock_mode: off", None),
        ("", "object_lock_mode: compliance, object_lock_days: 1", Lock("compliance", 1)),
    ],
)
def test_what_a_camera_does_not_say_of_its_lock_the_bucket_does(bucket, camera, expected):
    data = yaml.safe_load(BASE)
    data["s3"].update(yaml.safe_load("{%s}" % bucket))
    data["cameras"][0].update(yaml.safe_load("{%s}" % camera))
    found = config.validate(data, "x")
    others = found.s3.lock

    assert [one.lock for one in found.cameras] == [expected, others]
    assert found.locks == sorted({lock for lock in (expected, others) if lock})
    assert config.uploader_file(found)["camera_locks"] == ({} if expected == others else {"front-door": expected})


def test_a_lock_concerns_no_recorder():
    """I5: it restarts none."""
    without = config.parse(BASE, "x")
    more = '"rtsps://192.168.1.21/stream"\n    object_lock_mode: governance\n    object_lock_days: 9'
    locked = config.parse(changed(('"rtsps://192.168.1.21/stream"', more)), "x")

    for one, other in zip(locked.cameras, without.cameras):
        assert config.recorder_file(locked, one) == config.recorder_file(without, other)
    assert config.uploader_file(locked) != config.uploader_file(without)


def test_a_login_given_apart_makes_an_at_in_the_path_harmless():
    apart = '"rtsp://192.168.1.21/profile@2.0.0.1/s"\n    username: u\n    password: tr0ub4dor'
    found = config.parse(changed(('"rtsps://192.168.1.21/stream"', apart)), "x")

    assert found.cameras[1].url == "rtsp://u:tr0ub4dor@192.168.1.21/profile@2.0.0.1/s"
    assert "tr0ub4dor" in config.secrets(found)
    assert advice.warnings(found) == []


def test_an_unknown_key_that_is_a_secret_in_the_wrong_place_is_masked():
    secret = "tr0ub4dor"

    (line,) = problems(changed(('"s3cret/key"', "%s\n  %s: 5" % (secret, secret))))

    assert line.startswith("config.yaml:6: s3.********: unknown key; accepted: ")


def test_the_password_of_a_url_that_has_no_reading_is_masked_everywhere_else_too():
    first, second = problems(
        changed(("hunter2@192.168.1.20:554", "tr0ub4dor@10.0.0"), ('"back-yard"', '"my tr0ub4dor"'))
    )

    assert "no valid host" in first
    assert 'given "my ********"' in second


def test_a_password_that_is_the_name_of_a_key_does_not_hide_where_the_mistake_is():
    (line,) = problems(changed(("hunter2", "recording"), ("3600", "no")))

    assert line.startswith("config.yaml:14: recording.segment_duration: ")


def test_whoever_loads_a_configuration_has_its_secrets_masked_from_then_on(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "redact", Redactor())
    loaded(tmp_path, changed(("hunter2", "hun%20ter2")))

    line = journal.line("x", a="AKIA", b="s3cret/key", c="hun ter2", d="hun%20ter2")

    assert line.count("********") == 4
    assert "hun" not in line


# In no message of ours stands a ^; here one stands in every eight characters.
secret_texts = st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=2, max_size=4).map(
    lambda parts: "^hunt^" + "^".join(parts)
)


def _spots(secret):
    """Every place into which an operator may put a secret, rightly, wrongly, or into a broken file."""
    quoted = yaml.safe_dump(secret, allow_unicode=True, default_style='"', width=10**6).strip()
    yield changed(('"s3cret/key"', quoted))
    yield changed(('"AKIA"', quoted))
    yield changed(('"s3cret/key"', "[%s]" % quoted))
    yield changed(('"s3cret/key"', secret))
    yield changed(("hunter2", secret))
    yield changed(("hunter2@192.168.1.20:554", secret + "@camera ip"))
    yield changed(("@192.168.1.20:554/stream", "x" + secret))
    yield changed(
        ('"rtsps://192.168.1.21/stream"', '"rtsps://u@192.168.1.21/stream"\n    username: u\n    password: %s' % quoted)
    )
    yield changed(('"rtsps://192.168.1.21/stream"', '"rtsps://192.168.1.21/stream"\n    pasword: %s' % quoted))
    yield changed(
        ('"rtsps://192.168.1.21/stream"', '"rtsps://192.168.1.21/stream"\n    username: u\n    password: %s' % secret)
    )
    yield changed(("https://", "https://AKIA:%s@" % secret))


@given(secret_texts)
@example("hunter2^hunter2")
@example("*hunter2^hunter2")
@example("!hunter2^hunter2")
@example("a: hunter2^ hunter2")
@example("1/^hunter2@10.0.0.1/")
def test_no_message_ever_holds_a_secret(secret):
    for text in _spots(secret):
        for line in problems(text):
            assert [secret[at : at + 8] for at in range(len(secret) - 7) if secret[at : at + 8] in line] == []


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_our_words(tmp_path_factory, content):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path_factory.mktemp("bytes"), content)

    assert all("\n" not in line for line in caught.value.problems)


names = st.sampled_from(
    [
        "storage",
        "s3",
        "cameras",
        "recording",
        "upload",
        "name",
        "rtsp_url",
        "tls",
        "verify",
        "workers",
        "part_size",
        "<<",
        "x",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | scalars, inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_arbitrary_data_is_refused_in_our_words(data):
    with pytest.raises(ConfigError) as caught:
        config.validate(data, "fuzz")

    assert all(line.startswith("fuzz: ") and "\n" not in line for line in caught.value.problems)


@given(documents)
def test_arbitrary_data_in_place_of_any_section_is_refused_or_read(data):
    whole = yaml.safe_load(BASE)
    for section in whole:
        try:
            config.validate({**whole, section: data}, "fuzz")
        except ConfigError:
            continue
        assert data in (None, {}, [])


def test_local_retention_is_days_or_bytes():
    def kept(written):
        text = SEED.replace("delete_after_upload: true", "delete_after_upload: false")
        found = config.parse(text.replace('segments"}', 'segments", local_retention: %s}' % written), "seed").storage
        return found.retention_seconds, found.retention_bytes

    assert kept("30d") == (30 * 86400, None)
    assert kept("500GiB") == (None, 500 * 1024**3)
    assert kept("null") == (None, None)
