from __future__ import annotations

import json

import pytest

from camera_backup.errors import ConfigError
from camera_backup.recorder.settings import Settings, load
from camera_backup.redact import Redactor

FILE = {
    "format": 1,
    "camera": "front-door",
    "url": "rtsp://operator:p%25%24%C3%BC%40@192.0.2.7:554/stream",
    "transport": "tcp",
    "audio": "auto",
    "tls": {"verify": True, "ca_file": None, "fingerprint": None},
    "segment_duration": 3600,
    "stall_timeout": 30,
    "local_path": "/srv/segments",
    "state_path": "/srv/state",
    "min_free": 1 << 30,
    "ffmpeg": "ffmpeg",
}


def write(tmp_path, value):
    path = tmp_path / "recorder.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return str(path)


def test_a_per_camera_file_is_read_as_it_was_written(tmp_path):
    settings = load(write(tmp_path, FILE), "front-door")
    read = {key: getattr(settings, key) for key in FILE if key not in ("format", "tls")}
    assert read == {key: value for key, value in FILE.items() if key not in ("format", "tls")}
    assert (settings.tls_verify, settings.tls_ca_file, settings.tls_fingerprint) == (True, None, None)
    assert not settings.secure


def test_what_the_configuration_writes_is_what_a_recorder_reads(tmp_path):
    from camera_backup import config

    path = tmp_path / "config.yaml"
    path.write_text(
        "storage: {local_path: /srv/segments}\n"
        "s3: {access_key_id: a, secret_access_key: b, bucket: my-bucket, endpoint: 'https://s3.camera-backup.net'}\n"
        "cameras: [{name: front-door, rtsp_url: 'rtsps://u:secret word@192.0.2.7/x', enabled: true}]\n"
    )
    loaded = config.load(str(path))
    settings = Settings(json.loads(json.dumps(config.recorder_file(loaded, loaded.cameras[0]))))
    assert settings.secure
    assert settings.secrets == ["secret word"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format is 2, this version reads 1"),
        ({"camera": None}, "camera is missing or not a text"),
        ({"segment_duration": "3600"}, "segment_duration is missing or not a whole number"),
        ({"segment_duration": True}, "segment_duration is missing or not a whole number"),
        ({"tls": []}, "tls is missing or not an object"),
        ({"tls": {"verify": 1}}, "verify is missing or not true or false"),
        ({"tls": {"verify": True, "ca_file": 3}}, "ca_file is missing or not a text"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, change, message):
    path = write(tmp_path, {**FILE, **change})
    with pytest.raises(ConfigError) as caught:
        load(path, "front-door")
    assert str(caught.value) == "%s: %s; run camera-backup-generate again" % (path, message)


def test_a_file_of_another_camera_is_refused(tmp_path):
    path = write(tmp_path, FILE)
    with pytest.raises(ConfigError) as caught:
        load(path, "back-yard")
    assert str(caught.value) == "%s: is of camera front-door, not of back-yard" % path


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"', "\x00"])
def test_other_files_are_refused(tmp_path, content):
    with pytest.raises(ConfigError):
        load(write(tmp_path, content), "front-door")


def test_a_message_never_quotes_the_url(tmp_path):
    for key in FILE:
        with pytest.raises(ConfigError) as caught:
            load(write(tmp_path, {**FILE, key: None}), "front-door")
        assert "operator" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        (FILE["url"], ["p%$ü@"]),
        ("rtsp://192.0.2.7/stream", []),
        ("rtsp://user@192.0.2.7/stream", []),
        ("rtsp://user:@192.0.2.7/stream", []),
        ("rtsp://user:100%@192.0.2.7/a%zz", ["100%"]),
        ("rtsp://192.0.2.7/user=admin&password=hidden&channel=1", ["hidden", "hidden"]),
    ],
)
def test_the_secrets_of_a_url_are_found(url, secrets):
    assert sorted(set(Settings({**FILE, "url": url}).secrets)) == sorted(set(secrets))


def test_hidden_they_are_in_no_line_whatever_its_spelling():
    redact = Redactor(Settings(FILE).secrets)
    for line in ("Impossible to open '%s'" % FILE["url"], "login p%$ü@ failed", "x=p%25%24%c3%bc%40"):
        assert "p%" not in redact(line)
        assert "%24" not in redact(line)
