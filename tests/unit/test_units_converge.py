"""What happens to a host, from first run to removal, with a systemd that only remembers (`FakeSystemd`)."""

import json
import os
import pathlib

import pytest

from camera_backup.errors import HostError
from camera_backup.units import apply as applying
from camera_backup.units import converge as converging
from camera_backup.units import names, renew, report
from camera_backup.units.converge import converge
from camera_backup.units.systemd import Systemctl
from tests.support.configs import camera, make
from tests.support.fake_systemd import DIRECTORY, WANTS, FakeSystemd

UPLOADER = "camera-uploader.service"
DOOR, YARD, GATE = ("camera-recorder-%s.service" % name for name in ("door", "yard", "gate"))


@pytest.fixture
def fake(tmp_path):
    return FakeSystemd(tmp_path)


@pytest.fixture
def run(tmp_path, fake):
    def run(config, **options):
        options.setdefault("services", True)
        options.setdefault("systemctl", Systemctl(fake))
        options.setdefault("programs", "/opt/camera-backup/current/bin")
        fake.calls.clear()
        return converge(config, str(tmp_path), **options)

    return run


def actions(outcome):
    return {os.path.basename(change.path): change.action for change in outcome.plan.files if change.real}


def everything(root):
    """Every file and link below a directory, with content, mode and time."""
    found = {}
    for place, _, files in os.walk(root):
        for name in files:
            path = pathlib.Path(place, name)
            status = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_text()
            found[os.path.relpath(path, root)] = (content, status.st_mode, status.st_mtime_ns, status.st_ino)
    return found


def identity(path):
    """All of `lstat` but the time of access."""
    status = os.lstat(path)
    return status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def test_a_fresh_host_gets_files_units_enabled_and_started(run, fake, tmp_path):
    outcome = run(make("door", "yard"))

    assert outcome.changed
    assert sorted(actions(outcome)) == sorted(
        name + suffix
        for name in ("camera-recorder-door", "camera-recorder-yard", "camera-uploader")
        for suffix in (".json", ".service")
    )
    assert fake.verbs("daemon-reload") == [[]]
    assert fake.verbs("enable") == [[DOOR, YARD, UPLOADER]]
    assert fake.verbs("start") == [[DOOR, YARD, UPLOADER]]
    assert set(fake.running) == {DOOR, YARD, UPLOADER}
    assert (tmp_path / "var/lib/camera-backup/segments").is_dir()


def test_a_second_run_changes_nothing_and_only_asks(run, fake, tmp_path):
    run(make("door", "yard"))
    before = everything(tmp_path)

    outcome = run(make("door", "yard"))

    assert not outcome.changed
    assert [verb for verb, *_ in fake.calls] == ["show"]
    assert everything(tmp_path) == before


def test_a_new_password_changes_one_credential_file_and_restarts_that_recorder_alone(run, fake, tmp_path):
    run(make("door", "yard"))
    before, invocations = everything(tmp_path), {unit: fake.invocation(unit) for unit in fake.running}

    outcome = run(make(camera("door", "second-secret"), "yard"))

    after = everything(tmp_path)
    assert [path for path in after if after[path] != before.get(path)] == [
        "etc/camera-backup/credentials/camera-recorder-door.json"
    ]
    assert actions(outcome) == {"camera-recorder-door.json": "update"}
    assert fake.verbs("restart") == [[DOOR]]
    assert fake.verbs("daemon-reload") == []
    assert [unit for unit in fake.running if fake.invocation(unit) != invocations[unit]] == [DOOR]


def test_another_storage_restarts_everything_that_uses_it(run, fake, tmp_path):
    run(make("door", "yard"))

    run(make("door", "yard", storage={"local_path": "/srv/footage"}))

    assert fake.verbs("restart") == [[DOOR, YARD, UPLOADER]]
    assert (tmp_path / "srv/footage").is_dir()


