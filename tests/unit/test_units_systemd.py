import pytest

from camera_backup.errors import HostError
from camera_backup.units import systemd
from camera_backup.units.systemd import Done, Systemctl, Unit

SHOWN = """\
Result=success
MainPID=121
Id=camera-recorder-door.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no
InvocationID=0e5a71494f2e4b9f9b475aead9d6e1cb

Result=exit-code
MainPID=0
Id=camera-uploader.service
LoadState=loaded
ActiveState=failed
UnitFileState=disabled
NeedDaemonReload=yes
InvocationID=

"""


def test_what_systemctl_shows_is_read_by_unit():
    calls = []
    systemctl = Systemctl(lambda command: calls.append(command) or Done(0, SHOWN, ""))

    units = systemctl.show(["camera-recorder-*.service", "camera-uploader.service"])

    door = Unit("loaded", "active", "enabled", False, "0e5a71494f2e4b9f9b475aead9d6e1cb", 121, "success")
    assert units["camera-recorder-door.service"] == door
    assert door.up
    uploader = units["camera-uploader.service"]
    assert (uploader.up, uploader.stale, uploader.enabled, uploader.result) == (False, True, "disabled", "exit-code")
    assert calls[0][:2] == ["systemctl", "show"]
    assert calls[0][-2:] == ["camera-recorder-*.service", "camera-uploader.service"]


def test_no_unit_at_all_is_no_mistake():
    assert Systemctl(lambda command: Done(0, "\n", "")).show(["camera-recorder-*.service"]) == {}


def test_a_refusal_is_one_line_with_what_systemctl_said():
    systemctl = Systemctl(lambda command: Done(1, "", "Failed to reload daemon:\n  Access denied\n"))

    with pytest.raises(HostError) as caught:
        systemctl("daemon-reload")
    assert str(caught.value) == "systemctl daemon-reload failed: Failed to reload daemon: Access denied"


def test_a_refusal_without_words_names_the_exit_code():
    with pytest.raises(HostError, match="exit code 5"):
        Systemctl(lambda command: Done(5, "", ""))("stop", "a.service")


def test_a_verb_that_may_fail_does_not_raise():
    assert Systemctl(lambda command: Done(1, "", "no")).attempt("reset-failed", "a.service").code == 1


def test_a_program_is_run_to_its_end_with_its_output():
    assert systemd.run(["sh", "-c", "echo out; echo err >&2; exit 3"]) == Done(3, "out\n", "err\n")


def test_a_missing_program_is_one_line():
    with pytest.raises(HostError, match="no-such-systemctl is missing"):
        systemd.run(["no-such-systemctl", "show"])
