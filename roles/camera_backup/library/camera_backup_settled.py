#!/usr/bin/python
"""Wait until every service of a host says what it does: it records, or it says why it does not."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_backup_settled
short_description: Wait until recorders record, or say why not
description:
  - Fails when the recorder of an enabled camera, or the uploader, does not run or says nothing.
  - A camera that is off does not fail a host - its recorder waits for it and says so. It is returned in RV(waiting).
options:
  programs:
    description: Directory of the installed programs.
    type: path
    default: /opt/camera-backup/current/bin
  timeout:
    description: Seconds to wait.
    type: int
    default: 90
attributes:
  check_mode:
    support: full
    details: Services that were not started say nothing, so it returns at once.
  diff_mode:
    support: none
author:
  - camera-backup
"""

EXAMPLES = r"""
- name: Wait for the recorders
  camera_backup_settled:
    timeout: 90
"""

RETURN = r"""
recording:
  description: Cameras that are being recorded.
  type: list
  returned: always
waiting:
  description: Cameras that are not, with the cause.
  type: dict
  returned: always
"""

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule


def status(module):
    """Return what camera-backup status says."""
    command = [os.path.join(module.params["programs"], "camera-backup"), "status", "--json"]
    code, out, err = module.run_command(command)
    try:
        return json.loads(out)
    except ValueError:
        module.fail_json(msg="camera-backup status: %s" % (err.strip() or out.strip()), rc=code)


def waiting(camera):
    """Return why a camera is not recorded, in the words of its recorder; nothing while it has not said so."""
    live = camera["recorder"] or {}
    if live.get("state") not in ("waiting", "paused"):
        return ""
    return ": ".join(part for part in (live.get("cause"), live.get("detail")) if part) or live["state"]


def unsettled(found):
    """Return what does not run, or has not said yet what it does."""
    silent = [
        "camera-recorder-%s.service %s" % (camera["name"], (camera["recorder"] or {}).get("state", "does not run"))
        for camera in found["cameras"]
        if camera["enabled"] and not camera["recording"] and not waiting(camera)
    ]
    if found["uploader"]["state"] == "not running":
        silent.append("camera-uploader.service does not run: %s" % found["uploader"]["cause"])
    return silent


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "programs": {"type": "path", "default": "/opt/camera-backup/current/bin"},
            "timeout": {"type": "int", "default": 90},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, recording=[], waiting={})
    end = time.monotonic() + module.params["timeout"]
    found = status(module)
    while unsettled(found) and time.monotonic() < end:
        time.sleep(0.5)
        found = status(module)
    silent = unsettled(found)
    enabled = [camera for camera in found["cameras"] if camera["enabled"]]
    result = {
        "changed": False,
        "recording": [camera["name"] for camera in enabled if camera["recording"]],
        "waiting": {camera["name"]: waiting(camera) for camera in enabled if waiting(camera)},
    }
    if silent:
        module.fail_json(msg="After %d s: %s" % (module.params["timeout"], "; ".join(silent)), **result)
    for item in sorted(result["waiting"].items()):
        module.warn("camera %s is not recorded: %s" % item)
    module.exit_json(msg="%d of %d cameras record" % (len(result["recording"]), len(enabled)), **result)


if __name__ == "__main__":
    main()
