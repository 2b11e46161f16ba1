"""Work out the variables of a host leaf by leaf, so that one that cannot be does not hide the others. Pure."""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple

from camera_backup.config.yamllines import Path
from camera_backup.fleet.inventory import Unresolved
from camera_backup.fleet.variables import PREFIX


class Ansible(NamedTuple):
    """What Ansible lends us.

    template: given a value as it stands in the inventory, return what it comes to
    error: what `template` raises
    origin: given such a value, return the file and line it comes from, or nothing
    """

    template: Callable[[Any], Any]
    error: type[Exception]
    origin: Callable[[Any], str]


def variables(raw: Mapping[str, Any], ansible: Ansible) -> tuple[dict[str, Any], dict[Path, str]]:
    """Given the variables of a host as they stand in the inventory, return those of ours and where they come from."""
    origins: dict[Path, str] = {}
    values = {str(name): _value(raw[name], (str(name),), ansible, origins) for name in raw if name.startswith(PREFIX)}
    return values, origins


def _value(value: Any, path: Path, ansible: Ansible, origins: dict[Path, str]) -> Any:  # noqa: ANN401 (anything)
    where = ansible.origin(value)
    if where:
        origins[path] = where
    if isinstance(value, Mapping):
        return {str(key): _value(value[key], (*path, str(key)), ansible, origins) for key in value}
    if isinstance(value, (list, tuple)):
        return [_value(item, (*path, place), ansible, origins) for place, item in enumerate(value)]
    try:
        return _plain(ansible.template(value))
    except ansible.error as error:
        return Unresolved("cannot be worked out: %s" % " ".join(str(error).split()))


def _plain(value: Any) -> Any:  # noqa: ANN401 (anything)
    """A value without Ansible's own types, which are worked out when looked at."""
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind.__str__(value) if kind is str else kind(value)
    return value
