"""Which FFmpeg a host has."""

from __future__ import annotations

import pytest

from camera_backup.check import program
from camera_backup.check.findings import OK, PROBLEM


def fake(tmp_path, output):
    path = tmp_path / "ffmpeg"
    path.write_text("#!/bin/sh\ncat <<'END'\n%s\nEND\n" % output)
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("text", "library", "level", "words"),
    [
        ("5.1.9-0+deb12u1", "59. 27.100 / 59. 27.100", OK, "5.1.9-0+deb12u1: segments are remuxed when closed"),
        ("7.1.5", "61.  7.100 / 61.  7.100", OK, "finished as they are written"),
        ("4.3.8", "58. 45.100 / 58. 45.100", PROBLEM, "older than 5.1"),
    ],
)
def test_the_version_decides(tmp_path, text, library, level, words):
    path = fake(tmp_path, "ffmpeg version %s Copyright (c)\nlibavformat    %s" % (text, library))
    finding = program.finding(path, program.look(path))
    assert finding.level == level
    assert words in finding.text


def test_a_missing_program_and_one_that_is_no_ffmpeg_are_told_apart(tmp_path):
    missing = program.finding("ffmpeg-x", program.look(str(tmp_path / "none")))
    assert (missing.level, missing.text) == (PROBLEM, "ffmpeg-x: no such program")
    other = fake(tmp_path, "hello")
    assert "does not answer like FFmpeg" in program.finding(other, program.look(other)).text


def test_the_ffmpeg_of_this_machine_is_recognised():
    assert program.finding("ffmpeg", program.look("ffmpeg")).level == OK
