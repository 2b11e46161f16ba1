#!/usr/bin/python
"""Look at a host before anything is changed on it: all that the role needs to know, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: camera_backup_host
short_description: What a host is, and which releases are on it
description:
  - Reads only. What makes a host impossible is returned as lines for people.
options:
  python:
    description: The Python that will run the services.
    type: path
    required: true
  ffmpeg:
    description: The ffmpeg program that will record.
    type: str
    required: true
  install_ffmpeg:
    description: Whether a missing one can be installed.
    type: bool
    required: true
  home:
    description: Directory of the releases.
    type: path
    required: true
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
author:
  - camera-backup
"""

EXAMPLES = r"""
- name: Look at the host
  camera_backup_host:
    python: /usr/bin/python3
    ffmpeg: ffmpeg
    install_ffmpeg: true
    home: /opt/camera-backup
"""

RETURN = r"""
problems:
  description: Why this host cannot be used, one line each.
  type: list
  returned: always
python_version:
  description: Version of the Python that will run the services, such as 3.11.
  type: str
  returned: always
machine:
  description: Kind of processor.
  type: str
  returned: always
releases:
  description: The complete releases that this Python can run.
  type: list
  returned: always
current:
  description: The release that is switched on; empty for none.
  type: str
  returned: always
ffmpeg:
  description: Whether there is an ffmpeg.
  type: bool
  returned: always
"""

import glob
import os
import platform
import re

from ansible.module_utils.basic import AnsibleModule

MACHINES = ("aarch64", "x86_64")
NEEDED = "import sqlite3, ssl, sys, venv; print('%d.%d' % sys.version_info[:2])"


def python_version(module, problems):
    """Return the version of the Python of the services, or nothing."""
    path = module.params["python"]
    if not os.access(path, os.X_OK):
        problems.append("camera_backup_python: %s is no program on this host; apt-get install python3" % path)
        return ""
    code, out, err = module.run_command([path, "-c", NEEDED])
    if code:
        last = (err.strip() or "exit code %d" % code).splitlines()[-1]
        problems.append("camera_backup_python: %s lacks parts (%s); apt-get install python3" % (path, last))
        return ""
    version = out.strip()
    if tuple(map(int, version.split("."))) < (3, 9):
        problems.append("camera_backup_python: %s is Python %s; accepted: 3.9 or newer" % (path, version))
    return version


def systemd(module, problems):
    """Note what is wrong with systemd."""
    if not os.path.isdir("/run/systemd/system"):
        problems.append("this host was not booted with systemd, which starts and guards the recorders")
        return
    match = re.match(r"systemd (\d+)", module.run_command(["systemctl", "--version"])[1])
    if match and int(match.group(1)) < 247:
        problems.append("systemd is %s; accepted: 247 or newer (Debian 11)" % match.group(1))


def ffmpeg(module, problems):
    """Return whether there is an ffmpeg; note when there is none and none can be installed."""
    wanted = module.params["ffmpeg"]
    found = os.access(wanted, os.X_OK) if "/" in wanted else bool(module.get_bin_path(wanted))
    if found or (wanted == "ffmpeg" and module.params["install_ffmpeg"] and module.get_bin_path("apt-get")):
        return found
    problems.append("there is no %s on this host; install it, or change camera_backup_recording_ffmpeg" % wanted)
    return False


def releases(home, version):
    """Return the complete releases made for this version of Python: another one cannot run them."""
    found = []
    for marker in glob.glob(os.path.join(glob.escape(home), "*", ".complete")):
        directory = os.path.dirname(marker)
        with open(marker, encoding="ascii", errors="replace") as stream:
            if stream.read().strip() == version and not os.path.islink(directory):
                found.append(os.path.basename(directory))
    return sorted(found)


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "python": {"type": "path", "required": True},
            "ffmpeg": {"type": "str", "required": True},
            "install_ffmpeg": {"type": "bool", "required": True},
            "home": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    problems, home = [], module.params["home"]
    if os.geteuid() != 0:
        problems.append("tasks do not run as root on this host; connect as root, or set become: true")
    version, machine = python_version(module, problems), platform.machine()
    systemd(module, problems)
    if machine not in MACHINES:
        problems.append("the processor is %s; accepted: %s" % (machine, ", ".join(MACHINES)))
    there = releases(home, version)
    current = os.path.basename(os.path.realpath(os.path.join(home, "current")))
    module.exit_json(
        changed=False,
        current=current if current in there else "",
        ffmpeg=ffmpeg(module, problems),
        machine=machine,
        problems=problems,
        python_version=version,
        releases=there,
    )


if __name__ == "__main__":
    main()
