"""Hold the variables of all hosts of the play against the schema of the package, on the controller alone."""

from __future__ import annotations

import os
import sys

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.template import Templar

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from camera_backup.fleet import judge, release, resolve, variables  # noqa: E402

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # an Ansible that keeps them elsewhere: the messages then name no file
    Origin = None


class ActionModule(ActionBase):
    """`camera_backup_validate:` takes no arguments; run it once, it looks at every host of the play."""

    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset()

    def run(self, tmp=None, task_vars=None):
        """Return `release`, the name of the release of this checkout; fail with every mistake of every host."""
        super().run(tmp, task_vars)
        judged = list(task_vars["ansible_play_hosts_all"])
        hosts = {host: self._described(host, raw) for host, raw in self._raw(task_vars, judged)}
        lines = judge.problems(hosts, judged)
        if lines:
            return {"failed": True, "msg": judge.message(lines, len(judged)), "problems": lines}
        return {"changed": False, "release": release.name(ROOT), "checked": len(judged)}

    def _raw(self, task_vars, judged):
        """Yield the variables of every host that is judged or has cameras, as they stand in the inventory."""
        hostvars = task_vars["hostvars"]
        own = hostvars.raw_get(task_vars["inventory_hostname"])
        # What the play or the role was given stands above the inventory, for all hosts alike; defaults stand below it.
        below = self._task._role.get_default_vars() if self._task._role else {}
        above = {
            name: task_vars[name]
            for name in task_vars
            if name.startswith(variables.PREFIX) and task_vars[name] != own.get(name, below.get(name, own))
        }
        for host in dict.fromkeys((*judged, *hostvars)):
            raw = hostvars.raw_get(host)
            if host in judged or variables.CAMERA_LIST in raw:
                yield host, {**raw, **(above if host in judged else {}), "hostvars": hostvars}

    def _described(self, host, raw):
        templar = Templar(loader=self._loader, variables=raw)
        return judge.Described(*resolve.variables(raw, resolve.Ansible(templar.template, AnsibleError, self._origin)))

    def _origin(self, value):
        tag = Origin.get_tag(value) if Origin else None
        if not tag or not tag.path or not tag.line_num:
            return ""
        # In the role itself stand defaults only, which nobody has to be sent to.
        path = os.path.relpath(tag.path)
        return (
            ""
            if "/roles/camera_backup/" in tag.path
            else "%s:%d" % (tag.path if path.startswith("..") else path, tag.line_num)
        )
