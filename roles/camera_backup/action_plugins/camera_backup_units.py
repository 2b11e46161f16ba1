"""Build the configuration of this host from its variables and hand it to the package on the host, without a trace.

The text holds secrets: it is a `no_log` argument of the module, which hands it over on standard input.
"""

from __future__ import annotations

import os
import sys

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from camera_backup.config import DEFAULT_PATH  # noqa: E402
from camera_backup.fleet import content, inventory, resolve, verdict  # noqa: E402
from camera_backup.units import converge, handed, report  # noqa: E402
from camera_backup.units.changes import Change  # noqa: E402


class ActionModule(ActionBase):
    """`camera_backup_units:` with the arguments of the module, all but `content`."""

    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp=None, task_vars=None):
        """Run the module; on a host that has no program yet, say what would appear."""
        super().run(tmp, task_vars)
        ansible = resolve.Ansible(self._templar.template, AnsibleError, lambda value: "")
        values, origins = resolve.variables(task_vars, ansible)
        problems = verdict.problems(values, origins)
        if problems:
            return {"failed": True, "msg": "Refused: %s" % "\n".join(problems), "problems": problems}
        text = content.text(inventory.document(values))
        arguments = {**self._task.args, "content": text}
        result = self._execute_module("camera_backup_units", module_args=arguments, task_vars=task_vars)
        if result.pop("bare", False):
            result.update(_appearing(text, str(arguments["programs"])))
        return result


def _appearing(text, programs):
    """Return what the module would report of a host on which nothing is yet: rendered here, by the same code."""
    config, _ = handed.read(text, "the inventory")
    outcome = converge.preview(config, programs)
    change = Change(DEFAULT_PATH, "create", after=handed.masked(text))
    found = report.machine(outcome._replace(handed=(change,)))
    return {**found, "diff": {"prepared": found["diff"]}}
