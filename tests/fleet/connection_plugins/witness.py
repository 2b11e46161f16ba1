"""A connection that reaches nobody, and writes down that somebody tried."""

from __future__ import annotations

DOCUMENTATION = """
name: witness
short_description: no host at all
description: [Every contact is a line in the file that CAMERA_BACKUP_WITNESS names, and fails.]
author: [camera-backup]
options: {}
"""

import os  # noqa: E402

from ansible.errors import AnsibleConnectionFailure  # noqa: E402
from ansible.plugins.connection import ConnectionBase  # noqa: E402


class Connection(ConnectionBase):
    transport = "witness"
    has_pipelining = True

    def _connect(self):
        with open(os.environ["CAMERA_BACKUP_WITNESS"], "a") as log:
            log.write("%s\n" % self._play_context.remote_addr)
        raise AnsibleConnectionFailure("nobody is there")

    def exec_command(self, cmd, in_data=None, sudoable=True):
        self._connect()

    def put_file(self, in_path, out_path):
        self._connect()

    def fetch_file(self, in_path, out_path):
        self._connect()

    def close(self):
        pass
