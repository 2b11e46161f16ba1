"""The text table: alignment that holds for every script, colour only where a person looks."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup import table
from camera_backup.table import BAD, OK, Cell


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_columns_are_as_wide_as_their_widest_cell_and_lines_have_no_trailing_space():
    text = table.render([["front", "1", "x"], ["a", "22", ""]], header=["CAMERA", "N", "NOTE"])
    assert text == "CAMERA  N   NOTE\nfront   1   x\na       22\n"


def test_a_right_column_is_aligned_to_the_right():
    assert table.render([["a", "1"], ["b", "100"]], right=[1]) == "a    1\nb  100\n"


def test_no_rows_give_no_table_not_even_a_header():
    assert table.render([], header=["A"]) == ""


@pytest.mark.parametrize(("text", "columns"), [("abc", 3), ("カメラ", 6), ("e\u0301", 1), ("ﾊ", 1), ("ü", 1), ("", 0)])
def test_width_counts_terminal_columns_not_characters(text, columns):
    assert table.width(text) == columns


def test_wide_characters_do_not_shift_the_next_column():
    assert table.render([["カメラ", "1"], ["abcdef", "2"]]) == "カメラ  1\nabcdef  2\n"


def test_states_become_colours_only_when_asked_for():
    rows = [[Cell("on", OK), Cell("off", BAD)]]
    assert table.render(rows) == "on  off\n"
    assert table.render(rows, colour=True) == "\x1b[32mon\x1b[0m  \x1b[31moff\x1b[0m\n"


def test_colour_does_not_count_as_width():
    coloured = table.render([[Cell("a", OK), "x"], ["long", "y"]], colour=True)
    assert coloured == "\x1b[32ma\x1b[0m     x\nlong  y\n"


def test_a_terminal_gets_colour_a_pipe_and_no_color_do_not():
    assert table.wants_colour(Terminal(), {"TERM": "xterm"})
    assert not table.wants_colour(io.StringIO(), {"TERM": "xterm"})
    assert not table.wants_colour(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert table.wants_colour(Terminal(), {"TERM": "xterm", "NO_COLOR": ""})
    assert not table.wants_colour(Terminal(), {"TERM": "dumb"})


def test_control_characters_from_a_bucket_cannot_drive_the_terminal():
    assert table.render([["a\x1b[2Jb\nc"]]) == "a\ufffd[2Jb\ufffdc\n"


def test_the_last_column_wraps_under_itself_in_a_narrow_terminal():
    text = table.render([["ab", "one two three four five six seven"]], limit=28)
    assert text == "ab  one two three four five\n    six seven\n"


def test_without_a_limit_a_row_stays_one_line_for_grep():
    assert table.render([["ab", "word " * 80 + "end"]]).count("\n") == 1


@given(st.lists(st.tuples(st.text(), st.text(), st.text()), min_size=1))
def test_whatever_the_texts_there_is_one_line_a_row_and_columns_start_at_the_same_place(rows):
    lines = table.render(rows).splitlines()
    assert len(lines) == len(rows)
    start = max(table.width(table.plain(row[0])) for row in rows) + 2
    for line, row in zip(lines, rows):
        first = table.plain(row[0])
        assert line.startswith(first.rstrip())
        if table.plain(row[1]).strip():
            padding = line[len(first) :]
            assert padding.startswith(" " * (start - table.width(first)))


@given(st.text(alphabet="ab カメ"), st.integers(4, 40))
def test_wrapping_loses_no_word_and_keeps_to_the_limit_where_words_allow(text, limit):
    lines = table.wrapped(text, limit)
    assert " ".join(lines).split() == text.split()
    assert all(table.width(line) <= limit or " " not in line.strip() for line in lines)
