"""The names of variables: `camera_backup_<section>_<key>`, with `_seconds` behind numbers that count seconds. Pure."""

from __future__ import annotations

import difflib
from typing import Iterator, NamedTuple

from camera_backup.config.keys import Key, Section
from camera_backup.config.schema import CAMERAS, ROOT
from camera_backup.fleet import settings

PREFIX = "camera_backup_"
CAMERA_LIST = PREFIX + CAMERAS.name
CAMERA_DEFAULTS = PREFIX + settings.CAMERA_DEFAULTS.name


class Variable(NamedTuple):
    """One variable that holds one value.

    section: of `config.yaml`; its name is empty for what only a fleet has
    """

    name: str
    section: Section
    key: Key


def of_config() -> Iterator[Variable]:
    """Yield the variables that become keys of `config.yaml`, all but the cameras."""
    for section in ROOT.sections:
        for key in () if section.many else section.keys:
            unit = "_seconds" if key.kind.unit == "seconds" else ""
            yield Variable("%s%s_%s%s" % (PREFIX, section.name, key.name, unit), section, key)


def of_fleet() -> Iterator[Variable]:
    """Yield the variables of the role and the playbooks themselves."""
    for section in (settings.ROLE, settings.PLAYBOOKS):
        for key in section.keys:
            yield Variable(PREFIX + key.name, section, key)


def names() -> list[str]:
    """Return every variable there is."""
    return [*(one.name for one in (*of_config(), *of_fleet())), CAMERA_LIST, CAMERA_DEFAULTS]


def name_of(section: str, key: str) -> str:
    """Given where a value stands in `config.yaml`, return the variable it comes from."""
    return next(one.name for one in of_config() if (one.section.name, one.key.name) == (section, key))


def unknown(name: str) -> str:
    """Given the name of a variable that does not exist, return what to say of it."""
    rest = name[len(PREFIX) :]
    known = [one[len(PREFIX) :] for one in names()]
    homes = [one for one in known if one.replace("_seconds", "").endswith("_" + rest)]
    near = homes[:1] or difflib.get_close_matches(rest, known, n=1, cutoff=0.7)
    if near:
        return "unknown variable; did you mean %s%s?" % (PREFIX, near[0])
    return "unknown variable; roles/camera_backup/README.md lists all of them"
