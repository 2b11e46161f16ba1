import io
import json
import os

import pytest

from camera_backup.errors import ConfigError
from camera_backup.units import command, handed

TEXT = """\
s3: {access_key_id: "AKIA5PLANTEDKEY", secret_access_key: "planted+secret", bucket: "b", endpoint: "https://s3.nowhere.net"}
cameras:
  - {name: "door", rtsp_url: "rtsp://viewer:first-secret@10.20.30.40/s"}
"""


@pytest.fixture
def hand_in(tmp_path, capsys, monkeypatch):
    def hand_in(text, *options):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
        arguments = ["--config", str(tmp_path / "config.yaml"), "--root", str(tmp_path / "root"), "--replace", "--json"]
        code = command.main([*arguments, *options])
        shown = capsys.readouterr()
        return code, json.loads(shown.out) if shown.out else {}, shown.err

    return hand_in


def test_a_configuration_that_is_handed_in_is_written_for_root_alone_and_put_into_effect(hand_in, tmp_path):
    code, report, _ = hand_in(TEXT)

    assert code == 0
    assert report["files"][0] == {"path": str(tmp_path / "config.yaml"), "action": "create"}
    assert (tmp_path / "config.yaml").read_text() == TEXT
    assert os.stat(tmp_path / "config.yaml").st_mode & 0o777 == 0o600
    assert (tmp_path / "root/etc/systemd/system/camera-recorder-door.service").exists()


def test_the_same_again_changes_nothing(hand_in, tmp_path):
    hand_in(TEXT)
    before = os.stat(tmp_path / "config.yaml").st_ino

    assert hand_in(TEXT)[1]["changed"] is False
    assert os.stat(tmp_path / "config.yaml").st_ino == before


def test_without_a_diff_everything_else_is_told_all_the_same(hand_in):
    told = hand_in(TEXT, "--no-diff")[1]

    assert told.pop("diff") == ""
    assert [one["action"] for one in told["files"]] == ["create"] * len(told["files"])


def test_one_that_is_refused_touches_neither_the_old_one_nor_a_unit(hand_in, tmp_path):
    hand_in(TEXT)
    before = sorted(os.walk(tmp_path))

    code, _, err = hand_in(TEXT.replace("door", "../door"))

    assert code == 3
    assert "cameras[0].name" in err
    assert (tmp_path / "config.yaml").read_text() == TEXT
    assert sorted(os.walk(tmp_path)) == before


def test_a_look_writes_nothing_and_says_what_would_be(hand_in, tmp_path):
    report = hand_in(TEXT, "--check")[1]

    assert report["changed"] is True
    assert list(tmp_path.iterdir()) == []


def test_the_difference_shows_settings_and_no_secret(hand_in):
    hand_in(TEXT)
    changed = TEXT.replace("first-secret", "second-secret").replace('bucket: "b"', 'bucket: "c"')

    diff = hand_in(changed)[1]["diff"]

    assert "-  bucket: b\n+  bucket: c\n" in diff
    assert [secret for secret in ("first-secret", "second-secret", "planted+secret", "AKIA5") if secret in diff] == []


def test_a_change_of_secrets_alone_is_said_and_not_shown(hand_in, tmp_path):
    hand_in(TEXT)

    diff = hand_in(TEXT.replace("first-secret", "second-secret"))[1]["diff"]

    assert diff.startswith("%s: changed (not shown)\n" % (tmp_path / "config.yaml"))


def test_others_are_locked_out_again(hand_in, tmp_path):
    hand_in(TEXT)
    (tmp_path / "config.yaml").chmod(0o644)

    assert hand_in(TEXT)[1]["files"][0]["action"] == "mode"
    assert os.stat(tmp_path / "config.yaml").st_mode & 0o777 == 0o600


def test_what_was_there_and_is_not_valid_is_not_shown(tmp_path):
    (tmp_path / "config.yaml").write_text("pasword: typed-into-the-wrong-key\n")

    change = handed.read(TEXT, str(tmp_path / "config.yaml"))[1]

    assert change.action == "update"
    assert "typed-into" not in change.before + change.after


def test_a_mistake_names_the_file_it_was_meant_for(tmp_path):
    with pytest.raises(ConfigError, match="/etc/x.yaml:2: cameras: is not a list"):
        handed.read(TEXT.partition("cameras")[0] + "cameras: 3\n", "/etc/x.yaml")
