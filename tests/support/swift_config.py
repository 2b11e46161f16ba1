"""The configuration files of a small Swift: one disk, one replica, its S3 API; one user may everything, one nothing."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Mapping

from tests.support.certs import Certificate

SERVERS = ("proxy", "account", "container", "object")

ACCESS_KEY = "nvr:uploader"
SECRET_KEY = "swift-secret"
WRITER_KEY = "nvr:writer"
"""A user without any right of its own; containers may grant some."""

# Run by the Python of Swift's venv; one process instead of the nine that swift-ring-builder needs.
RINGS = """
import sys
from swift.common.ring import RingBuilder
directory, servers = sys.argv[1], sys.argv[2:]
for server in servers:
    name, port = server.split(":")
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "disk", "weight": 1,
                     "replication_ip": "127.0.0.1", "replication_port": int(port), "meta": ""})
    builder.rebalance(seed=1)
    builder.get_ring().save(f"{directory}/{name}.ring.gz")
"""

# Run likewise: access to Swift without its API, which lets nobody set such an ACL through S3.
WRITE_ONLY = """
import os, sys
from swift.common.internal_client import InternalClient
from swift.common.utils import set_swift_dir
path, writer, *buckets = sys.argv[1:]
set_swift_dir(os.path.dirname(path))
client = InternalClient(path, "test", 1)
parts = {"X-Container-Write": writer, "X-Container-Read": writer + ",.rlistings"}
for bucket in buckets:
    client.set_container_metadata("AUTH_nvr", bucket, {"X-Container-Write": writer})
    client.create_container("AUTH_nvr", bucket + "+segments", parts)
"""

INSIDE = """\
[DEFAULT]
swift_dir = {directory}
[pipeline:main]
pipeline = catch_errors proxy-server
[app:proxy-server]
use = egg:swift#proxy
swift_owner_headers = x-nothing-is-for-owners-only
[filter:catch_errors]
use = egg:swift#catch_errors
"""

_SWIFT = """\
[swift-hash]
swift_hash_path_prefix = camera
swift_hash_path_suffix = backup
[storage-policy:0]
name = gold
default = yes
[swift-constraints]
max_file_size = 5368709122
"""

_COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
devices = {directory}/devices
mount_check = false
disable_fallocate = true
log_level = WARNING
log_address = /nonexistent
"""

_STORAGE = """\
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

_PROXY = """\
cert_file = {cert_file}
key_file = {key_file}
[pipeline:main]
pipeline = catch_errors gatekeeper s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
user_{writer} = {secret}
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""


def write(directory: Path, ports: Mapping[str, int], certificate: Certificate) -> None:
    """Write the files of all four servers into `directory`."""
    (directory / "devices" / "disk").mkdir(parents=True, exist_ok=True)
    (directory / "swift.conf").write_text(_SWIFT)
    user = pwd.getpwuid(os.geteuid()).pw_name
    for name, port in ports.items():
        text = _COMMON.format(port=port, user=user, directory=directory)
        if name == "proxy":
            account_user, writer = ACCESS_KEY.replace(":", "_"), WRITER_KEY.replace(":", "_")
            files = {"cert_file": certificate.cert_file, "key_file": certificate.key_file}
            text += _PROXY.format(user=account_user, writer=writer, secret=SECRET_KEY, **files)
        else:
            text += _STORAGE.format(name=name)
        (directory / (name + ".conf")).write_text(text)
