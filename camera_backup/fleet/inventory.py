"""From the variables of a host to the data of its `config.yaml`. Pure."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, NamedTuple

from camera_backup import urls
from camera_backup.config.yamllines import Path
from camera_backup.fleet import variables

Values = Mapping[str, object]
"""Variables of one host, as plain data."""

_LOGIN = ("username", "password")


class Unresolved(NamedTuple):
    """Stands in for a value that Ansible could not work out; `why` is its own explanation."""

    why: str


def document(values: Values) -> dict[str, Any]:
    """Given the variables of a host, return the data of its configuration: what is not set, or set to its
    default, is not in it: so a release that knows fewer keys can read it.
    """
    data: dict[str, Any] = {}
    for variable in variables.of_config():
        section = data.setdefault(variable.section.name, {})
        if variable.name in values and not _is_default(values[variable.name], variable.key.default):
            section[variable.key.name] = values[variable.name]
    if variables.CAMERA_LIST in values:
        data["cameras"] = _cameras(values[variables.CAMERA_LIST], values.get(variables.CAMERA_DEFAULTS))
    return data


def _is_default(value: object, default: object) -> bool:
    return type(value) is type(default) and value == default


def unresolved(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield where in a value something could not be worked out, and why."""
    if isinstance(value, Unresolved):
        yield path, value.why
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from unresolved(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from unresolved(item, (*path, place))


def _cameras(cameras: object, defaults: object) -> object:
    if not isinstance(cameras, (list, tuple)) or not isinstance(defaults, Mapping):
        return cameras
    return [_with_defaults(camera, defaults) if isinstance(camera, Mapping) else camera for camera in cameras]


def _with_defaults(camera: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A camera with what holds for all cameras, where that has a meaning for this one."""
    url = str(camera.get("rtsp_url", ""))
    apart = _has_login(camera, url)
    encrypted = url.lower().startswith("rtsps:")
    result = dict(camera)
    for name, value in defaults.items():
        fits = not ((name in _LOGIN and apart) or (name == "tls" and not encrypted))
        if fits and not (name == "transport" and encrypted):
            result.setdefault(name, value)
    return result


def _has_login(camera: Mapping[str, Any], url: str) -> bool:
    try:
        return any(name in camera for name in _LOGIN) or urls.parse(url).user is not None
    except urls.UrlError:
        # Whatever is wrong with the URL is said of the URL alone.
        return True
