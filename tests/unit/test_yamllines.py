import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camera_backup.config import yamllines
from camera_backup.config.yamllines import Mark, Unreadable, read


def refusal(text):
    with pytest.raises(Unreadable) as caught:
        read(text)
    return caught.value.line, str(caught.value)


def test_values_come_with_the_line_of_their_key_and_how_they_were_written():
    document = read("a: 1\nb:\n  - on\n  - 'x'\n  - c: >\n      long\n      text\n")

    assert document.data == {"a": 1, "b": [True, "x", {"c": "long text\n"}]}
    assert document.marks[("a",)] == Mark(1, "1")
    assert document.marks[("b",)] == Mark(2)
    assert document.marks[("b", 0)] == Mark(3, "on")
    assert document.marks[("b", 1)] == Mark(4)
    assert document.marks[("b", 2, "c")] == Mark(5)
    assert document.problems == []


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("~", None),
        ("", None),
        ("null", None),
        ("yes", True),
        ("off", False),
        ("0060", 48),
        ("0x10", 16),
        ("1:30", 90),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("2026-01-01", "2026-01-01"),
        ("2026-99-99", "2026-99-99"),
        ("=", "="),
        ('"5"', "5"),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_plain_values_are_those_of_yaml_1_1_except_that_dates_stay_text(written, value):
    assert read("key: " + written).data == {"key": value}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\n\tb: 2\n", 2, "is not valid YAML: a tab stands where only spaces may"),
        ("a:\n  b: 1\n c: 2\n", 3, "a line is indented in another way than those above it"),
        ("a: b: c\n", 1, 'a value holds ": ", or a line is indented too far; put the value in quotes'),
        ("a: 1\n  b: 2\n", 2, 'a value holds ": ", or a line is indented too far; put the value in quotes'),
        ("a: 'open\n", 2, "a quote is opened and never closed"),
        ("a: [1, 2\nb: 3\n", 2, "a bracket is opened and never closed, or a comma is missing"),
        ("a: 1\n---\nb: 2\n", 2, "a second document begins (---); only one is read"),
        ("a: 1\nb\nc: 2\n", 3, 'a line is neither "key: value" nor part of the value above'),
        ("a: %x\n", 1, "% cannot begin a value; put the value in quotes"),
        ("a: @x\n", 1, "@ cannot begin a value; put the value in quotes"),
        ("a: `x\n", 1, "` cannot begin a value; put the value in quotes"),
        ("a: *hunter2\n", 1, "a value that begins with * is a reference to another one; put it in quotes"),
        ("a: &hunter2 1\nb: &hunter2 2\n", 2, "a value that begins with & is a name for references; put it in quotes"),
        ("a: !hun!ter2 x\n", 1, "a value that begins with ! is a tag; put it in quotes"),
        ('a: "hun\\ter\\2"\n', 1, "a backslash in double quotes begins an escape; use single quotes"),
        ('a: "\\uhunt"\n', 1, "a backslash in double quotes begins an escape; use single quotes"),
        ("a: 1\nb: \x07\n", 2, "holds the control character U+0007, which YAML does not allow"),
        ('a: "\\UFFFFFFFF"\n', 0, "holds an escape or a number that cannot be read"),
        ("[" * 1500, 0, "is nested too deeply"),
        ("a: &x [*x]\n", 1, "holds a reference (*) to something that it is itself part of"),
        ("a: &x\n  <<: *x\n", 2, "holds a reference (*) to something that it is itself part of"),
        ("a: |hunter2\n", 1, "is not valid YAML: expected chomping or indentation indicators, but found this"),
    ],
)
def test_what_is_no_yaml_is_explained_in_one_line_that_quotes_at_most_one_character(text, line, message):
    found, shown = refusal(text)

    assert message in shown
    assert (found, shown.count("\n")) == (line, 0)
    assert "hun" not in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", (3, "key a is given twice, here and further up")),
        ("a:\n  b: 1\n  b: 1\n", (3, "key b is given twice, here and further up")),
        ("? [a]\n: 1\n", (1, "has a list or a mapping as a key")),
        ("a: !secret x\n", (1, "has a tag (!), which is not used here; quote a value that begins with !")),
        (
            "a: !!python/object/apply:os.system [ls]\n",
            (1, "has a tag (!), which is not used here; quote a value that begins with !"),
        ),
        ("a: !!set {x}\n", (1, "has a tag (!), which is not used here; quote a value that begins with !")),
        ("a: !!map x\n", (1, "has a tag (!), which is not used here; quote a value that begins with !")),
        ("a: !!seq x\n", (1, "has a tag (!), which is not used here; quote a value that begins with !")),
        ("a: !!seq {x: 1}\n", (1, "has a tag (!), which is not used here; quote a value that begins with !")),
        ("a: !!map [x]\n", (1, "has a tag (!), which is not used here; quote a value that begins with !")),
        ("a: !!int hunter2\n", (1, "has a value that cannot be read as the int it seems to be")),
        ("a: !!bool hunter2\n", (1, "has a value that cannot be read as the bool it seems to be")),
        ("a: !!int ''\n", (1, "has a value that cannot be read as the int it seems to be")),
        ("a: 1\nb: %s\n" % ("9" * 5000), (2, "has a value that cannot be read as the int it seems to be")),
        ("a:\n  <<: 5\n", (2, "<< takes a mapping, or a list of mappings")),
    ],
)
def test_what_is_yaml_and_still_a_mistake_is_collected(text, problem):
    assert read(text).problems == [problem]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("wrkers", "wrkers"),
        ("5", "5"),
        ("n\u0430me", '"n\\u0430me"'),
        ("rtsp://u:hunter2@cam", "********"),
        ("p@ssword", "********"),
        ("two words", "********"),
        ("wJalrXUtnFEMIK7MDENG", "********"),
        ("a" * 41, "********"),
    ],
)
def test_a_key_that_is_more_likely_a_lost_value_is_not_shown(key, shown):
    (problem,) = read("'%s': 1\n'%s': 1\n" % (key, key)).problems

    assert problem == (2, "key %s is given twice, here and further up" % shown)


