import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.errors import ConfigError, HostError
from camera_backup.units import escape


@pytest.mark.parametrize(
    ("raw", "word"),
    [
        ("/srv/footage", "/srv/footage"),
        ("/srv/100%", "/srv/100%%"),
        ("/srv/$HOME", "/srv/$HOME"),
        ("/srv/two words", '"/srv/two words"'),
        ('/srv/a"b', '"/srv/a\\"b"'),
        ("/srv/it's", '"/srv/it\'s"'),
        ("/srv/a\\b", '"/srv/a\\\\b"'),
        ("/srv/küche", '"/srv/küche"'),
        ("/srv//footage/", "/srv/footage"),
        ("//srv/footage", "/srv/footage"),
        ("/", "/"),
    ],
)
def test_a_path_is_quoted_and_escaped_only_where_systemd_would_misread_it(raw, word):
    assert escape.path(raw) == word


@pytest.mark.parametrize("raw", ["", "srv", "./srv", "/a\nb", "/a\tb", "/a\0b", "/a\x7fb", "/a\udcffb"])
def test_what_no_unit_can_hold_is_refused_with_one_line_that_shows_it(raw):
    with pytest.raises(ConfigError) as caught:
        escape.path(raw)

    assert repr(raw) in str(caught.value)
    assert len(caught.value.problems) == 1


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_a_word_never_breaks_the_line_nor_opens_a_comment(tail):
    word = escape.path("/" + tail)

    assert word[0] in '/"'
    assert not set(word) & set("\n\r\t")
    assert not word.endswith("\\")


def test_a_program_may_be_anywhere_but_where_systemd_runs_none():
    assert escape.program("/opt/two words/100%/camera-backup") == '"/opt/two words/100%%/camera-backup"'
    for odd in "\"'\\":
        with pytest.raises(HostError, match="install elsewhere"):
            escape.program("/opt/%s/camera-backup" % odd)
