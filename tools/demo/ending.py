"""However a demo ends, it ends in order: by itself, by Ctrl-C, by a failure."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Callable

from tools.demo.shell import say

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def played(demo: Callable[[], int]) -> int:
    """Run a demo that tidies up when it is unwound; return its exit code."""
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    try:
        return demo()
    except KeyboardInterrupt:
        say("\nInterrupted; everything is stopped and tidied up.")
        return 130
    except (OSError, RuntimeError) as error:
        say("\nThe demo failed: %s" % error)
        return 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Unwind once; a second Ctrl-C must not cut the tidying short."""
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt
