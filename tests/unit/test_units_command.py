import json
import os

import pytest

from camera_backup.units import command, systemd
from tests.support.fake_systemd import FakeSystemd

CONFIG = """\
storage: {local_path: "/var/lib/camera-backup/segments"}
s3: {access_key_id: "AKIA5PLANTEDKEY", secret_access_key: "planted+secret", bucket: "b", endpoint: "https://s3.nowhere.net"}
cameras:
  - {name: "door", rtsp_url: "rtsp://viewer:first-secret@10.20.30.40/s"}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    return path


@pytest.fixture
def generate(config, tmp_path, capsys):
    def generate(*options):
        code = command.main(["--config", str(config), "--root", str(tmp_path / "root"), *options])
        return code, capsys.readouterr()

    return generate


def test_it_lists_each_file_it_writes_and_a_second_run_says_unchanged(generate):
    code, shown = generate()

    assert code == 0
    assert "create    /etc/systemd/system/camera-recorder-door.service\n" in shown.out
    assert generate()[1].out.startswith("unchanged, all 4 files\n")


@pytest.mark.parametrize("option", ["--check", "--diff"])
def test_a_look_writes_nothing(generate, tmp_path, option):
    code, shown = generate(option)

    assert code == 0
    assert "camera-recorder-door.service" in shown.out
    assert "Nothing was changed." in shown.out
    assert not (tmp_path / "root").exists()


def test_machines_get_one_object(generate):
    code, shown = generate("--json")

    report = json.loads(shown.out)
    assert code == 0
    assert report["changed"] is True
    assert {"path": "/etc/systemd/system/camera-uploader.service", "action": "create"} in report["files"]
    assert {"path": "/var/lib/camera-backup/state", "action": "create"} in report["files"]
    assert report["started"] == report["stopped"] == report["restarted"] == []
    assert json.loads(generate("--json")[1].out)["changed"] is False


def test_a_refused_configuration_touches_nothing(generate, config, tmp_path):
    generate()
    before = sorted(os.walk(tmp_path / "root"))
    config.write_text(CONFIG.replace("10.20.30.40", "camera-ip").replace("door", "gate"))

    code, shown = generate()

    assert code == 3
    assert "placeholder" in shown.err
    assert "Traceback" not in shown.err
    assert sorted(os.walk(tmp_path / "root")) == before


def test_something_foreign_in_the_way_is_named_and_the_exit_code_says_so(generate, tmp_path):
    place = tmp_path / "root/etc/systemd/system/camera-recorder-door.service"
    place.parent.mkdir(parents=True)
    place.write_text("[Service]\n")

    code, shown = generate()

    assert code == 1
    assert "left alone: /etc/systemd/system/camera-recorder-door.service was not written by camera-backup" in shown.err


def test_a_configuration_that_others_can_read_is_worth_a_word(generate, config):
    config.chmod(0o644)

    assert "config.yaml: others than its owner" in generate()[1].err


def test_apply_to_a_directory_is_a_contradiction(generate):
    code, shown = generate("--apply")

    assert code == 2
    assert "--apply needs the running system" in shown.err


def test_an_ordinary_user_is_told_in_one_line(config, capsys, monkeypatch):
    monkeypatch.setattr(command.os, "geteuid", lambda: 1000)

    assert command.main(["--config", str(config)]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_apply_without_systemd_is_told_in_one_line(config, capsys, monkeypatch):
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    monkeypatch.setattr(systemd, "here", lambda: False)

    assert command.main(["--config", str(config), "--apply"]) == 4
    assert capsys.readouterr().err.startswith("camera-backup-generate: --apply needs systemd")


def test_a_service_that_fails_to_start_is_the_exit_code_of_the_host(config, capsys, monkeypatch, tmp_path):
    root = tmp_path / "root"
    fake = FakeSystemd(root)
    fake.broken = {"camera-recorder-door.service"}
    monkeypatch.setattr(command, "_systemctl", lambda options: systemd.Systemctl(fake))

    assert command.main(["--config", str(config), "--root", str(root), "--apply"]) == 4
    shown = capsys.readouterr()
    assert "start     camera-recorder-door.service" in shown.out
    assert "failed: camera-recorder-door.service did not start (exit-code)" in shown.err


def test_without_apply_the_commands_still_needed_are_shown(config, capsys, monkeypatch, tmp_path):
    root = tmp_path / "root"
    monkeypatch.setattr(command, "_systemctl", lambda options: systemd.Systemctl(FakeSystemd(root)))

    assert command.main(["--config", str(config), "--root", str(root)]) == 0
    assert capsys.readouterr().out.endswith(
        "\nNext:\n  systemctl enable --now camera-recorder-door.service camera-uploader.service\n"
    )
