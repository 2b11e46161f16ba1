"""A data directory for botocore with only what an uploader needs: 12 MB less memory in every worker.

botocore ships the endpoints of 400 services and the documentation of every S3 operation, and loads both to make one
client. Whatever directory stands first in its `data_path` wins, file by file; what is not there comes from the package.
The trimmed files are made for one version of botocore and one version of this module, and remade for another. When
anything about that goes wrong, the stock files are used: that costs memory, nothing else.

By hand: `python -m camera_backup.bucket.sdk DIRECTORY`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict

from camera_backup import files

OPERATIONS = (
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CreateMultipartUpload",
    "DeleteObject",
    "GetObject",
    "HeadBucket",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "UploadPart",
)

_FORMAT = 1
_MODEL = "s3/2006-03-01/service-2"

Json = Dict[str, Any]


def directory(state_path: str) -> str:
    """Return the directory of the trimmed data for the botocore that is installed."""
    import botocore

    return os.path.join(state_path, "sdk", "botocore-%s-%d" % (botocore.__version__, _FORMAT))


def ready(path: str) -> bool:
    """Say whether a directory holds trimmed data. The model is written last."""
    return os.path.exists(os.path.join(path, _MODEL + ".json"))


def prepare(state_path: str) -> str | None:
    """Return a directory of trimmed data, made now if need be, or None when botocore's own has to do.

    Made in a process of its own: reading the stock data takes 40 MB that Python never gives back.
    """
    path = directory(state_path)
    if not ready(path):
        subprocess.run([sys.executable, "-m", __name__, path], check=False, stdin=subprocess.DEVNULL, timeout=120)
    return path if ready(path) else None


def _undocumented(value: Any) -> Any:  # noqa: ANN401  (JSON)
    """Return a model without its prose. The keys stay: some readers of botocore expect them."""
    if isinstance(value, dict):
        return {
            key: "" if key == "documentation" and isinstance(item, str) else _undocumented(item)
            for key, item in value.items()
        }
    return [_undocumented(item) for item in value] if isinstance(value, list) else value


def _references(node: Any) -> list[str]:  # noqa: ANN401  (JSON)
    """Return the names of the shapes that a part of a model names."""
    if isinstance(node, list):
        return [name for item in node for name in _references(item)]
    if not isinstance(node, dict):
        return []
    own = [node["shape"]] if isinstance(node.get("shape"), str) else []
    return own + [name for item in node.values() for name in _references(item)]


def trim_model(model: Json) -> Json:
    """Given botocore's model of S3, return it with our operations and the shapes they use."""
    operations = {name: _undocumented(model["operations"][name]) for name in OPERATIONS}
    shapes: Json = {}
    wanted = _references(list(operations.values()))
    while wanted:
        name = wanted.pop()
        if name not in shapes:
            shapes[name] = _undocumented(model["shapes"][name])
            wanted += _references(shapes[name])
    return {**_undocumented(model), "operations": operations, "shapes": shapes}


def trim_endpoints(endpoints: Json) -> Json:
    """Given botocore's list of endpoints, return it with S3 only."""
    partitions = [
        {**partition, "services": {name: data for name, data in partition["services"].items() if name == "s3"}}
        for partition in endpoints["partitions"]
    ]
    return {**endpoints, "partitions": partitions}


def write(path: str) -> None:
    """Write the trimmed data of the installed botocore into a directory."""
    import botocore.loaders

    loader = botocore.loaders.Loader()
    os.makedirs(os.path.dirname(os.path.join(path, _MODEL)), exist_ok=True)
    endpoints = trim_endpoints(loader.load_data("endpoints"))
    files.replace(os.path.join(path, "endpoints.json"), json.dumps(endpoints))
    model = trim_model(loader.load_service_model("s3", "service-2"))
    files.replace(os.path.join(path, _MODEL + ".json"), json.dumps(model))


if __name__ == "__main__":
    write(sys.argv[1])
