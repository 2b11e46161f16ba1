import json
import os
import stat

import pytest

from camera_backup import install
from camera_backup.install import Step

ROOT = os.geteuid() == 0
CONFIG = "etc/camera-backup/config.yaml"


@pytest.fixture
def image(tmp_path):
    """A root directory with account files, as an image has them."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (tmp_path / "etc/group").write_text("root:x:0:\n")
    return tmp_path


def modes(root):
    return {
        os.path.relpath(path, root): stat.S_IMODE(os.lstat(path).st_mode)
        for place, directories, files in os.walk(root)
        for path in (os.path.join(place, name) for name in (*directories, *files))
    }


def test_directories_and_the_configuration_have_modes_that_keep_secrets(tmp_path):
    install.install(str(tmp_path))

    assert modes(tmp_path) == {
        "etc": 0o755,
        "etc/camera-backup": 0o755,
        CONFIG: 0o600,
        "etc/camera-backup/credentials": 0o700,
        "var": 0o755,
        "var/lib": 0o755,
        "var/lib/camera-backup": 0o750,
        "var/lib/camera-backup/segments": 0o750,
        "var/lib/camera-backup/state": 0o750,
    }


def test_a_second_run_changes_nothing(tmp_path):
    first = install.install(str(tmp_path))
    before = {path: os.lstat(tmp_path / path).st_mtime_ns for path in modes(tmp_path)}

    again = install.install(str(tmp_path))

    assert {step.action for step in first} == {"create", "skip"}
    assert {step.action for step in again} == {"unchanged", "skip"}
    assert {path: os.lstat(tmp_path / path).st_mtime_ns for path in modes(tmp_path)} == before


def test_an_edited_configuration_is_never_overwritten(tmp_path):
    install.install(str(tmp_path))
    (tmp_path / CONFIG).write_text("edited")
    (tmp_path / CONFIG).chmod(0o640)

    install.install(str(tmp_path))

    assert (tmp_path / CONFIG).read_text() == "edited"
    assert modes(tmp_path)[CONFIG] == 0o640


def test_a_link_in_place_of_the_configuration_stays_a_link(tmp_path):
    (tmp_path / "etc/camera-backup").mkdir(parents=True)
    (tmp_path / CONFIG).symlink_to("/nowhere/config.yaml")

    assert Step("unchanged", "/" + CONFIG) in install.install(str(tmp_path))
    assert os.readlink(tmp_path / CONFIG) == "/nowhere/config.yaml"


def test_an_operators_own_modes_stay(tmp_path):
    install.install(str(tmp_path))
    (tmp_path / "var/lib/camera-backup/segments").chmod(0o755)

    install.install(str(tmp_path))

    assert modes(tmp_path)["var/lib/camera-backup/segments"] == 0o755


def test_without_account_files_the_user_is_left_to_the_image(tmp_path):
    steps = install.install(str(tmp_path))

    assert steps[0] == Step("skip", "user camera-backup: no etc/passwd in %s" % tmp_path)


def test_an_image_gets_a_user_without_login_that_owns_footage_and_state(image):
    """Only root can; anybody else is told so."""
    steps = install.install(str(image))

    if not ROOT:
        assert steps[0] == Step("skip", "user camera-backup: only root can create it")
        return
    assert [step.what for step in steps[:3]] == ["group camera-backup", "group camera-uploader", "user camera-backup"]
    entry = next(line for line in (image / "etc/passwd").read_text().splitlines() if line.startswith("camera-backup:"))
    _, _, uid, gid, _, home, shell = entry.split(":")
    assert (home, shell) == ("/var/lib/camera-backup", "/usr/sbin/nologin")
    for path in ("", "/segments", "/state"):
        owner = os.stat(str(image / "var/lib/camera-backup") + path)
        assert (owner.st_uid, owner.st_gid) == (int(uid), int(gid))
    assert os.stat(image / "etc/camera-backup/credentials").st_uid == 0
    assert install.install(str(image))[0] == Step("unchanged", "user camera-backup")


def test_the_command_prints_each_step_and_the_next_one(tmp_path, capsys):
    assert install.main(["--root", str(tmp_path)]) == 0

    shown = capsys.readouterr().out
    assert "create    /etc/camera-backup/config.yaml\n" in shown
    assert shown.endswith(
        "\nNext:\n  edit /etc/camera-backup/config.yaml\n  camera-backup check\n  camera-backup-generate\n"
    )


def test_machines_get_one_object(tmp_path, capsys):
    install.main(["--root", str(tmp_path), "--json"])
    first = json.loads(capsys.readouterr().out)
    install.main(["--root", str(tmp_path), "--json"])

    assert first["changed"] is True
    assert {"action": "create", "what": "/etc/camera-backup/config.yaml"} in first["steps"]
    assert json.loads(capsys.readouterr().out)["changed"] is False


def test_an_ordinary_user_is_told_in_one_line(capsys, monkeypatch):
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)

    assert install.main([]) == 4
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_where_a_directory_should_be_is_one_line(tmp_path, capsys):
    (tmp_path / "etc").write_text("a file")

    assert install.main(["--root", str(tmp_path)]) == 4
    assert capsys.readouterr().err == "camera-backup-install: %s/etc: File exists\n" % tmp_path
