"""The life of a small fleet, in order: each test goes on where the one before it left the hosts."""

import controller
import pytest
from controller import arrives, bucket, is_complete, ledger, machine, pids, play, recorders, status

CAMERAS = {"debian11": ["front", "yard"], "debian13": ["gate", "hall"]}
NEW_PASSWORD = "planted-new-password % $HOME \"of\" 'front' \\ ~"
WRONG_KEY = "planted-wrong-key-of-the-bucket"
SECRETS = ["planted-key-of-the-bucket", "planted-password-of-the-site", "planted-new-password"]
CHANGED = {
    "name": "front",
    "rtsp_url": "rtsp://camera-backup-fleet-cameras:8554/front",
    "username": "viewer",
    "password": NEW_PASSWORD,
}
YARD = {"name": "yard", "rtsp_url": "rtsp://camera-backup-fleet-cameras:8554/yard"}
GATE = {**CHANGED, "name": "gate", "rtsp_url": "rtsp://camera-backup-fleet-cameras:8554/gate"}
HALL = {"name": "hall", "rtsp_url": "rtsp://camera-backup-fleet-cameras:8554/hall"}
LATER = {"debian11": {"camera_backup_cameras": [CHANGED, YARD]}}
"""What the inventory says once the password of `front` has been changed."""
ROTATED = {**LATER, "debian13": {"camera_backup_cameras": [GATE, HALL]}}
"""And once that of `gate` has been changed, too."""


@pytest.fixture(scope="module", autouse=True)
def _fresh_record():
    controller.SAID.write_text("")


@pytest.fixture(scope="module")
def old():
    return machine("debian11")


@pytest.fixture(scope="module")
def new():
    return machine("debian13")


@pytest.fixture(scope="module")
def other():
    """Give a checkout of another release."""
    return controller.another_checkout("another", "camera_backup/__init__.py", "# Another release.\n")


@pytest.fixture(scope="module")
def broken():
    """Give a checkout of a release whose recorders cannot record."""
    return controller.another_checkout("broken", "camera_backup/recorder/recording.py", 'raise SystemExit("broken")\n')


def release(host):
    return host.file("/opt/camera-backup/current").linked_to.rsplit("/", 1)[-1]


def traces(host):
    """Return what a play that touches a host would change: processes, and when files were last written or changed."""
    return pids(host), host.run_expect([0], "find /etc /opt -printf '%p %T@ %C@\\n'").stdout


def test_the_old_host_has_the_oldest_python_there_is(old):
    assert old.run("python3 --version").stdout.startswith("Python 3.9.")


@pytest.mark.parametrize("name", CAMERAS)
def test_footage_recorded_by_systemd_arrives_in_the_bucket_as_it_was_closed(name):
    for camera in CAMERAS[name]:
        arrives(name, camera, segments=2)
        found = bucket(name, camera)
        noted = ledger(machine(name), camera)
        assert len(found.items() & noted.items()) >= 2


@pytest.mark.parametrize("name", CAMERAS)
def test_status_says_recording_and_proven(name):
    cameras = {one["name"]: one for one in status(machine(name))["cameras"]}
    for camera in CAMERAS[name]:
        assert cameras[camera]["recording"], cameras[camera]
        assert cameras[camera]["last_proven"], cameras[camera]


def test_the_check_playbook_finds_the_fleet_well():
    said = play("playbooks/check.yml", "-e", "camera_backup_check_report=")
    assert all(camera in said for cameras in CAMERAS.values() for camera in cameras)


def test_a_second_run_changes_nothing():
    said = play("site.yml")
    assert [line for line in said.splitlines() if "changed=" in line and "changed=0" not in line] == []


def test_a_host_that_cannot_be_reached_holds_up_no_other_and_is_listed():
    """Nobody listens on the port of discard."""
    away = {"ansible_port": 9, "camera_backup_cameras": [YARD]}
    said = play("site.yml", hosts={"away": away}, fails=True)
    recap = {line.split()[0]: line for line in said.splitlines() if "unreachable=" in line}
    assert "unreachable=1" in recap["away"]
    for name in CAMERAS:
        assert "unreachable=0    failed=0" in recap[name]
    assert "Not reached (1): away" in said


