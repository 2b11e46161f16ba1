"""The rendered units before systemd's own judges: does it read them, read them as meant, and find them confined?"""

import os
import pathlib
import random
import subprocess

import pytest

from camera_backup.units import render
from tests.support.configs import camera, make

RECORDER = "camera-recorder-front-door.service"
UPLOADER = "camera-uploader.service"
NASTY = "/two  words/100%/%n/$HOME/${PATH}/it's/a\"quote/back\\slash/#no;comment/küche/-@+!:x"

SCORES = {RECORDER: 14, UPLOADER: 12}
"""`systemd-analyze security` times ten. Only ever lower them; what is left is listed by the command itself."""


@pytest.fixture
def place():
    """A directory for programs and units that every user can enter."""
    made = pathlib.Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    made.chmod(0o755)
    yield made
    subprocess.run(["rm", "-r", str(made)], check=True)


def install_program(directory):
    os.makedirs(directory, exist_ok=True)
    program = pathlib.Path(directory) / "camera-backup"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def write_units(place, config, programs):
    """Render the units of a configuration into `place`; return their paths."""
    files = render.wanted(config, str(programs))
    paths = [place / os.path.basename(path) for path in files if path.endswith(".service")]
    for path in paths:
        path.write_text(files["/etc/systemd/system/" + path.name].text, encoding="utf-8")
    return paths


def verify(path):
    command = ["systemd-analyze", "verify", "--recursive-errors=no", "%s:%s" % (path, path.name)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


CONFIGS = {
    "plain": make("front-door", "back-yard"),
    "home": make("front-door", storage={"local_path": "/home/nvr/footage"}),
    "nasty": make(camera("A_-9"), storage={"local_path": NASTY + "/footage", "state_path": NASTY + "/state"}),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_systemd_accepts_every_unit_in_silence(place, config):
    install_program(place / "bin")

    for path in write_units(place, config, place / "bin"):
        done = verify(path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), path.name


@pytest.mark.parametrize(
    "harm",
    [
        ("[Service]\n", "[Service]\nProtectEverything=yes\n"),
        ("Type=notify", "Type=notifyy"),
        ("/camera-backup record", "/camera-backpu record"),
        ("RequiresMountsFor=/", "RequiresMountsFor="),
        ("SystemCallFilter=@system-service", "SystemCallFilter=@sytem-service"),
    ],
    ids=["unknown directive", "unknown value", "missing program", "relative path", "unknown calls"],
)
def test_the_same_judge_refuses_a_unit_with_a_mistake(place, harm):
    install_program(place / "bin")
    path = next(path for path in write_units(place, CONFIGS["plain"], place / "bin") if path.name == RECORDER)
    text = path.read_text()
    assert harm[0] in text
    path.write_text(text.replace(*harm))

    done = verify(path)

    assert (done.returncode, done.stderr) != (0, "")


def test_systemd_finds_a_program_in_a_directory_with_a_difficult_name(place):
    """It complains about a program that is not there, so its silence proves that it read the very path."""
    programs = str(place) + "/two  words/100%/%n/$HOME/${PATH}/#no;comment/küche/-@+!:x"
    install_program(programs)
    paths = write_units(place, CONFIGS["plain"], programs)

    assert [verify(path).stderr for path in paths] == ["", "", ""]

    os.unlink(programs + "/camera-backup")
    assert all("camera-backup is not executable" in verify(path).stderr for path in paths)


def loaded(place, unit):
    """What systemd makes of a unit, as `systemd --test` dumps it; as an ordinary user, for root may not."""
    as_nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    command = [*as_nobody, "/lib/systemd/systemd", "--test", "--system", "--unit=" + unit, "--log-target=console"]
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": "%s:" % place, "XDG_RUNTIME_DIR": str(place), "HOME": "/"}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=120)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def difficult_paths(count):
    """Paths of characters that some reader might take for something else; the same ones each time."""
    chance = random.Random(20261122)
    alphabet = " %$\\\"'`;#&|*?[]{}()~=,:!@+-.aZ9äß日n"
    return ["/x" + "".join(chance.choice(alphabet) for _ in range(chance.randint(1, 12))) + "y" for _ in range(count)]


def test_paths_arrive_in_systemd_as_they_were_written(place):
    install_program(place / "bin")
    paths = difficult_paths(60)
    for number, path in enumerate(paths):
        config = make("c%d" % number, storage={"local_path": path + "/footage", "state_path": path + "/state"})
        write_units(place, config, place / "bin")
    names = ["camera-recorder-c%d.service" % number for number in range(len(paths))]
    (place / "probe.target").write_text("[Unit]\nRequires=%s\n" % " ".join(names))

    dump = loaded(place, "probe.target")

    for number, path in enumerate(paths):
        block = dump.split("-> Unit camera-recorder-c%d.service:" % number)[1].split("-> Unit ")[0]
        assert "\tReadWritePaths: %s/footage %s/state\n" % (path, path) in block, path
        assert "RequiresMountsFor: %s/footage (" % path in block, path
        assert "RequiresMountsFor: %s/state (" % path in block, path


@pytest.mark.parametrize("unit", SCORES)
def test_what_a_service_may_do_does_not_grow(place, unit):
    write_units(place, CONFIGS["plain"], place / "bin")
    gate = ["systemd-analyze", "security", "--offline=true", "--threshold=%d" % SCORES[unit]]

    assert subprocess.run([*gate, place / unit], capture_output=True, timeout=120).returncode == 0

    text = (place / unit).read_text()
    (place / unit).write_text(text.replace("NoNewPrivileges=yes\n", ""))
    assert subprocess.run([*gate, place / unit], capture_output=True, timeout=120).returncode == 1
