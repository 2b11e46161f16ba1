"""The rendered units, whole, are in `data/units`: read them there. After a wanted change, write them anew with

python -m tests.unit.test_units_render
"""

import json
import os
import pathlib

import pytest

from camera_backup.errors import ConfigError
from camera_backup.units import render
from tests.support.configs import camera, make

DATA = pathlib.Path(__file__).with_name("data") / "units"
PROGRAMS = "/opt/camera-backup/current/bin"


def example():
    return make(camera("front-door", "pa%20ss$word"), "back-yard", camera("attic", enabled=False))


def rendered():
    """File name → text, for the units and credential files of the example."""
    return {os.path.basename(path): one.text for path, one in render.wanted(example(), PROGRAMS).items()}


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.iterdir()))
def test_every_unit_is_rendered_byte_for_byte_as_expected(name):
    assert rendered()[name] == (DATA / name).read_text(encoding="utf-8")


def test_there_is_a_unit_and_a_credential_file_per_enabled_camera_and_for_the_uploader_and_nothing_else():
    assert sorted(render.wanted(example(), PROGRAMS)) == [
        "/etc/camera-backup/credentials/camera-recorder-back-yard.json",
        "/etc/camera-backup/credentials/camera-recorder-front-door.json",
        "/etc/camera-backup/credentials/camera-uploader.json",
        "/etc/systemd/system/camera-recorder-back-yard.service",
        "/etc/systemd/system/camera-recorder-front-door.service",
        "/etc/systemd/system/camera-uploader.service",
    ]


def test_rendering_twice_gives_the_same_bytes():
    assert rendered() == rendered()


def test_the_order_of_the_cameras_changes_no_unit_and_no_file_of_a_camera():
    forth = render.wanted(make("a", "b"), PROGRAMS)
    back = render.wanted(make("b", "a"), PROGRAMS)

    assert {path for path in forth if forth[path] != back[path]} <= {
        "/etc/camera-backup/credentials/camera-uploader.json"
    }


def test_no_secret_is_in_a_unit_and_each_service_gets_only_its_own():
    files = rendered()
    units = "".join(text for name, text in files.items() if name.endswith(".service"))

    for secret in ("pa%20ss", "first-secret", "AKIA5PLANTEDKEY", "planted+secret"):
        assert secret not in units
    for name, text in files.items():
        assert ("AKIA5PLANTEDKEY" in text) == (name == "camera-uploader.json")
        assert ("first-secret" in text) == (name == "camera-recorder-back-yard.json")


def test_the_uploader_knows_disabled_cameras_too():
    assert json.loads(rendered()["camera-uploader.json"])["cameras"] == ["front-door", "back-yard", "attic"]


def test_secret_files_are_closed_and_units_are_open():
    modes = {path: one.mode for path, one in render.wanted(example(), PROGRAMS).items()}

    assert {mode for path, mode in modes.items() if path.endswith(".json")} == {0o600}
    assert {mode for path, mode in modes.items() if path.endswith(".service")} == {0o644}
    assert all(one.secret == path.endswith(".json") for path, one in render.wanted(example(), PROGRAMS).items())


@pytest.mark.parametrize(
    "config",
    [
        make("door", storage={"local_path": "/home/nvr/footage"}),
        make("door", storage={"local_path": "/root/footage", "state_path": "/var/lib/state"}),
        make("door", recording={"ffmpeg": "/home/nvr/bin/ffmpeg"}),
        make({"name": "door", "rtsp_url": "rtsps://10.1.1.1/s", "tls": {"ca_file": "/home/nvr/ca.pem"}}),
    ],
    ids=["footage", "root", "ffmpeg", "authority"],
)
def test_home_directories_are_hidden_unless_a_configured_path_is_in_one(config):
    assert "ProtectHome=yes\n" in rendered()["camera-uploader.service"]

    text = render.wanted(config, PROGRAMS)["/etc/systemd/system/camera-recorder-door.service"].text
    assert "ProtectHome=read-only\n" in text
    assert "# why: a configured path lies in a home directory" in text


def test_each_block_is_in_alphabetical_order_after_what_describes_the_unit():
    for name, text in rendered().items():
        if name.endswith(".service"):
            for block in text.split("\n\n"):
                keys = [line.split("=")[0] for line in block.splitlines() if "=" in line and line[0] not in "#["]
                keys = [key for key in keys if key not in ("Description", "Documentation")]
                assert keys == sorted(keys), (name, block)


def test_a_path_that_no_unit_can_hold_is_refused():
    with pytest.raises(ConfigError, match="control characters"):
        render.wanted(make("door"), "/opt/two\nlines")


if __name__ == "__main__":
    for name, text in rendered().items():
        if name.endswith(".service"):
            (DATA / name).write_text(text, encoding="utf-8")


def test_templates_are_compiled_once_and_not_for_every_camera():
    assert render._environment() is render._environment()
