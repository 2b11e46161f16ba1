"""The text of a host's `config.yaml` from its data. Pure."""

from __future__ import annotations

import json
from typing import Mapping

import yaml

_HEADING = """\
# Configuration of camera-backup on this host, from the inventory: edits here are lost. It holds secrets.
"""


def text(data: Mapping[str, object]) -> str:
    """Given the data of a valid configuration, return it as YAML. The same data always gives the same text."""
    # Through JSON, so that texts which know where they come from are plain ones.
    plain = json.loads(json.dumps({name: section for name, section in data.items() if section or name == "cameras"}))
    return _HEADING + yaml.safe_dump(plain, allow_unicode=True, default_flow_style=False, sort_keys=False, width=10**6)
