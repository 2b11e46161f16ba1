"""A connection without a machine: every module is answered as a host in the wanted state would answer it."""

from __future__ import annotations

DOCUMENTATION = """
name: answering
short_description: no host at all, and answers like one
description:
  - For measuring what the controller alone does for a host. Modules are packed and handed over as for a real host, and
    answered after a while with what BENCHMARK_ANSWERS holds for them.
author: [camera-backup]
extends_documentation_fragment: [connection_pipelining]
options:
  host_seconds:
    description: What a host takes for a module.
    type: float
    default: 0
    vars: [{name: answering_host_seconds}]
"""

import json  # noqa: E402
import os  # noqa: E402
import time  # noqa: E402

from ansible.plugins.connection import ConnectionBase  # noqa: E402


class Connection(ConnectionBase):
    """Answers."""

    transport = "answering"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        if "ansible-tmp" in cmd and "echo" in cmd:
            return 0, b"ansible-tmp-1=/tmp/ansible-tmp-1\n", b""
        time.sleep(self.get_option("host_seconds"))
        with open(os.environ["BENCHMARK_ANSWERS"], encoding="utf-8") as stream:
            answers = json.load(stream)
        handed = in_data if isinstance(in_data, bytes) else str(in_data or cmd).encode()
        answer = next((text for module, text in answers.items() if module.encode() in handed), answers[""])
        return 0, json.dumps(answer).encode(), b""

    def put_file(self, in_path, out_path):
        pass

    def fetch_file(self, in_path, out_path):
        pass

    def close(self):
        self._connected = False
