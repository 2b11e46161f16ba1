"""What is generated from the schema is committed, is current, and is true."""

import contextlib
import io
import pathlib
import re

import pytest
import yaml

from camera_backup import cli, config
from camera_backup.config.keys import Key
from camera_backup.config.schema import ROOT
from tests.support.configurations import problems

ROOT_DIRECTORY = pathlib.Path(__file__).parents[2]
DOCUMENT = ROOT_DIRECTORY / "docs" / "configuration.md"
TEMPLATE = ROOT_DIRECTORY / "camera_backup" / "templates" / "config.yaml"

PLACEHOLDERS = [
    ("YOUR_ACCESS_KEY_ID", "AKIA"),
    ("YOUR_SECRET_ACCESS_KEY", "s3cret"),
    ("YOUR_ENDPOINT", "s3.eu-central-1.amazonaws.com"),
    ("camera-ip", "192.168.1.20"),
]


def printed(*arguments):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert cli.main(["schema", *arguments]) == 0
    return output.getvalue()


@pytest.mark.parametrize(("path", "form"), [(DOCUMENT, "reference"), (TEMPLATE, "template")])
def test_the_committed_file_is_what_the_schema_says(path, form):
    assert path.read_text() == printed("--format", form), "run: camera-backup schema --format %s > %s" % (form, path)


def names(section, above=""):
    for item in section.items:
        if isinstance(item, Key):
            yield above + item.name, item
        else:
            yield from names(item, above + item.name + ("[]." if item.many else "."))


@pytest.mark.parametrize(("name", "key"), [pytest.param(*pair, id=pair[0]) for pair in names(ROOT)])
def test_the_reference_has_every_key_with_all_that_is_known_of_it(name, key):
    entry = DOCUMENT.read_text().partition("### `%s`\n" % name)[2].partition("\n#")[0]
    words = " ".join(entry.split())

    assert key.meaning in words
    assert key.consequence in words
    assert "- Accepted: " + key.kind.accepted in words
    assert "- Default: " in words
    assert "- Example: `%s: %s`" % (key.name, key.example) in words
    assert ("- Secret" in words) == key.secret


def test_the_reference_has_no_key_that_does_not_exist():
    headings = re.findall(r"^### `(.*)`$", DOCUMENT.read_text(), re.MULTILINE)

    assert headings == [name for name, _ in names_in_order(ROOT)]


def names_in_order(section, above=""):
    for child in section.sections:
        name = above + child.name + ("[]." if child.many else ".")
        yield from ((name + key.name, key) for key in child.keys)
        yield from names_in_order(child, name)


def test_the_complete_example_of_the_reference_is_valid():
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)

    assert problems(example) == []


def test_the_message_shown_in_the_reference_is_one_that_is_given():
    (shown,) = re.findall(r"^/etc/camera-backup/(config.yaml:\d+: .*)$", DOCUMENT.read_text(), re.MULTILINE)
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)

    assert problems(example.replace("segment_duration", "segment_time")) == [shown]


def test_the_template_is_refused_for_exactly_its_placeholders():
    found = problems(TEMPLATE.read_text())

    assert [re.sub(r"^config.yaml:\d+: (\S+?):? .*", r"\1", line) for line in found] == [
        "s3.access_key_id",
        "s3.secret_access_key",
        "s3.endpoint",
        "cameras[0].rtsp_url",
        "cameras[1].rtsp_url",
    ]
    assert all("is a placeholder" in line for line in found)


def filled(text):
    for placeholder, value in PLACEHOLDERS:
        assert placeholder in text
        text = text.replace(placeholder, value)
    return text


def test_the_template_is_valid_once_its_placeholders_are_replaced_and_changes_no_default():
    plain = """\
s3: {access_key_id: AKIA, secret_access_key: s3cret, bucket: camera-backups, endpoint: "https://s3.eu-central-1.amazonaws.com"}
cameras:
  - {name: front-door, rtsp_url: "rtsp://user:password@192.168.1.20:554/stream"}
  - {name: back-yard, rtsp_url: "rtsp://user:password@192.168.1.20:554/stream"}
"""

    assert config.parse(filled(TEMPLATE.read_text()), "template") == config.parse(plain, "plain")


def test_every_key_that_is_commented_out_in_the_template_can_be_put_in():
    text = re.sub(r"^( *)#([a-z_0-9]+:|  [a-z_]+:)", r"\1\2", filled(TEMPLATE.read_text()), flags=re.MULTILINE)
    data = yaml.safe_load(text)

    assert sorted(data["cameras"][0]) == sorted(item.name for item in CAMERAS_ITEMS)
    for section in ("storage", "s3", "recording", "upload"):
        assert sorted(data[section]) == sorted(item.name for item in SECTIONS[section].items)
    # What cannot stand side by side is refused for that alone.
    assert [re.sub(r"^config.yaml:\d+: (\S+) .*", r"\1", line) for line in problems(text)] == [
        "storage.local_retention:",
        "cameras[0].rtsp_url",
        "cameras[0].tls",
    ]


SECTIONS = {section.name: section for section in ROOT.sections}
CAMERAS_ITEMS = SECTIONS["cameras"].items