def test_a_refused_inventory_touches_nothing(old, new):
    before = [traces(host) for host in (old, new)]
    bad = {"name": "../front", "rtsp_url": "rtsp://camera-backup-fleet-cameras:8554/front"}
    said = play(
        "site.yml",
        hosts={
            "debian11": {"camera_backup_cameras": [bad]},
            "debian13": {"camera_backup_upload_min_age_seconds": "soon"},
        },
        fails=True,
    )
    assert "../front" in said
    assert "camera_backup_upload_min_age_seconds" in said
    assert [traces(host) for host in (old, new)] == before


def test_check_mode_shows_the_change_and_does_nothing(old):
    before = pids(old)
    said = play("site.yml", "--check", hosts=LATER)
    assert "camera-recorder-front" in said
    assert pids(old) == before


def test_a_new_password_restarts_that_recorder_alone(old, new):
    before, elsewhere = pids(old), pids(new)
    controller.change_login("front", NEW_PASSWORD)
    play("site.yml", hosts=LATER)
    after = pids(old)
    assert {unit for unit in before if after[unit] != before[unit]} == {"camera-recorder-front.service"}
    assert pids(new) == elsewhere
    arrives("debian11", "front")


def test_a_removed_camera_loses_its_unit_and_no_footage(old):
    before = recorders(old)
    play("site.yml", hosts={"debian11": {"camera_backup_cameras": [CHANGED]}})
    kept = {unit: pid for unit, pid in before.items() if unit != "camera-recorder-yard.service"}
    assert recorders(old) == kept
    assert not old.file("/etc/systemd/system/camera-recorder-yard.service").exists
    assert not old.file("/etc/camera-backup/credentials/camera-recorder-yard.json").exists
    is_complete("debian11", "yard")


def test_a_camera_that_comes_back_goes_on_where_it_was(old):
    before = recorders(old)
    play("site.yml", hosts=LATER)
    assert recorders(old).items() >= before.items()
    arrives("debian11", "yard")


def test_an_upload_setting_restarts_the_uploader_alone_and_a_foreign_unit_is_left_alone(new):
    foreign = "/etc/systemd/system/camera-recorder-foreign.service"
    new.run_expect([0], "printf '[Service]\\nExecStart=/bin/true\\n' > " + foreign)
    before, content = pids(new), new.file(foreign).content_string
    play("site.yml", hosts={**LATER, "debian13": {"camera_backup_upload_workers": 3}})
    after = pids(new)
    assert {unit for unit in before if after[unit] != before[unit]} == {"camera-uploader.service"}
    assert new.file(foreign).content_string == content
    play("site.yml", hosts=LATER)
    assert new.file(foreign).content_string == content
    new.run_expect([0], "rm " + foreign)


def test_credentials_that_the_bucket_refuses_are_not_taken_over(old, new):
    before = [traces(host) for host in (old, new)]
    wrong = {name: {**LATER.get(name, {}), "camera_backup_s3_secret_access_key": WRONG_KEY} for name in CAMERAS}
    said = play("playbooks/rotate_credentials.yml", hosts=wrong, fails=True)
    assert "bucket footage: access: " in said
    assert [traces(host) for host in (old, new)] == before


def test_rotated_credentials_are_tried_and_taken_over(old, new):
    before, elsewhere = pids(new), pids(old)
    controller.change_login("gate", NEW_PASSWORD)
    play("playbooks/rotate_credentials.yml", hosts=ROTATED)
    after = pids(new)
    assert {unit for unit in before if after[unit] != before[unit]} == {"camera-recorder-gate.service"}
    assert pids(old) == elsewhere
    arrives("debian13", "gate")


def test_another_release_waits_for_the_upgrade(new, other):
    before, running = release(new), pids(new)
    play("site.yml", hosts=ROTATED, checkout=other)
    assert (release(new), pids(new)) == (before, running)


