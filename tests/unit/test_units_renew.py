"""Restarting one at a time, with a systemd that only remembers and recorders that say what the test lets them."""

import json

import pytest

from camera_backup import ledger
from camera_backup.units import pending, renew
from camera_backup.units.systemd import Done, Systemctl

UNITS = ["camera-recorder-a.service", "camera-recorder-b.service", "camera-uploader.service"]


class Machine:
    """Recorders that come back as `after` says; each has process numbers of its own."""

    def __init__(self, state):
        self.state = state
        self.pids = {unit: number for number, unit in enumerate(UNITS, 100)}
        self.after = {}
        self.restarts = []
        for camera in "ab":
            self.say(camera, "recording")

    def say(self, camera, state):
        path = self.state / "recorders" / (camera + ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        unit = "camera-recorder-%s.service" % camera
        status = {"format": 1, "state": state, "since": 1, "pid": self.pids[unit], "boot_id": "b", "updated": 1}
        path.write_text(json.dumps({**status, "cause": None if state == "recording" else "login_refused"}))

    def __call__(self, command):
        verb, *names = command[1:]
        return getattr(self, "_" + verb)([name for name in names if not name.startswith("-")])

    def _show(self, names):
        shown = UNITS if any("*" in name for name in names) else names
        block = "Id=%s\nLoadState=loaded\nActiveState=active\nInvocationID=i\nMainPID=%d\nResult=success\n"
        return Done(0, "\n".join(block % (unit, self.pids[unit]) for unit in shown), "")

    def _restart(self, names):
        for unit in names:
            self.restarts.append(unit)
            self.pids[unit] += 100
            camera = unit[len("camera-recorder-") : -len(".service")]
            if unit != UNITS[-1] and self.after.get(camera) != "silent":
                self.say(camera, self.after.get(camera, "recording"))
        return Done(0, "", "")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine on which everything runs an older release."""
    machine = Machine(tmp_path / "state")
    old = "/opt/camera-backup/0.1.0/bin/python"
    monkeypatch.setattr("camera_backup.units.host.command", lambda pid: [old if pid < 200 else "/opt/x"])
    return machine


@pytest.fixture
def renewed(machine, tmp_path):
    return lambda: renew.renew(Systemctl(machine), str(tmp_path), str(machine.state), 1.0)


def test_what_runs_an_older_release_is_restarted_one_at_a_time_and_the_uploader_last(machine, renewed):
    done = renewed()

    assert machine.restarts == UNITS
    assert [one.problem for one in done] == ["", "", ""]


def test_a_second_time_there_is_nothing_to_do(machine, renewed):
    renewed()

    assert renewed() == []


def test_the_first_that_does_not_record_again_stops_the_rest(machine, renewed):
    machine.after["a"] = "waiting"

    done = renewed()

    assert machine.restarts == [UNITS[0]]
    assert "camera-recorder-a.service recorded before" in done[0].problem
    assert "waiting (login_refused)" in done[0].problem


def test_one_that_did_not_record_before_holds_up_nobody(machine, renewed):
    machine.say("a", "waiting")
    machine.after["a"] = "waiting"

    done = renewed()

    assert machine.restarts == UNITS
    assert (done[0].gap, done[0].problem) == (None, "")


def test_one_that_says_nothing_any_more_is_a_problem(machine, renewed):
    machine.after["a"] = "silent"

    assert "says nothing since it was started again" in renewed()[0].problem
    assert machine.restarts == [UNITS[0]]


def test_the_gap_is_what_the_ledger_says(machine, renewed, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    book = ledger.Ledger(str(machine.state), "a")
    (machine.state / "ledger").mkdir()
    book.append({"event": "gap", "id": "1", "start": 10.0, "end": 20.0, "cause": "stalled", "detail": None})
    book.append({"event": "gap", "id": "2", "start": 1000.5, "cause": "stopped", "detail": None})
    book.append({"event": "gap_end", "id": "2", "end": 1003.0})

    assert renewed()[0].gap == 2.5


def test_a_restart_that_is_still_owed_is_done_whatever_the_release(machine, tmp_path, monkeypatch):
    monkeypatch.setattr("camera_backup.units.host.command", lambda pid: ["/usr/bin/python3"])
    (tmp_path / "run").mkdir()
    pending.write(str(tmp_path), pending.Pending(restart={UNITS[1]: "i"}))

    assert renew.due(Systemctl(machine).show(UNITS), str(tmp_path)) == [UNITS[1]]