@pytest.mark.parametrize("remaining", [["yard"], [camera("door", enabled=False), "yard"]], ids=["gone", "disabled"])
def test_a_camera_that_is_gone_or_disabled_is_stopped_and_removed_and_its_footage_stays(run, fake, tmp_path, remaining):
    run(make("door", "yard"))
    yard = fake.invocation(YARD)
    footage = tmp_path / "var/lib/camera-backup/segments/door/20261122_130000.mp4"
    footage.parent.mkdir()
    footage.write_bytes(b"footage")

    outcome = run(make(*remaining))

    assert fake.verbs("stop") == [[DOOR]]
    assert DOOR not in fake.running
    assert not (tmp_path / DIRECTORY / DOOR).exists()
    assert not os.path.lexists(tmp_path / WANTS / DOOR)
    assert not (tmp_path / "etc/camera-backup/credentials/camera-recorder-door.json").exists()
    assert footage.read_bytes() == b"footage"
    assert fake.invocation(YARD) == yard
    assert outcome.changed
    assert not run(make(*remaining)).changed


def test_a_recorder_is_stopped_before_its_unit_disappears(run, fake, tmp_path):
    run(make("door", "yard"))
    seen = []
    fake._stop = lambda units: seen.append((tmp_path / DIRECTORY / DOOR).exists()) or FakeSystemd._stop(fake, units)

    run(make("yard"))

    assert seen == [True]


def test_check_changes_nothing_and_reports_what_would_be(run, fake, tmp_path):
    run(make("door", "yard"))
    before = everything(tmp_path)

    outcome = run(make("yard", "gate"), check=True)

    assert outcome.changed
    assert actions(outcome)["camera-recorder-door.service"] == "remove"
    assert actions(outcome)["camera-recorder-gate.service"] == "create"
    assert everything(tmp_path) == before
    assert {verb for verb, *_ in fake.calls} == {"show"}


def test_check_works_on_a_bare_host(run, tmp_path):
    outcome = run(make("door"), check=True)

    assert outcome.changed
    assert os.listdir(tmp_path) == []


def test_without_services_the_restart_is_remembered_until_somebody_did_it(run, fake):
    run(make("door", "yard"))

    first = run(make(camera("door", "second-secret"), "yard"), services=False)
    again = run(make(camera("door", "second-secret"), "yard"), services=False)

    assert first.changed
    assert not again.changed
    assert report.next_steps(first) == report.next_steps(again) == ["systemctl restart " + DOOR]

    fake.run(DOOR)

    assert report.next_steps(run(make(camera("door", "second-secret"), "yard"), services=False)) == []


def test_a_restart_left_to_the_operator_is_done_by_a_later_apply_and_only_once(run, fake):
    run(make("door", "yard"))
    changed = make(camera("door", "second-secret"), "yard")
    run(changed, services=False)

    run(changed)
    assert fake.verbs("restart") == [[DOOR]]
    run(changed)
    assert fake.verbs("restart") == []


def test_a_reboot_settles_what_was_owed(run, fake, tmp_path):
    run(make("door", "yard"))
    changed = make(camera("door", "second-secret"), "yard")
    run(changed, services=False)

    os.unlink(tmp_path / names.PENDING.lstrip("/"))

    run(changed)
    assert fake.verbs("restart") == []


def test_a_stopped_recorder_of_an_enabled_camera_is_started(run, fake):
    run(make("door", "yard"))
    fake.running.pop(DOOR)

    run(make("door", "yard"))

    assert fake.verbs("start") == [[DOOR]]
    assert fake.verbs("restart") == []


def test_a_foreign_unit_under_a_name_of_ours_is_left_and_reported(run, fake, tmp_path):
    foreign = tmp_path / DIRECTORY / "camera-recorder-shed.service"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("[Service]\nExecStart=/usr/bin/other\n")
    fake.run("camera-recorder-shed.service")

    outcome = run(make("door"))

    assert foreign.read_text() == "[Service]\nExecStart=/usr/bin/other\n"
    assert "camera-recorder-shed.service" in fake.running
    assert [line for line in outcome.warnings if "camera-recorder-shed.service" in line]
    assert outcome.plan.refused == ()


@pytest.mark.parametrize("how", ["file", "link", "copy", "directory"])
def test_a_wanted_unit_whose_place_is_taken_is_refused_and_the_others_are_made(run, fake, tmp_path, how):
    place = tmp_path / DIRECTORY / DOOR
    place.parent.mkdir(parents=True)
    precious = tmp_path / "precious"
    precious.write_text("precious")
    if how == "file":
        place.write_text("[Service]\nExecStart=/usr/bin/other\n")
    elif how == "copy":
        place.write_text("# camera-backup:unit camera=yard\n[Service]\nExecStart=/usr/bin/other\n")
    elif how == "link":
        place.symlink_to(precious)
    else:
        place.mkdir()
    before = identity(place)

    outcome = run(make("door", "yard"))

    assert identity(place) == before
    assert precious.read_text() == "precious"
    assert len(outcome.plan.refused) == 1
    assert DOOR in outcome.plan.refused[0]
    assert set(fake.running) == {YARD, UPLOADER}


