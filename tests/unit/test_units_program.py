import pytest

from camera_backup.units import program


@pytest.mark.parametrize(
    ("scripts", "switched", "named"),
    [
        ("/opt/camera-backup/0.1.0/bin", True, "/opt/camera-backup/current/bin"),
        ("/opt/camera-backup/current/bin", True, "/opt/camera-backup/current/bin"),
        ("/opt/camera-backup/0.1.0/bin", False, "/opt/camera-backup/0.1.0/bin"),
        ("/opt/camera-backup", True, "/opt/camera-backup"),
        ("/opt/camera-backup-old/1/bin", True, "/opt/camera-backup-old/1/bin"),
        ("/usr/local/bin", True, "/usr/local/bin"),
    ],
)
def test_a_release_is_named_through_the_switch_so_that_an_upgrade_changes_no_unit(scripts, switched, named):
    assert program.through_current(scripts, switched) == named


def test_a_program_in_a_home_directory_is_warned_about(monkeypatch):
    monkeypatch.setattr(program.sys, "prefix", "/home/nvr/venv")
    monkeypatch.setattr(program.sys, "base_prefix", "/usr")

    assert any(line.startswith("/home/nvr/venv is in a home directory") for line in program.warnings())


def test_a_program_elsewhere_is_not(monkeypatch):
    monkeypatch.setattr(program, "HOMES", ("/nowhere/",))

    assert program.warnings() == []
