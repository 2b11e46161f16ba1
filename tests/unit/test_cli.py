import subprocess
import sys

import pytest

from camera_backup import cli, journal
from camera_backup.errors import CameraBackupError, CameraError, ConfigError, HostError, StoreError, UsageError
from camera_backup.redact import Redactor


def program(*words):
    return subprocess.run([sys.executable, "-m", "camera_backup", *words], capture_output=True, text=True, timeout=60)


def test_without_a_verb_the_usage_is_shown_and_the_exit_code_says_so():
    done = program()

    assert done.returncode == 2
    assert "usage: camera-backup" in done.stderr


def test_an_unknown_verb_names_the_known_ones():
    done = program("uplaod")

    assert done.returncode == 2
    assert "upload" in done.stderr


def test_help_lists_every_verb_and_the_exit_codes():
    shown = program("--help").stdout

    assert all(verb in shown for verb in cli.VERBS)
    assert "Exit codes" in shown


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CameraBackupError("x"), 1),
        (UsageError("x"), 2),
        (ConfigError(["x"]), 3),
        (HostError("x"), 4),
        (CameraError("x"), 5),
        (StoreError("x"), 6),
    ],
)
def test_each_class_of_error_has_its_exit_code_and_one_line(error, code, capsys):
    def fail(argv):
        raise error

    assert cli.guarded("camera-backup", [], fail) == code
    assert capsys.readouterr().err == "camera-backup: x\n"


def test_all_problems_of_a_configuration_are_shown(capsys):
    def fail(argv):
        raise ConfigError(["first", "second"])

    cli.guarded("camera-backup", [], fail)

    assert capsys.readouterr().err == "camera-backup: first\ncamera-backup: second\n"


def test_debug_shows_the_traceback_without_the_secret(capsys, monkeypatch):
    monkeypatch.setattr(journal, "redact", Redactor(["hunter2"]))

    def fail(argv):
        raise HostError("cannot read hunter2")

    assert cli.guarded("camera-backup", ["check", "--debug"], fail) == 4
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "hunter2" not in shown


def test_our_own_mistake_is_one_line_too(capsys):
    def fail(argv):
        raise ZeroDivisionError("division by zero")

    assert cli.guarded("camera-backup", [], fail) == 70
    assert capsys.readouterr().err == (
        "camera-backup: internal error, please report it with the output of --debug: "
        "ZeroDivisionError: division by zero\n"
    )


def test_an_interrupt_is_no_error_message(capsys):
    def interrupted(argv):
        raise KeyboardInterrupt

    assert cli.guarded("camera-backup", [], interrupted) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("size", [10, 10**6])
def test_a_reader_that_has_seen_enough_is_no_error_of_ours(size):
    code = "import sys; from camera_backup.cli import guarded; "
    code += "sys.exit(guarded('x', [], lambda argv: sys.stdin.readline() and sys.stdout.write('y' * %d) * 0))" % size
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    process.stdin.write(b"go\n")
    process.stdin.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141