def test_a_link_is_not_ours_whatever_it_points_to(run, tmp_path):
    link = tmp_path / DIRECTORY / "camera-recorder-shed.service"
    link.parent.mkdir(parents=True)
    link.symlink_to("\n# camera-backup:unit camera=shed\n")

    assert link.name in " ".join(run(make("door")).warnings)
    assert link.is_symlink()


def test_a_masked_recorder_stays_masked(run, fake, tmp_path):
    place = tmp_path / DIRECTORY / DOOR
    place.parent.mkdir(parents=True)
    place.symlink_to("/dev/null")

    outcome = run(make("door", "yard"))

    assert os.readlink(place) == "/dev/null"
    assert outcome.plan.refused == ()
    assert "masked" in " ".join(outcome.warnings)
    assert DOOR not in fake.running


@pytest.mark.parametrize("text", ["my notes", "[]", '{"camera": "shed"}', '{"format": 1, "camera": "gate"}'])
def test_a_credential_file_that_is_not_ours_is_left(run, tmp_path, text):
    foreign = tmp_path / "etc/camera-backup/credentials/camera-recorder-shed.json"
    foreign.parent.mkdir(parents=True, mode=0o700)
    foreign.write_text(text)

    outcome = run(make("door"))

    assert foreign.read_text() == text
    assert [line for line in outcome.warnings if "camera-recorder-shed.json" in line]


def test_a_hand_deleted_unit_comes_back_and_its_recorder_runs_it(run, fake, tmp_path):
    run(make("door", "yard"))
    (tmp_path / DIRECTORY / DOOR).unlink()

    run(make("door", "yard"))

    assert fake.running[DOOR][1] == (tmp_path / DIRECTORY / DOOR).read_text()
    assert fake.verbs("restart") == [[DOOR]]


def test_a_dangling_link_of_a_gone_unit_is_removed_and_a_foreign_one_is_not(run, fake, tmp_path):
    run(make("door", "yard"))
    (tmp_path / DIRECTORY / DOOR).unlink()
    (tmp_path / WANTS / "camera-recorder-shed.service").symlink_to(
        "/usr/lib/systemd/system/camera-recorder-shed.service"
    )

    outcome = run(make("yard"))

    assert outcome.plan.links == ("/%s/%s" % (WANTS, DOOR),)
    assert not os.path.lexists(tmp_path / WANTS / DOOR)
    assert os.path.lexists(tmp_path / WANTS / "camera-recorder-shed.service")


def test_a_credential_that_others_can_read_is_closed_without_a_restart(run, fake, tmp_path):
    run(make("door"))
    secret = tmp_path / "etc/camera-backup/credentials/camera-recorder-door.json"
    secret.chmod(0o644)
    secret.parent.chmod(0o755)

    outcome = run(make("door"))

    assert actions(outcome) == {"camera-recorder-door.json": "mode"}
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.parent.stat().st_mode & 0o777 == 0o700
    assert fake.verbs("restart") == []


def test_files_have_the_modes_and_owners_that_keep_secrets(run, tmp_path):
    run(make("door"))

    modes = {
        path: mode & 0o7777 for path, (_, mode, _, _) in everything(tmp_path / "etc").items() if "wants" not in path
    }
    assert modes == {
        "camera-backup/credentials/camera-recorder-door.json": 0o600,
        "camera-backup/credentials/camera-uploader.json": 0o600,
        "systemd/system/camera-recorder-door.service": 0o644,
        "systemd/system/camera-uploader.service": 0o644,
    }
    assert {os.lstat(os.path.join(tmp_path / "etc", path)).st_uid for path in modes} == {os.geteuid()}
    assert (tmp_path / "etc/camera-backup/credentials").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "var/lib/camera-backup/segments").stat().st_mode & 0o777 == 0o750


def test_a_service_that_does_not_start_is_named_and_the_others_run(run, fake):
    fake.broken = {DOOR}

    outcome = run(make("door", "yard"))

    assert len(outcome.failed) == 1
    assert "%s did not start (exit-code); see: journalctl -u %s" % (DOOR, DOOR) in outcome.failed
    assert set(fake.running) == {YARD, UPLOADER}


