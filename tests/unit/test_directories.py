import os

from camera_backup import directories
from camera_backup.account import Ids
from camera_backup.directories import Directory


def test_a_directory_gets_its_mode_whatever_the_umask_and_its_parents_are_open(tmp_path):
    before = os.umask(0o077)
    try:
        directories.make(str(tmp_path), Directory("/srv/footage", 0o750), None)
    finally:
        os.umask(before)

    assert (tmp_path / "srv/footage").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "srv").stat().st_mode & 0o777 == 0o755


def test_one_that_is_there_is_closed_and_keeps_its_content(tmp_path):
    (tmp_path / "secrets").mkdir(mode=0o777)
    (tmp_path / "secrets/one").write_text("text")

    directories.make(str(tmp_path), Directory("/secrets", 0o700), None)

    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "secrets/one").read_text() == "text"


def test_only_what_belongs_to_the_service_is_given_to_it(tmp_path):
    me = os.geteuid()
    service = Ids(me, os.getegid()) if me else Ids(65534, 65534)

    directories.make(str(tmp_path), directories.storage("/srv/footage"), service)
    directories.make(str(tmp_path), Directory("/etc/x", 0o755), service)

    assert (tmp_path / "srv/footage").stat().st_uid == service.uid
    assert (tmp_path / "srv").stat().st_uid == (tmp_path / "etc/x").stat().st_uid == me


def test_without_a_service_user_the_directory_stays_with_whom_made_it(tmp_path):
    directories.make(str(tmp_path), directories.storage("/srv"), None)

    assert (tmp_path / "srv").stat().st_uid == os.geteuid()
