"""A host after `site.yml`: account, directories, modes, units, services. The bucket and the cameras do not answer."""

import json
import re

import pytest

RECORDERS = ["camera-recorder-back-yard", "camera-recorder-front-door"]
SERVICES = [*RECORDERS, "camera-uploader"]
SECRETS = ["planted-in-the-default-scenario", '"printable"', "%22printable%22"]


def test_services_run_as_an_account_that_cannot_log_in(host):
    user = host.user("camera-backup")
    assert user.exists
    assert user.shell == "/usr/sbin/nologin"
    assert user.group == "camera-backup"
    assert host.run("passwd --status camera-backup").stdout.split()[1] == "L"


@pytest.mark.parametrize(
    ("path", "mode", "owner"),
    [
        ("/opt/camera-backup", 0o755, "root"),
        ("/etc/camera-backup", 0o755, "root"),
        ("/etc/camera-backup/credentials", 0o700, "root"),
        ("/var/lib/camera-backup", 0o750, "camera-backup"),
        ("/var/lib/camera-backup/segments", 0o750, "camera-backup"),
        ("/var/lib/camera-backup/state", 0o750, "camera-backup"),
    ],
)
def test_directories_are_open_to_nobody_who_need_not_look(host, path, mode, owner):
    directory = host.file(path)
    assert (directory.is_directory, directory.mode, directory.user) == (True, mode, owner)


def test_files_with_secrets_are_readable_by_root_alone(host):
    names = ["credentials/%s.json" % name for name in SERVICES]
    for name in ["config.yaml", *names]:
        file = host.file("/etc/camera-backup/" + name)
        assert (file.mode, file.user, file.group) == (0o600, "root", "root"), name


def test_no_other_file_holds_a_secret(host):
    places = "/etc/systemd /opt/camera-backup /var/lib/camera-backup /run/systemd /var/log /tmp /root"
    for secret in SECRETS:
        found = host.run("grep --recursive --files-with-matches --fixed-strings -e %s " + places, secret)
        assert found.stdout == "", secret
        assert host.run("journalctl --no-pager | grep --fixed-strings -e %s", secret).stdout == ""


def test_the_program_lies_in_a_directory_of_its_version(host):
    assert re.fullmatch(r"(/opt/camera-backup/)?[0-9][^/]*", host.file("/opt/camera-backup/current").linked_to)
    assert host.run("/opt/camera-backup/current/bin/camera-backup --version").rc == 0


@pytest.mark.parametrize("name", SERVICES)
def test_services_run_now_and_after_a_reboot(host, name):
    service = host.service(name)
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize("name", SERVICES)
def test_units_are_sound_in_the_eyes_of_systemd(host, name):
    verdict = host.run("systemd-analyze verify %s.service", name)
    assert (verdict.rc, verdict.stdout, verdict.stderr) == (0, "", "")


def test_a_disabled_camera_has_no_unit(host):
    units = host.run("systemctl list-unit-files --no-legend 'camera-*'").stdout.split()[::3]
    assert sorted(units) == sorted(name + ".service" for name in SERVICES)
    assert not host.file("/etc/camera-backup/credentials/camera-recorder-garage.json").exists


def test_status_says_that_the_cameras_cannot_be_reached(host):
    answer = host.run("/opt/camera-backup/current/bin/camera-backup status --json")
    assert answer.rc == 1
    cameras = {one["name"]: one for one in json.loads(answer.stdout)["cameras"]}
    assert {"front-door", "back-yard"} <= set(cameras)
