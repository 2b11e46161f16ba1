"""One table over all hosts of the play, from what they answered before; on the controller alone."""

from __future__ import annotations

import json
import os
import sys

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from camera_backup import files  # noqa: E402
from camera_backup.fleet import report  # noqa: E402
from camera_backup.table import wants_colour  # noqa: E402

RESULTS = ("__camera_backup_status", "__camera_backup_check")


class ActionModule(ActionBase):
    """`camera_backup_report:` with `show` (`status` or `gaps`) and `file` (where the JSON goes; empty for nowhere)."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("show", "file"))

    def run(self, tmp=None, task_vars=None):
        """Print the table; fail when something is wrong, so that the exit code says it."""
        super().run(tmp, task_vars)
        hostvars, hosts = task_vars["hostvars"], task_vars["ansible_play_hosts_all"]
        if self._task.args["show"] == "gaps":
            units = {host: hostvars[host].get("__camera_backup_units") or {} for host in hosts}
            table = report.gap_table({host: found.get("renewed") or [] for host, found in units.items()})
            Display().display("\n" + (table or "no recorder had to be restarted\n"))
            return {"changed": False}
        answers = [report.answer(host, _results(hostvars[host])) for host in hosts]
        Display().display("\n" + report.status_table(answers, wants_colour(sys.stdout, os.environ)))
        found = report.machine(answers)
        if self._task.args.get("file"):
            path = os.path.abspath(os.path.expanduser(self._task.args["file"]))
            files.replace(path, json.dumps(found, indent=2) + "\n", 0o644)
        return {"changed": False, "failed": not found["ok"], "msg": found["summary"]}


def _results(variables):
    return {name: variables.get(name) for name in RESULTS}