def test_upgrade_renews_every_service_and_rollback_brings_the_old_release_back(old, new, other):
    first, running = release(new), {**pids(old), **pids(new)}
    play("playbooks/upgrade.yml", hosts=ROTATED, checkout=other)
    assert release(old) == release(new) != first
    renewed = {**pids(old), **pids(new)}
    assert set(renewed) == set(running)
    assert not set(renewed.values()) & set(running.values())
    for name, cameras in CAMERAS.items():
        for camera in cameras:
            arrives(name, camera)
    play("playbooks/upgrade.yml", "-e", "camera_backup_version=" + first, hosts=ROTATED)
    assert release(old) == release(new) == first
    for name, cameras in CAMERAS.items():
        for camera in cameras:
            arrives(name, camera)


def test_a_release_that_does_not_record_stops_the_roll_out_at_its_first_recorder(old, new, broken):
    first, before, elsewhere = release(new), pids(old), pids(new)
    impatient = ["-e", '{"camera_backup_start_timeout_seconds": 15}']
    said = play("playbooks/upgrade.yml", *impatient, hosts=ROTATED, checkout=broken, fails=True)
    assert "camera-recorder-front.service" in said
    assert (release(new), pids(new)) == (first, elsewhere)
    after = pids(old)
    assert {unit for unit in before if after.get(unit) != before[unit]} == {"camera-recorder-front.service"}
    play("playbooks/upgrade.yml", "-e", "camera_backup_version=" + first, hosts=ROTATED)
    assert release(old) == first
    arrives("debian11", "front")


@pytest.mark.parametrize("name", CAMERAS)
def test_no_segment_was_lost_or_altered_on_the_way(name):
    for camera in CAMERAS[name]:
        is_complete(name, camera)


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("secret", SECRETS)
def test_planted_secrets_are_found_nowhere_on_the_hosts(name, secret):
    host = machine(name)
    looks = {
        "journal": "journalctl --no-pager --output=verbose",
        "processes and their environment": "ps axeww",
        "properties of units": "systemctl show 'camera-*'",
    }
    for where, look in looks.items():
        text = host.run_expect([0], look).stdout
        assert len(text) > 1000, where
        assert secret not in text, where
    places = "/etc/systemd /run/systemd/system /opt/camera-backup /var/lib/camera-backup /var/log /var/tmp /tmp /root"
    found = host.run("grep --recursive --files-with-matches --fixed-strings -e %s " + places, secret)
    assert (found.stdout, found.rc) == ("", 1), found.stderr
    readable = host.run("find /etc/camera-backup -type f -perm /077 -exec grep --files-with-matches -e %s {} +", secret)
    assert readable.stdout == ""


def test_a_host_that_leaves_the_fleet_empties_itself_into_the_bucket_first(old, new):
    noted, elsewhere = {camera: ledger(new, camera) for camera in CAMERAS["debian13"]}, pids(old)
    play("playbooks/remove_host.yml", "-e", "target=debian13", "-e", "confirm=debian13", hosts=ROTATED)
    for camera in CAMERAS["debian13"]:
        assert noted[camera].items() <= ledger(new, camera).items() == bucket("debian13", camera).items(), camera
    assert pids(new) == {}
    assert new.run("find /var/lib/camera-backup/segments -name '*.mp4'").stdout == ""
    for path in ("/etc/camera-backup", "/opt/camera-backup", "/etc/systemd/system/camera-uploader.service"):
        assert not new.file(path).exists, path
    assert pids(old) == elsewhere


def test_planted_secrets_are_in_nothing_that_ansible_said():
    said = controller.SAID.read_text()
    assert "TASK [" in said
    assert [secret for secret in [*SECRETS, WRONG_KEY] if secret in said] == []


def test_planted_secrets_would_have_been_found(old):
    """The search itself is sound: where the secrets belong, it finds them."""
    for secret in SECRETS:
        found = old.run("grep --recursive --files-with-matches --fixed-strings -e %s /etc/camera-backup", secret)
        assert found.stdout, secret
