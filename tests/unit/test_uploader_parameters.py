"""The uploader's file: where it is, and what is refused."""

import json

import pytest

from camera_backup import config, journal
from camera_backup.errors import ConfigError
from camera_backup.model import Lock
from camera_backup.uploader import command, parameters

YAML = """
storage: {local_path: /srv/footage}
s3: {access_key_id: AKIDFORTEST, secret_access_key: "a secret/for+test", bucket: b, endpoint: "https://s3.local"}
cameras: [{name: a, rtsp_url: "rtsp://cam.local/x"}, {name: b, rtsp_url: "rtsp://cam.local/y", enabled: false}]
""".replace("a secret/for+test", "a-secret/for+test")


@pytest.fixture
def value():
    return config.uploader_file(config.parse(YAML, "test"))


def test_the_file_and_the_configuration_give_the_same(tmp_path, value):
    path = tmp_path / "uploader.json"
    path.write_text(json.dumps(value))
    (tmp_path / "config.yaml").write_text(YAML)
    found = parameters.parse(parameters.read(str(path)), str(path))
    assert found == parameters.parse(command.load(str(tmp_path / "config.yaml")), "config")
    assert found.storage.local_path == "/srv/footage"
    assert found.s3.bucket == "b"
    assert found.cameras == ("a", "b")


def test_a_camera_has_its_own_lock_else_that_of_the_bucket(value):
    value["s3"].update(object_lock_mode="governance", object_lock_days=30)
    value["camera_locks"] = {"b": None, "c": ["compliance", 90]}
    found = parameters.parse(json.loads(json.dumps(value)), "test")
    assert (found.lock("a"), found.lock("b"), found.lock("removed")) == (("governance", 30), None, ("governance", 30))
    assert found.lock("c") == Lock("compliance", 90)
    assert found.locks == [Lock("compliance", 90), Lock("governance", 30)]


def test_a_file_of_a_version_that_knew_no_locks_has_none(value):
    del value["camera_locks"], value["s3"]["object_lock_mode"], value["s3"]["object_lock_days"]
    assert parameters.parse(value, "test").locks == []


def test_its_secrets_are_hidden_from_the_journal_at_once(value):
    parameters.parse(value, "test")
    assert journal.line("x", key="AKIDFORTEST", secret="a-secret/for+test") == "x key=%s secret=%s" % (
        ("********",) * 2
    )


def test_the_runtime_directory_goes_before_the_credentials(tmp_path):
    for name in ("runtime", "credentials"):
        (tmp_path / name).mkdir()
    variables = {
        "RUNTIME_DIRECTORY": "/nowhere:%s" % (tmp_path / "runtime"),
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
    }
    assert parameters.locate({}) == parameters.DEFAULT_PATH
    assert parameters.locate(variables) == parameters.DEFAULT_PATH
    (tmp_path / "credentials" / "uploader.json").write_text("{}")
    assert parameters.locate(variables) == str(tmp_path / "credentials" / "uploader.json")
    (tmp_path / "runtime" / "uploader.json").write_text("{}")
    assert parameters.locate(variables) == str(tmp_path / "runtime" / "uploader.json")


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "cannot be read"), ("{", "is not JSON"), ("[]", "another format"), ('{"format": 2}', "another format")],
)
def test_a_file_that_is_not_ours_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / "uploader.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        parameters.read(str(path))
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_of_another_version_is_refused(value):
    del value["s3"]["proof"]
    with pytest.raises(ConfigError, match="another version"):
        parameters.parse(value, "test")
