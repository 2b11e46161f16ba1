import pytest

from camera_backup import account
from camera_backup.account import Ids
from camera_backup.errors import HostError


def test_the_user_of_an_image_is_read_from_its_files(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nbroken line\ncamera-backup:x:997:998::/:/no\n")

    assert account.find(str(tmp_path)) == Ids(997, 998)


def test_an_image_without_the_user_or_without_files_has_none(tmp_path):
    assert account.find(str(tmp_path)) is None
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    assert account.find(str(tmp_path)) is None


def test_the_user_of_this_machine_is_asked_of_the_c_library(monkeypatch):
    monkeypatch.setattr(account, "USER", "root")
    assert account.find() == Ids(0, 0)
    monkeypatch.setattr(account, "USER", "no-such-user-here")
    assert account.find() is None


def test_what_is_missing_is_told_in_words(tmp_path):
    assert account.missing(str(tmp_path)) == ["group camera-backup", "group camera-uploader", "user camera-backup"]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("camera-backup:x:998:\n")
    (tmp_path / "etc/passwd").write_text("camera-backup:x:997:998::/:/no\n")
    assert account.missing(str(tmp_path)) == ["group camera-uploader"]


def test_this_machine_is_asked_for_its_groups_too(monkeypatch):
    monkeypatch.setattr(account, "UPLOADER_GROUP", "root")
    assert "group root" not in account.missing()
    monkeypatch.setattr(account, "UPLOADER_GROUP", "no-such-group-here")
    assert "group no-such-group-here" in account.missing()


def test_what_the_tools_refuse_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    tool = tmp_path / "groupadd"
    tool.write_text("#!/bin/sh\necho 'groupadd: cannot lock /etc/group; try again later.' >&2\nexit 10\n")
    tool.chmod(0o755)

    with pytest.raises(HostError, match=r"groupadd .*--system camera-backup failed: .*cannot lock"):
        account.create(str(tmp_path))


def test_a_missing_tool_is_named_with_its_package(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(HostError, match="groupadd is missing: install the package passwd"):
        account.create(str(tmp_path))
