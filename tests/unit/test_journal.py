import io
import sys

import pytest

from camera_backup import journal
from camera_backup.redact import Redactor


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(journal, "redact", Redactor())
    monkeypatch.setattr(journal, "verbosity", journal.INFO)
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)


def test_an_event_is_one_line_of_keys_and_values(capsys):
    journal.log(journal.INFO, "segment", camera="front-door", bytes=7, seconds=1.5, note='two "words"\nhere', none=None)

    assert capsys.readouterr().err == (
        'segment camera=front-door bytes=7 seconds=1.500 note="two \\"words\\"\\nhere" none=-\n'
    )


def test_journald_is_told_the_priority_and_a_terminal_is_not(capsys, monkeypatch):
    journal.log(journal.WARNING, "late")
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    journal.log(journal.WARNING, "late")

    assert capsys.readouterr().err == "late\n<4>late\n"


def test_a_secret_is_masked_in_the_values(capsys):
    journal.redact.hide("hunter2")
    journal.log(journal.INFO, "opened", url="rtsp://u:hunter2@cam/s", detail="hunter2")

    assert "hunter2" not in capsys.readouterr().err


def test_debug_events_are_shown_only_when_asked_for(capsys, monkeypatch):
    journal.log(journal.DEBUG, "tick")
    monkeypatch.setattr(journal, "verbosity", journal.DEBUG)
    journal.log(journal.DEBUG, "tock")

    assert capsys.readouterr().err == "tock\n"


def test_a_closed_journal_does_not_end_a_recording(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)

    journal.log(journal.ERROR, "nobody hears this")
