"""Look at a host, and decide which release it is to run."""

from __future__ import annotations

import os
import re
import sys

from ansible.plugins.action import ActionBase

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__)))))
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)

from camera_backup.fleet import release  # noqa: E402


class ActionModule(ActionBase):
    """`camera_backup_host:` with the arguments of the module, and `version`, `upgrade`, `checkout` and `bundles`."""

    _supports_check_mode = True

    def run(self, tmp=None, task_vars=None):
        """Return what the module does, and `release`, `wanted`, `bundle`, `missing` and `differs`; fail on problems."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        ours = {name: arguments.pop(name) for name in ("version", "upgrade", "checkout", "bundles")}
        found = self._execute_module("camera_backup_host", module_args=arguments, task_vars=task_vars)
        if found.get("failed") or "problems" not in found:
            return found
        found.update(_decided(found, **ours))
        if found["problems"]:
            found.update(failed=True, msg="; ".join(found["problems"]))
        return found


def _decided(found, version, upgrade, checkout, bundles):
    directory = os.path.expanduser(bundles or os.path.join(ROOT, ".build", "bundles"))
    kind = "cp%s-%s" % (found["python_version"].replace(".", ""), found["machine"])
    try:
        wanted = release.chosen(version, checkout, [*found["releases"], *_bundled(directory, kind)])
    except ValueError as error:
        return {"problems": [*found["problems"], str(error)]}
    # Every recorder has to be restarted for another release, which is for upgrade.yml to do.
    chosen = wanted if upgrade or not found["current"] else found["current"]
    return {
        "wanted": wanted,
        "release": chosen,
        "bundle": os.path.join(directory, "camera-backup-%s-%s.tar" % (chosen, kind)),
        "missing": chosen not in found["releases"],
        "differs": chosen != wanted,
    }


def _bundled(directory, kind):
    """The releases that are packed for this kind of host."""
    pattern = re.compile(r"camera-backup-(.+)-%s\.tar\Z" % re.escape(kind))
    names = os.listdir(directory) if os.path.isdir(directory) else []
    return [match[1] for match in map(pattern.match, names) if match]
