"""The table of a check and its JSON."""

from __future__ import annotations

from camera_backup.check import view
from camera_backup.check.findings import BUCKET, CAMERA, HOST, OK, PROBLEM, WARNING, Finding

FOUND = [
    Finding(HOST, "this host", "FFmpeg", OK, "5.1.9"),
    Finding(HOST, "this host", "disk", WARNING, "2 GB free", "use a larger disk"),
    Finding(CAMERA, "front", "login", PROBLEM, "refused", "check user and password"),
    Finding(BUCKET, "bucket b", "access", OK, "works"),
]


def test_the_table_is_grouped_by_subject_and_says_what_to_do_beneath_what_is_not_well():
    assert view.text(FOUND, False, None) == (
        "WHAT               RESULT   SEEN\n"
        "this host  FFmpeg  ok       5.1.9\n"
        "           disk    warning  2 GB free\n"
        "                            → use a larger disk\n"
        "front      login   problem  refused\n"
        "                            → check user and password\n"
        "bucket b   access  ok       works\n"
        "\n"
        "1 problem (front), 1 warning (this host)\n"
    )


def test_the_verdict_is_red_for_problems_yellow_for_warnings_green_for_none():
    colours = [view.text(found, True, None).splitlines()[-1][:5] for found in (FOUND, FOUND[:2], FOUND[:1])]
    assert colours == ["\x1b[31m", "\x1b[33m", "\x1b[32m"]


def test_json_holds_every_finding_and_the_exit_code():
    value = view.as_json(FOUND)
    assert (value["ok"], value["exit_code"]) == (False, 5)
    assert value["findings"][0] == {
        "area": "host",
        "subject": "this host",
        "item": "FFmpeg",
        "level": "ok",
        "text": "5.1.9",
        "advice": None,
    }
