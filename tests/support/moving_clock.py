"""A clock that a test can set while a recorder runs."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.support.recorder import LIBFAKETIME
from tests.support.together import Stage


def moving_clock(stage: Stage) -> tuple[dict[str, str], Path, str]:
    """Return an environment, and a file that says by how many seconds its clock is off; also for FFmpeg itself.

    The third value is the FFmpeg to be configured.
    """
    stage.directory.mkdir(parents=True, exist_ok=True)
    offset = stage.directory / "offset"
    wrapped = stage.directory / "ffmpeg"
    variables = {
        "LD_PRELOAD": LIBFAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    exports = "".join("export %s='%s'\n" % pair for pair in variables.items() if pair[0] != "LD_PRELOAD")
    program = Path(shutil.which(stage.ffmpeg)).resolve()
    # The 7.1 of the tests is a script that starts a dynamic loader; the preload has to reach FFmpeg itself.
    preload = "LD_PRELOAD='%s' " % LIBFAKETIME
    wrapped.write_text('#!/bin/sh\n%sexec env %s%s "$@"\n' % (exports, preload, program))
    wrapped.chmod(0o755)
    return variables, offset, str(wrapped)
