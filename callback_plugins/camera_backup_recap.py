"""At the end of a run: which hosts were not reached, which failed, and how to run it again for them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: camera_backup_recap
type: aggregate
short_description: Hosts that need another run
description:
  - In a fleet the recap is long. This says in a few lines which hosts were not reached and which failed.
requirements:
  - enabled by C(callbacks_enabled) in ansible.cfg
"""

from ansible.plugins.callback import CallbackBase

MOST = 20


class CallbackModule(CallbackBase):
    """Adds nothing while all is well."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "camera_backup_recap"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_stats(self, stats):
        """Say which hosts need another run."""
        for title, hosts in (("Not reached", sorted(stats.dark)), ("Failed", sorted(stats.failures))):
            if hosts:
                self._display.display(line(title, hosts))


def line(title, hosts):
    """Return one line, of a size that can be read and pasted."""
    shown = ",".join(hosts[:MOST]) + (" and %d more" % (len(hosts) - MOST) if len(hosts) > MOST else "")
    return "%s (%d): %s%s" % (
        title,
        len(hosts),
        shown,
        "" if len(hosts) > MOST else "   again: --limit %s" % ",".join(hosts),
    )
