"""Settings of all tests."""

import os
import signal

import pytest
from hypothesis import settings

from camera_backup import journal, redact

# No deadline: how long an example takes says nothing on a busy machine. In CI the same examples every time, so that a
# change is never blamed for what it did not do; at the desk new ones with every run.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")

# Started in the background (`nohup make test &`), we ignore these, and so would every child: no Ctrl-C would end it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _secrets_of_its_own(monkeypatch):
    """Let every test begin without the secrets that others taught this process to hide."""
    monkeypatch.setattr(journal, "redact", redact.Redactor())
