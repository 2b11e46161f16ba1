"""The verb `record`: what `camera-recorder-NAME.service` runs, and what can be run by hand."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from camera_backup.recorder.settings import Settings

_HANDWORK = "/etc/camera-backup/credentials/camera-recorder-%s.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("name", metavar="NAME", help="the camera, as it is called in the configuration")
    parser.add_argument(
        "--config", metavar="FILE", help="take the camera from this config.yaml instead of its per-camera file"
    )


def run(arguments: argparse.Namespace) -> int:
    """Record until told to stop; return 0."""
    name, config = arguments.name, arguments.config
    return _supervise(_own(name) if config is None else _configured(config, name))


def record(name: str) -> int:
    """Given the name of a camera, record it until told to stop and return 0; raise ConfigError or HostError."""
    settings = _own(name)
    if not sys.flags.no_site:
        _start_slim(name)
    return _supervise(settings)


def _own(name: str) -> Settings:
    """Return the settings in `recorder.json` among the credentials systemd loaded, else as generate wrote them."""
    from camera_backup.recorder.settings import load

    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    return load("%s/recorder.json" % credentials if credentials else _HANDWORK % name, name)


def _start_slim(name: str) -> None:
    """Become a Python without what the console script and site-packages loaded: 0.8 MB less, times 64 recorders."""
    from camera_backup.recorder import children

    variables = {**os.environ, "PYTHONPATH": children.environment()["PYTHONPATH"]}
    code = "from camera_backup.recorder.__main__ import main; main()"
    os.execve(sys.executable, [sys.executable, "-S", "-c", code, "record", name], variables)  # noqa: S606  (no shell)


def _supervise(settings: Settings) -> int:
    from camera_backup.recorder.supervisor import Supervisor

    _make_records(settings)
    return Supervisor(settings).run()


def _make_records(settings: Settings) -> None:
    """Make the directories of the ledger and the status; nobody before us does."""
    from camera_backup import paths
    from camera_backup.errors import HostError

    for path in (paths.ledger, paths.recorder_status):
        try:
            os.makedirs(os.path.dirname(path(settings.state_path, settings.camera)), mode=0o750, exist_ok=True)
        except OSError as error:
            raise HostError("%s: %s" % (error.filename, error.strerror)) from None


def _configured(path: str, name: str) -> Settings:
    from camera_backup import config
    from camera_backup.errors import UsageError
    from camera_backup.recorder.settings import Settings

    loaded = config.load(path)
    for camera in loaded.cameras:
        if camera.name == name:
            return Settings(config.recorder_file(loaded, camera))
    known = ", ".join(camera.name for camera in loaded.cameras) or "none"
    raise UsageError("%s: has no camera %s; it has: %s" % (path, name, known))