def test_a_restart_that_failed_is_not_repeated_by_the_next_run(run, fake):
    """systemd itself goes on trying; it was told, which is all that was owed."""
    run(make("door", "yard"))
    fake.broken = {DOOR}
    changed = make(camera("door", "second-secret"), "yard")
    run(changed)
    fake.broken = set()

    run(changed)

    assert fake.verbs("restart") == []
    assert fake.verbs("start") == [[DOOR]]


def test_systemd_that_refuses_leaves_the_restart_owed(run, fake):
    run(make("door", "yard"))
    changed = make(camera("door", "second-secret"), "yard")
    fake._restart = lambda units: (_ for _ in ()).throw(HostError("systemctl restart failed: connection lost"))
    with pytest.raises(HostError, match="connection lost"):
        run(changed)
    del fake._restart

    run(changed)

    assert fake.verbs("restart") == [[DOOR]]


class Died(BaseException):
    """The process ends here: power, SIGKILL, the operator."""


class Fuse:
    """Lets the first `steps` steps happen; the next one ends the run."""

    def __init__(self, steps):
        self.left = steps

    def burn(self):
        self.left -= 1
        if self.left < 0:
            raise Died

    def around(self, action):
        def acted(*arguments, **options):
            self.burn()
            result = action(*arguments, **options)
            self.burn()
            return result

        return acted


def cut_short(steps, monkeypatch, run, fake, config):
    """Run, and die after a number of steps: a step lies before and after each write, removal and call of systemctl."""
    fuse = Fuse(steps)
    with monkeypatch.context() as patch:
        patch.setattr(applying.files, "replace", fuse.around(applying.files.replace))
        patch.setattr(applying.os, "unlink", fuse.around(os.unlink))
        run(config, systemctl=Systemctl(fuse.around(fake)))


def test_a_run_that_dies_anywhere_loses_no_restart_and_interrupts_nobody_twice(monkeypatch, tmp_path):
    before = make("door", "yard", "shed")
    # One camera with a new password, one gone, one new, and the uploader knows other cameras.
    after = make(camera("door", "second-secret"), "yard", "gate")
    steps = 0
    while True:
        root = tmp_path / str(steps)
        root.mkdir()
        fake = FakeSystemd(root)

        def run(config, systemctl=None, root=root, fake=fake):
            programs = "/opt/camera-backup/current/bin"
            return converge(config, str(root), systemctl or Systemctl(fake), services=True, programs=programs)

        run(before)
        yard = fake.invocation(YARD)
        fake.calls.clear()
        try:
            cut_short(steps, monkeypatch, run, fake, after)
        except Died:
            run(after)
        else:
            break
        assert not run(after).changed, steps
        # Whatever runs was started with the very files that are there now.
        assert set(fake.running) == {DOOR, YARD, GATE, UPLOADER}, steps
        for unit, (_, text, credential) in fake.running.items():
            assert text == (root / DIRECTORY / unit).read_text(), (steps, unit)
            secret = root / "etc/camera-backup/credentials" / unit.replace(".service", ".json")
            assert credential == secret.read_text(), (steps, unit)
        # Nobody was interrupted for nothing, and nobody twice.
        assert fake.invocation(YARD) == yard, steps
        assert sum(DOOR in units for units in fake.verbs("restart")) == 1, steps
        steps += 1
    assert steps > 30


def test_two_runs_at_a_time_are_refused(run, tmp_path):
    with converging._alone(str(tmp_path)), pytest.raises(HostError, match="another camera-backup-generate"):
        run(make("door"))


def test_a_host_without_the_account_is_sent_to_the_installer_before_anything_is_touched(monkeypatch, fake):
    monkeypatch.setattr(converging.account, "missing", lambda root: ["group camera-uploader", "user camera-backup"])

    with pytest.raises(HostError, match="no group camera-uploader and no user camera-backup: run "):
        converge(make("door"), "/", Systemctl(fake))
    assert fake.calls == []


def test_a_full_or_read_only_disk_is_one_line(run, monkeypatch):
    def refuse(path, *_, **__):
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(applying.files, "replace", refuse)

    with pytest.raises(HostError, match=r"No space left on device") as caught:
        run(make("door"))
    assert "\n" not in str(caught.value)


