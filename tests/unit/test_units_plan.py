"""Decisions that need no host: values in, a plan out. Whole runs are in test_units_converge."""

import pytest

from camera_backup import directories
from camera_backup.account import Ids
from camera_backup.units import render
from camera_backup.units.host import Found, Host
from camera_backup.units.pending import Pending
from camera_backup.units.plan import plan
from camera_backup.units.systemd import Unit
from tests.support.configs import make

DOOR, UPLOADER = "camera-recorder-door.service", "camera-uploader.service"
SHED = "camera-recorder-shed.service"
WANTED = render.wanted(make("door"), "/opt/camera-backup/current/bin")
STORAGE = directories.storage("/srv/footage")
RUNNING = Unit("loaded", "active", "enabled", False, "1", 7, "success")


def converged(**changes):
    """A host on which everything is as wanted."""
    found = {path: Found("file", one.text, one.mode, 0) for path, one in WANTED.items()}
    found.update(changes.pop("found", {}))
    units = {DOOR: RUNNING, UPLOADER: RUNNING, **changes.pop("units", {})}
    return Host(found=found, units=units, **changes)


def test_a_host_that_is_as_wanted_needs_nothing():
    todo = plan(WANTED, [], converged())

    assert not todo.changed(services=True)
    assert todo.warnings == todo.refused == ()
    assert {change.action for change in todo.files} == {"unchanged"}


def test_unit_files_that_systemd_has_not_read_yet_need_one_reload_and_no_restart():
    todo = plan(WANTED, [], converged(units={DOOR: RUNNING._replace(stale=True)}))

    assert todo.reload
    assert todo.services.restart == ()


def test_a_reload_that_an_earlier_run_owed_is_made():
    assert plan(WANTED, [], converged(pending=Pending(reload=True))).reload


def test_without_systemd_there_is_nothing_to_tell_it():
    todo = plan(WANTED, [], Host())

    assert {change.action for change in todo.files} == {"create"}
    assert not todo.reload
    assert todo.services == ((), {}, ())


@pytest.mark.parametrize("active", ["active", "activating", "reloading"])
def test_a_changed_unit_that_is_up_is_restarted(active):
    path = "/etc/systemd/system/" + DOOR
    older = Found("file", WANTED[path].text + "# older\n", 0o644, 0)

    todo = plan(WANTED, [], converged(found={path: older}, units={DOOR: RUNNING._replace(active=active)}))

    assert todo.services.restart == (DOOR,)
    assert todo.services.start == ()


@pytest.mark.parametrize("active", ["inactive", "failed", "deactivating"])
def test_a_unit_that_is_down_is_started(active):
    todo = plan(WANTED, [], converged(units={DOOR: RUNNING._replace(active=active)}))

    assert todo.services.start == (DOOR,)
    assert todo.services.restart == ()


def test_a_file_of_another_owner_is_taken_back_without_a_restart():
    path = "/etc/camera-backup/credentials/camera-recorder-door.json"
    host = converged(found={path: Found("file", WANTED[path].text, 0o600, 1000)})

    todo = plan(WANTED, [], host)

    assert [change.path for change in todo.files if change.action == "mode"] == [path]
    assert todo.services.restart == ()


def test_a_recorder_without_a_file_that_is_ours_is_stopped_and_forgotten():
    todo = plan(WANTED, [], converged(units={SHED: RUNNING}, orphans=(SHED,)))

    assert todo.stop == todo.forget == (SHED,)


def test_a_running_unit_with_a_name_like_ours_that_is_not_ours_goes_on():
    todo = plan(WANTED, [], converged(units={SHED: RUNNING}))

    assert todo.stop == ()
    assert not todo.changed(services=True)


def test_a_masked_unit_is_neither_enabled_nor_started():
    masked = Unit("masked", "inactive", "masked")

    todo = plan(WANTED, [], converged(units={DOOR: masked}))

    assert todo.services.enable == todo.services.start == ()


@pytest.mark.parametrize("target", ["/etc/systemd/system/" + SHED, "../" + SHED])
def test_a_link_to_a_unit_of_ours_that_is_not_there_is_removed(target):
    link = "/etc/systemd/system/multi-user.target.wants/" + SHED

    todo = plan(WANTED, [], converged(found={link: Found("link", target, 0o777, 0)}))

    assert todo.links == (link,)
    assert todo.reload


def test_a_link_to_a_wanted_unit_stays_even_before_the_unit_is_written():
    link = "/etc/systemd/system/multi-user.target.wants/" + DOOR
    target = "/etc/systemd/system/" + DOOR

    assert plan(WANTED, [], Host(found={link: Found("link", target, 0o777, 0)})).links == ()


def test_a_missing_directory_is_made_and_one_that_is_there_keeps_its_mode():
    there = converged(directories={"/srv/footage": Found("directory", "", 0o755, 997)})

    assert plan(WANTED, [STORAGE], converged()).directories == (STORAGE,)
    assert plan(WANTED, [STORAGE], there).directories == ()


@pytest.mark.parametrize("found", [(0o755, 0), (0o700, 1000)])
def test_a_directory_of_secrets_that_is_open_or_not_roots_is_closed(found):
    host = converged(directories={directories.CREDENTIALS.path: Found("directory", "", *found)})

    assert plan(WANTED, [directories.CREDENTIALS], host).directories == (directories.CREDENTIALS,)


def test_storage_that_the_services_cannot_write_to_is_warned_about_and_not_taken_over():
    host = converged(user=Ids(997, 997), directories={"/srv/footage": Found("directory", "", 0o755, 0)})

    todo = plan(WANTED, [STORAGE], host)

    assert not todo.changed(services=True)
    assert len(todo.warnings) == 1
    assert "chown camera-backup: /srv/footage" in todo.warnings[0]


@pytest.mark.parametrize(("mode", "uid"), [(0o750, 997), (0o777, 0)])
def test_storage_that_they_can_write_to_is_not(mode, uid):
    host = converged(user=Ids(997, 997), directories={"/srv/footage": Found("directory", "", mode, uid)})

    assert plan(WANTED, [STORAGE], host).warnings == ()
