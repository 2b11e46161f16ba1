"""What every task of a run took and how many results it had, as JSON in the file that BENCHMARK_CLOCK names."""

from __future__ import annotations

DOCUMENTATION = r"""
name: benchmark_clock
type: aggregate
short_description: Seconds and results of every task
description:
  - A loop has one result for each of its items, and one for the task.
requirements:
  - enabled by E(ANSIBLE_CALLBACKS_ENABLED)
"""

import json
import os
import time

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Watches only."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "benchmark_clock"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self._tasks = []

    def _end(self):
        if self._tasks and "began" in self._tasks[-1]:
            self._tasks[-1]["seconds"] = time.monotonic() - self._tasks[-1].pop("began")

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._end()
        self._tasks.append({"name": task.get_name(), "results": 0, "began": time.monotonic()})

    def v2_playbook_on_play_start(self, play):
        self._end()

    def _count(self, result):
        self._tasks[-1]["results"] += 1

    v2_runner_on_ok = _count
    v2_runner_on_skipped = _count
    v2_runner_item_on_ok = _count
    v2_runner_item_on_skipped = _count

    def v2_playbook_on_stats(self, stats):
        """Write it down."""
        self._end()
        with open(os.environ["BENCHMARK_CLOCK"], "w", encoding="utf-8") as stream:
            json.dump(self._tasks, stream)
