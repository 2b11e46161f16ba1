import pytest

from camera_backup.units import names, pending
from camera_backup.units.pending import Pending
from camera_backup.units.systemd import Unit

RUNS = {"a.service": Unit(active="active", invocation="1")}


@pytest.mark.parametrize("invocation", ["", "1"])
def test_a_unit_that_still_runs_as_before_is_owed_its_restart(invocation):
    assert pending.owed(Pending(restart={"a.service": invocation}), RUNS) == {"a.service": invocation}


def test_a_unit_that_somebody_restarted_since_is_not_interrupted_again():
    assert pending.owed(Pending(restart={"a.service": "0"}), RUNS) == {}


@pytest.mark.parametrize("units", [{}, {"a.service": Unit(active="inactive", invocation="1")}])
def test_a_unit_that_does_not_run_needs_no_restart(units):
    assert pending.owed(Pending(restart={"a.service": "1"}), units) == {}


def test_what_is_written_is_read_back_and_closed_to_others(tmp_path):
    owed = Pending(reload=True, restart={"a.service": "1"})

    pending.write(str(tmp_path), owed)

    assert pending.read(str(tmp_path)) == owed
    assert (tmp_path / names.PENDING.lstrip("/")).stat().st_mode & 0o777 == 0o600


def test_nothing_owed_leaves_no_file(tmp_path):
    pending.write(str(tmp_path), Pending(reload=True))
    pending.write(str(tmp_path), Pending())
    pending.write(str(tmp_path), Pending())

    assert list((tmp_path / "run").iterdir()) == []
    assert pending.read(str(tmp_path)) == Pending()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"restart": 1}', "\udcff"])
def test_a_list_that_cannot_be_understood_asks_for_a_reload(tmp_path, text):
    path = tmp_path / names.PENDING.lstrip("/")
    path.parent.mkdir()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert pending.read(str(tmp_path)) == Pending(reload=True)
