"""What the role says of itself is what the schema says, every playbook is sound, the inventories are valid."""

import re
import subprocess

import pytest
import yaml

from camera_backup.config.schema import ROOT as SCHEMA
from camera_backup.fleet import specs, variables
from tests.fleet.ansible import BIN, ROOT
from tools import fleet_docs

ROLE = ROOT / "roles/camera_backup"
PLAYBOOKS = ["site.yml", *sorted("playbooks/" + path.name for path in (ROOT / "playbooks").glob("*.yml"))]


def read(path):
    return yaml.safe_load((ROLE / path).read_text())


@pytest.mark.parametrize("path", fleet_docs.generated(), ids=lambda path: path.name)
def test_what_is_generated_is_what_the_schema_says(path):
    assert path.read_text() == fleet_docs.generated()[path], "run: make docs"


def test_defaults_specs_and_readme_know_the_same_variables():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    commented = set(re.findall(r"^# (camera_backup_\w+): ", specs.defaults(), re.MULTILINE))
    readme = (ROLE / "README.md").read_text()

    assert set(read("defaults/main.yml")) | commented == set(options)
    assert commented == {name for name, option in options.items() if option.get("required")}
    assert [name for name in variables.names() if "`%s`" % name not in readme] == []
    assert set(options) <= set(variables.names())


def test_defaults_are_those_of_the_specs():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert {name: options[name].get("default") for name in read("defaults/main.yml")} == read("defaults/main.yml")


def test_every_key_of_the_schema_has_exactly_one_variable():
    keys = [(section.name, key.name) for section in SCHEMA.sections if not section.many for key in section.keys]

    assert sorted((one.section.name, one.key.name) for one in variables.of_config()) == sorted(keys)
    assert len(set(variables.names())) == len(variables.names())


def test_secrets_are_marked_as_secrets_in_the_specs():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    cameras = options["camera_backup_cameras"]["options"]

    assert [name for name, option in options.items() if option.get("no_log")] == [
        "camera_backup_s3_access_key_id",
        "camera_backup_s3_secret_access_key",
    ]
    assert [name for name, option in cameras.items() if option.get("no_log")] == ["rtsp_url", "password"]


def test_what_may_be_null_has_no_choices_for_ansible_refuses_null_there():
    options = read("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    nested = options["camera_backup_cameras"]["options"]

    for name, option in [*options.items(), *nested.items()]:
        assert "choices" not in option or "default" in option, name


def ansible(program, *arguments):
    return subprocess.run([str(BIN / program), *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_is_sound(playbook):
    done = ansible(
        "ansible-playbook", "-i", "inventory/example", "-e", "target=nvr-berlin-1", "--syntax-check", playbook
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("inventory", ["example", "demo"])
def test_the_inventories_of_this_checkout_are_valid(inventory, tmp_path):
    play = tmp_path / "validate.yml"
    play.write_text(
        "- hosts: nvr\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.import_role: {name: camera_backup, tasks_from: validate.yml}\n"
    )

    done = ansible("ansible-playbook", "-i", "inventory/" + inventory, str(play))

    assert done.returncode == 0, done.stdout
    assert "ok=2" in done.stdout
