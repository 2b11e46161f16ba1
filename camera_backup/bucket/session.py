"""botocore's client for S3, with every option that matters said here: a fleet runs many versions of it.

Nothing is read from ~/.aws or from AWS_… variables. The keys are in memory only.
"""

from __future__ import annotations

import sys
from typing import Any

from camera_backup import __version__
from camera_backup.bucket.wire import Wire
from camera_backup.model import S3

_NOTHING = (None, None, None, None)

_SETTINGS = {
    # Name of a setting: its key in the file, its variable, its value, its type.
    "config_file": (None, None, "/dev/null", None),
    "credentials_file": (None, None, "/dev/null", None),
    "profile": _NOTHING,
    "ca_bundle": _NOTHING,
    "defaults_mode": (None, None, "legacy", None),
}


def _configuration(s3: S3, sign_payload: bool) -> Any:  # noqa: ANN401  (botocore is not typed)
    from botocore.config import Config

    options: Any = {
        "addressing_style": s3.addressing_style,
        # True hashes every part once more (0.6 CPU s per GiB); for the providers that insist.
        "payload_signing_enabled": sign_payload,
        "us_east_1_regional_endpoint": "regional",
        "use_accelerate_endpoint": False,
    }
    return Config(
        signature_version="s3v4",
        user_agent="camera-backup/" + __version__,
        # By default botocore ≥ 1.36 frames bodies with a checksum trailer: half of the providers refuse that, and some
        # store the frames (anchors: boto3#4435). We send the checksum that the probe has seen to be enforced.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3=options,
        # Ours to repeat: botocore would send a part again without asking, and knows nothing of a stop.
        retries={"mode": "standard", "total_max_attempts": 1},
        # For botocore's own transport, used behind a proxy. Its connect timeout also limits each write of a body.
        connect_timeout=60,
        read_timeout=120,
        tcp_keepalive=True,
        max_pool_connections=32,
        use_dualstack_endpoint=False,
        use_fips_endpoint=False,
    )


def make_client(s3: S3, wire: Wire, sdk_path: str | None, sign_payload: bool) -> Any:  # noqa: ANN401
    """Given the configuration of a bucket, return botocore's client for it.

    sdk_path: directory of trimmed data (see `sdk`), None for botocore's own.
    """
    # Its C library would be loaded for nothing: 6 MB in every worker.
    sys.modules.setdefault("awscrt", None)  # type: ignore[arg-type]
    import botocore.session

    session = botocore.session.Session(session_vars={**_SETTINGS, "data_path": (None, None, sdk_path, None)})
    client = session.create_client(
        "s3",
        region_name=s3.region,
        endpoint_url=s3.endpoint,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
        verify=s3.ca_file if s3.ca_file else True,
        config=_configuration(s3, sign_payload),
    )
    client.meta.events.register("before-sign.s3", _no_expectations)
    client.meta.events.register("before-send.s3", wire.send)
    return client


def _no_expectations(request: Any, **_: object) -> None:  # noqa: ANN401
    # `Expect: 100-continue` costs a second per part where it is not answered; R2 never answers it.
    del request.headers["Expect"]
