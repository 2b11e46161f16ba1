"""jsonschema is the oracle: what JSON Schema can say, it and our own walker say alike."""

import contextlib
import io
import json

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_backup import cli
from camera_backup.config import reference, walker
from camera_backup.config.keys import REQUIRED, Key
from camera_backup.config.schema import CAMERAS, ROOT
from tests.support.configurations import BASE

ORACLE = jsonschema.Draft202012Validator(reference.json_schema())

ODD = [
    None, True, False, 0, 1, -1, 5, 16, 17, 86400, 86401, 2**70, 300.0, 1.5, float("inf"), float("nan"),
    "", " ", "\n", "a\n", "\u2028", "\U0001f600", "fr\u043ent", "\uff41", "-a", "a" * 63, "a" * 64, "a" * 300,
    "yes", "off", "auto", "copy", "path", "tcp", "5", "front-door",
    "16MiB", "16 MiB", "16M", "1.5GB", "0B", "99999999999999999B", "8Mbit/s",
    "30d", "30 d", "0d", "10000d", "1.5d", "30D", "drop_oldest",
    "/", "/srv/x", "/x\n", "srv", "a/b", "a/../b", "../x", ".", "a//b", "/a", "a/",
    "rtsp://", "rtsp://x", "RTSPS://u:p@x", "http://x", "https://x/", "HTTPS://x y",
    "ab" * 32, ":".join(["AB"] * 32), "ab" * 31,
    [], {}, [1], {"a": 1},
]  # fmt: skip


def ours(data):
    _, found = walker.walk(data, {})
    return {problem.path for problem in found.problems if not problem.beyond}


def theirs(data):
    found = set()
    for error in ORACLE.iter_errors(data):
        path = tuple(error.absolute_path)
        if error.validator == "required":
            found |= {(*path, name) for name in error.validator_value if name not in error.instance}
        elif error.validator == "additionalProperties":
            found |= {(*path, name) for name in error.instance if name not in error.schema["properties"]}
        else:
            found.add(path)
    return found


def values(key):
    return st.one_of(st.just(yaml.safe_load(key.example)), st.sampled_from(ODD), st.text(max_size=5), st.integers())


def mappings(section):
    known = {item.name: values(item) if isinstance(item, Key) else documents(item) for item in section.items}
    whole = st.fixed_dictionaries({}, optional=known)
    unknown = st.dictionaries(st.sampled_from(["x", "nmae", "workers"]), st.sampled_from(ODD), max_size=1)
    return st.builds(lambda one, other: {**one, **other}, whole, unknown)


def documents(section):
    one = mappings(section._replace(many=False))
    inner = st.lists(one, max_size=3) if section.many else one
    return st.one_of(inner, inner, inner, st.sampled_from(ODD))


def test_the_schema_itself_is_valid():
    jsonschema.Draft202012Validator.check_schema(reference.json_schema())


@settings(max_examples=300)
@given(mappings(ROOT))
def test_our_verdict_on_every_key_is_that_of_jsonschema(data):
    assert ours(data) == theirs(data)


def every_key(section=ROOT, path=()):
    for item in section.items:
        if isinstance(item, Key):
            yield pytest.param(item, path, id=".".join(map(str, (*path, item.name))))
        else:
            yield from every_key(item, (*path, item.name, 0) if item.many else (*path, item.name))


EVERY_KEY = list(every_key())


def with_value(path, key, value):
    data = yaml.safe_load(BASE)
    place = data
    for step in path:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    place[key.name] = value
    return data


@pytest.mark.parametrize(("key", "path"), EVERY_KEY)
def test_our_verdict_on_every_odd_value_of_a_key_is_that_of_jsonschema(key, path):
    for value in ODD:
        data = with_value(path, key, value)
        assert ours(data) == theirs(data), value


@pytest.mark.parametrize(("key", "path"), EVERY_KEY)
def test_the_example_and_the_default_of_a_key_are_well_and_all_is_said_about_it(key, path):
    example = yaml.safe_load("%s: %s" % (key.name, key.example))[key.name]

    assert ours(with_value(path, key, example)) == set()
    assert key.default is REQUIRED or ours(with_value(path, key, key.default)) == set()
    assert key.meaning.endswith(".")
    assert key.consequence.endswith(".")


def test_a_secret_is_marked_as_one_for_editors():
    properties = reference.json_schema()["properties"]

    assert properties["s3"]["properties"]["secret_access_key"]["writeOnly"] is True
    assert properties["cameras"]["items"]["properties"]["password"]["writeOnly"] is True
    assert "writeOnly" not in properties["s3"]["properties"]["bucket"]


def test_what_is_secret_is_exactly_this():
    secret = {one.values[0].name for one in EVERY_KEY if one.values[0].secret}

    assert secret == {"access_key_id", "secret_access_key", "rtsp_url", "password"}


def test_the_command_prints_a_schema_that_an_editor_can_read():
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert cli.main(["schema"]) == 0

    schema = json.loads(output.getvalue())
    assert schema == reference.json_schema()
    assert jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(BASE))


def test_patterns_use_nothing_that_ecmascript_does_not_know():
    shown = reference.json_text()

    assert not [
        construct for construct in ("(?P", "(?i", "\\\\Z", "\\\\A", "(?<=", "\\\\w", "\\\\d") if construct in shown
    ]


def test_cameras_are_the_only_list():
    assert [section.name for section in ROOT.sections if section.many] == [CAMERAS.name]
