#!/usr/bin/python
"""Make a host what its configuration says, through the package that is installed on it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_backup_units
short_description: Configuration, units and services of a host, as one
description:
  - Hands a configuration to the C(camera-backup-generate) of the host, which writes what differs, removes what is no
    longer configured, and restarts exactly what needs it.
  - The action plugin of the same name fills in O(content) from the variables of the host.
options:
  content:
    description: The text of the configuration, with its secrets.
    type: str
    required: true
  programs:
    description: Directory of the installed programs.
    type: path
    default: /opt/camera-backup/current/bin
  gentle:
    description: Restart recorders one at a time, each after the one before it records again.
    type: bool
    default: true
  timeout:
    description: Seconds a recorder has to record again, with O(gentle).
    type: int
    default: 90
  probe:
    description: Only try the credentials against cameras and bucket, from the host, and write nothing.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Units line by line, the configuration without its secrets, of files with credentials only that they change.
author:
  - camera-backup
"""

EXAMPLES = r"""
- name: Make the host what the inventory says
  camera_backup_units:
    gentle: true
"""

RETURN = r"""
files:
  description: Every file of ours and what happened to it.
  type: list
  returned: always
restarted:
  description: Units that were restarted.
  type: list
  returned: always
renewed:
  description: Of every recorder restarted one at a time, the seconds it did not record.
  type: list
  returned: with gentle
"""

import json
import os

from ansible.module_utils.basic import AnsibleModule


class Host:
    """The programs of the package on this host."""

    def __init__(self, module):
        self._module = module

    def __call__(self, program, *arguments, data=None):
        """Run a program, return the object it printed and its exit code; fail with its own words if it printed none."""
        command = [os.path.join(self._module.params["programs"], program), *arguments, "--json"]
        code, out, err = self._module.run_command(command, data=data, binary_data=True)
        try:
            return json.loads(out), code, err.strip()
        except ValueError:
            self._module.fail_json(msg="%s: %s" % (program, err.strip() or out.strip()), rc=code)


def converge(module, host):
    """Do what is due; return the results, and what went wrong."""
    created = False
    if not module.check_mode and not os.path.isdir("/etc/camera-backup/credentials"):
        created = host("camera-backup-install")[0]["changed"]
    options = ["--check"] if module.check_mode else []
    if not module._diff:
        # A megabyte with many cameras, which is made, travels, and is searched for secrets.
        options.append("--no-diff")
    if module.params["gentle"]:
        options.append("--gently=%d" % module.params["timeout"])
    content = module.params["content"].encode("utf-8")
    found, code, err = host("camera-backup-generate", "--replace", "--apply", *options, data=content)
    found["changed"] = found["changed"] or created
    return found, err if code else ""


def probe(module, host):
    """Try the configuration; return what was found, and what is wrong."""
    found = host("camera-backup", "check", "/dev/stdin", data=module.params["content"].encode("utf-8"))[0]
    wrong = [one for one in found.get("findings", []) if one["level"] == "problem"]
    lines = {True: list(found.get("problems", [])), False: []}
    for one in wrong:
        # A camera that is off, or a disk that is full, says nothing about credentials.
        lines[one["area"] == "bucket" or one["item"] == "login"].append("%(subject)s: %(item)s: %(text)s" % one)
    for line in lines[False]:
        module.warn(line)
    return {"changed": False, "summary": found.get("summary", "")}, "; ".join(lines[True])


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "content": {"type": "str", "required": True, "no_log": True},
            "programs": {"type": "path", "default": "/opt/camera-backup/current/bin"},
            "gentle": {"type": "bool", "default": True},
            "timeout": {"type": "int", "default": 90},
            "probe": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    if module.check_mode and not os.path.exists(os.path.join(module.params["programs"], "camera-backup-generate")):
        module.exit_json(changed=True, bare=True)
    if module.params["probe"]:
        found, problem = probe(module, Host(module))
        module.fail_json(msg=problem, **found) if problem else module.exit_json(**found)
    found, problem = converge(module, Host(module))
    found["diff"] = {"prepared": found["diff"]}
    found.pop("next", None)
    for line in found.pop("warnings"):
        module.warn(line)
    if problem:
        module.fail_json(msg=problem, **found)
    module.exit_json(**found)


if __name__ == "__main__":
    main()