def test_merge_keys_fill_in_and_the_own_keys_win_with_their_own_lines():
    document = read(
        "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall:\n  b: 3\n  <<: [*one, *two]\nrest:\n  <<: [*one, *two]\n"
    )

    assert document.data["all"] == {"a": 1, "b": 3, "c": 2}
    assert document.data["rest"] == {"a": 1, "b": 1, "c": 2}
    assert document.marks[("all", "b")].line == 4
    assert document.marks[("all", "a")].line == 1
    assert document.marks[("rest", "b")].line == 1
    assert document.problems == []


@pytest.mark.timeout(30)
def test_references_that_multiply_are_refused_before_they_fill_the_memory():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 12):
        bomb += "a%d: &a%d [%s]\n" % (level, level, ", ".join(["*a%d" % (level - 1)] * 10))

    assert refusal(bomb)[1] == "holds more than 100000 values, counting references"


@given(st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`, \n\t?<=~0_.1\\ux") | st.characters(), max_size=80))
@example("")
@example("\ufeff")
@example("%YAML 99999999999.1\n---\n")
@example("!!float .")
@example("? ")
def test_any_text_is_read_or_refused(text):
    try:
        document = read(text)
    except Unreadable as error:
        assert "\n" not in str(error)  # noqa: PT017 - either outcome is well, another exception is not
        return
    assert document.marks == {} or () in document.marks


def test_a_thousand_cameras_stay_far_below_the_limit_of_values():
    camera = "  - {name: c%d, rtsp_url: 'rtsp://10.0.0.1/s', enabled: true, audio: auto, transport: tcp}\n"
    document = read("cameras:\n" + "".join(camera % number for number in range(1000)))

    assert len(document.marks) < yamllines.MOST_VALUES / 10
