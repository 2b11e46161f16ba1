import os
import stat

import pytest

from camera_backup import files


def test_the_new_content_replaces_the_old_with_the_mode_asked_for(tmp_path):
    path = tmp_path / "config"
    path.write_text("old")
    path.chmod(0o644)

    files.replace(str(path), "new ü", 0o600)

    assert path.read_text(encoding="utf-8") == "new ü"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failed_write_leaves_the_old_content_and_no_debris(tmp_path, monkeypatch):
    path = tmp_path / "status"
    path.write_text("old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.replace(str(path), "new")

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["status"]


def test_a_secret_is_never_readable_by_others_while_it_is_written(tmp_path, monkeypatch):
    modes = []
    write = os.fdopen

    def watched(descriptor, *args, **options):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return write(descriptor, *args, **options)

    monkeypatch.setattr(os, "fdopen", watched)
    old = os.umask(0)
    try:
        files.replace(str(tmp_path / "secret"), "x", 0o600)
    finally:
        os.umask(old)

    assert modes == [0o600]


def test_a_symbolic_link_planted_under_the_temporary_name_is_not_followed(tmp_path):
    target = tmp_path / "victim"
    target.write_text("untouched")
    (tmp_path / (".status.%d.tmp" % os.getpid())).symlink_to(target)

    with pytest.raises(OSError, match="symbolic link"):
        files.replace(str(tmp_path / "status"), "new")

    assert target.read_text() == "untouched"
