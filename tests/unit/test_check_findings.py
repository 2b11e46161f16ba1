"""From findings to the verdict."""

from __future__ import annotations

import pytest

from camera_backup.check.findings import BUCKET, CAMERA, HOST, OK, PROBLEM, WARNING, Finding, exit_code, summary


def finding(area, level, subject="x"):
    return Finding(area, subject, "item", level, "text")


def test_warnings_do_not_fail_a_check():
    assert exit_code([finding(area, level) for area in (HOST, CAMERA, BUCKET) for level in (OK, WARNING)]) == 0
    assert exit_code([]) == 0


@pytest.mark.parametrize(("areas", "code"), [((BUCKET,), 6), ((BUCKET, CAMERA), 5), ((CAMERA, HOST, BUCKET), 4)])
def test_the_exit_code_is_that_of_what_has_to_be_repaired_first(areas, code):
    assert exit_code([finding(area, PROBLEM) for area in areas]) == code


def test_the_summary_names_what_has_problems_and_does_not_drown_in_them():
    assert summary([finding(HOST, OK)]) == "all well"
    found = [finding(CAMERA, PROBLEM, "front"), finding(CAMERA, PROBLEM, "front"), finding(BUCKET, WARNING, "bucket")]
    assert summary(found) == "2 problems (front), 1 warning (bucket)"
    many = [finding(CAMERA, PROBLEM, "c%d" % number) for number in range(9)]
    assert summary(many) == "9 problems (c0, c1, c2, c3, c4 and 4 more)"
