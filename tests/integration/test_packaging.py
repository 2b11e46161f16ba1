"""What is shipped is what works: the built wheel, in an environment of its own, without the tests' dependencies."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, **options):
    return subprocess.run(
        [str(word) for word in command], check=True, text=True, stdout=subprocess.PIPE, timeout=300, **options
    ).stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    target = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatch", "build", target, cwd=ROOT, stderr=subprocess.STDOUT)
    return target


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", environment)
    run(environment / "bin/python", "-m", "pip", "install", "--quiet", *dist.glob("*.whl"), stderr=subprocess.DEVNULL)
    return environment / "bin"


def test_hatch_builds_a_pure_wheel_and_an_sdist_under_their_names(dist):
    assert sorted(path.name for path in dist.iterdir()) == [
        "camera_backup-0.1.0-py3-none-any.whl",
        "camera_backup-0.1.0.tar.gz",
    ]


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(dist):
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = run("git", "ls-files", "camera_backup", cwd=ROOT).split()

    assert shipped == set(tracked)


def test_the_sdist_holds_what_is_needed_to_build_and_test_again(dist):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}

    assert {"pyproject.toml", "LICENSE", "README.md", "CHANGELOG.md", "camera_backup/cli.py"} <= names
    assert any(name.startswith("tests/unit/") for name in names)


@pytest.mark.parametrize("command", ["camera-backup", "camera-backup-install", "camera-backup-generate"])
def test_every_installed_command_has_help(installed, command):
    assert "usage: " + command in run(installed / command, "--help")


@pytest.mark.parametrize("verb", ["check", "record", "upload", "status", "list", "schema"])
def test_every_verb_of_the_installed_program_has_help(installed, verb):
    assert "usage: camera-backup " + verb in run(installed / "camera-backup", verb, "--help")


def test_a_fresh_installation_makes_a_host_and_refuses_its_untouched_template(installed, tmp_path):
    environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    run(installed / "camera-backup-install", "--root", tmp_path, env=environment)
    config = tmp_path / "etc/camera-backup/config.yaml"
    refused = subprocess.run(
        [str(installed / "camera-backup-generate"), "--config", str(config), "--root", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert refused.returncode == 3
    assert "YOUR_" in refused.stderr
    assert not list((tmp_path / "etc").rglob("*.service"))