def test_neither_report_nor_diff_shows_a_secret(run):
    run(make("door"))
    outcome = run(
        make(camera("door", "second-secret"), s3=dict(_keys(), secret_access_key="another+planted")), check=True
    )

    shown = report.text(outcome) + report.diff(outcome) + json.dumps(report.machine(outcome))

    assert "camera-recorder-door.json: changed (not shown)" in shown
    for secret in ("second-secret", "first-secret", "another+planted", "planted+secret/key", "AKIA5PLANTEDKEY"):
        assert secret not in shown


def _keys():
    return {
        "access_key_id": "AKIA5PLANTEDKEY",
        "secret_access_key": "x",
        "bucket": "camera-backups",
        "endpoint": "https://s3.nowhere.net",
    }


def test_the_diff_of_a_unit_is_a_unified_diff(run):
    run(make("door"))

    shown = report.diff(run(make("door", storage={"local_path": "/srv/footage"}), check=True))

    assert "--- /etc/systemd/system/camera-recorder-door.service" in shown
    assert "-ReadWritePaths=/var/lib/camera-backup/segments /var/lib/camera-backup/state" in shown
    assert "+ReadWritePaths=/srv/footage /var/lib/camera-backup/state" in shown


def torn(content, how):
    cut = content.index(b"camera-backup:unit ") + 24 if b"camera-backup:unit " in content else len(content) // 2
    return {"half": content[:cut], "zeros": bytes(len(content)), "both": content[:cut] + bytes(300)}[how]


@pytest.mark.parametrize("how", ["half", "zeros", "both"])
def test_files_that_a_power_cut_tore_are_written_again(run, fake, tmp_path, how):
    run(make("door", "yard"))
    places = [tmp_path / DIRECTORY / DOOR, tmp_path / DIRECTORY / UPLOADER]
    places += (tmp_path / "etc/camera-backup/credentials").iterdir()
    whole = {path: path.read_bytes() for path in places}
    for path, content in whole.items():
        path.write_bytes(torn(content, how))

    outcome = run(make("door", "yard"))

    assert {path: path.read_bytes() for path in whole} == whole, outcome
    assert outcome.plan.refused == ()


def test_a_unit_that_was_torn_at_any_byte_but_the_first_is_ours(run, tmp_path):
    run(make("door"))
    for unit in (DOOR, UPLOADER):
        text = (tmp_path / DIRECTORY / unit).read_text()
        assert all(names.carries_fingerprint(unit, text[:length]) for length in range(1, len(text)))
        assert not names.carries_fingerprint(unit, "")
        assert not names.carries_fingerprint(unit, "# Written by hand\n")


def lasting(fake, unit):
    fake(["systemctl", "restart", unit])


@pytest.mark.parametrize(("restart", "whole_looks"), [(lasting, 1), (lambda fake, unit: None, 2)])
def test_gently_a_restart_that_did_not_take_place_is_caught_up_with(
    run, fake, tmp_path, monkeypatch, restart, whole_looks
):
    def one(systemctl, unit, state, timeout):
        restart(fake, unit)
        return converging.Renewed(unit, "door", 1.0, "")

    monkeypatch.setattr(renew, "_restart", one)
    run(make("door", "yard"), programs=None)
    before = fake.invocation(YARD)
    fake.calls.clear()

    changed = make(camera("door", password="another"), "yard")
    outcome = renew.gently(changed, Systemctl(fake), 1.0, str(tmp_path))

    assert fake.verbs("restart") == [[DOOR]]
    assert fake.invocation(YARD) == before
    assert [one.unit for one in outcome.renewed] == [DOOR]
    assert sum(names.RECORDERS in asked for asked in fake.verbs("show")) == whole_looks
    assert not (tmp_path / names.PENDING.lstrip("/")).exists()


def test_gently_without_changes_systemd_is_asked_once(run, fake, tmp_path):
    run(make("door", "yard"), programs=None)
    fake.calls.clear()

    outcome = renew.gently(make("door", "yard"), Systemctl(fake), 1.0, str(tmp_path))

    assert not outcome.changed
    assert [verb for verb, *_ in fake.calls] == ["is-active", "show"]


def test_many_units_are_started_a_few_at_a_time(run, fake):
    run(make(*("camera-%02d" % number for number in range(70))))

    started = fake.verbs("start")
    assert sorted(map(len, started)) == [7, 32, 32]
    assert len(set(sum(started, []))) == 71
