"""Hold the variables of one host against the schema: every mistake, by the name that stands in the inventory. Pure."""

from __future__ import annotations

from typing import Iterator, Mapping

from camera_backup.config import wording
from camera_backup.config.keys import REQUIRED, Key, Section
from camera_backup.config.schema import CAMERAS, ROOT
from camera_backup.config.walker import Problem, Walker, walk
from camera_backup.config.yamllines import Path
from camera_backup.fleet import inventory, settings, variables

_CAMERA_LIST_MISSING = (
    "is not set; give every host its list of cameras, or [] for a host that only uploads; for example: "
    '[{name: front-door, rtsp_url: "rtsp://192.168.1.20/stream"}]'
)
_TEXT_HINT = "; a value given with -e name=value is always text: use -e '{\"%s\": …}'"


def problems(values: inventory.Values, origins: Mapping[Path, str]) -> list[str]:
    """Given the variables of a host that begin with `camera_backup_`, return what is wrong with them, one line each.

    origins: the file and line of variables, and of values in them, as far as known
    """
    known = set(variables.names())
    lines = [_line((name,), variables.unknown(name), origins) for name in sorted(set(values) - known)]
    lines += [
        _line(path, why, origins) for path, why in inventory.unresolved({n: values[n] for n in known & set(values)})
    ]
    lines += _of_config(values, origins)
    for section in (settings.ROLE, settings.PLAYBOOKS):
        lines += _of_section(section, values, origins)
    return [*lines, *_of_camera_defaults(values, origins)]


def _of_config(values: inventory.Values, origins: Mapping[Path, str]) -> Iterator[str]:
    data = inventory.document(values)
    walker = walk(data, {})[1]
    hidden = {path for path, _ in inventory.unresolved(data)}
    if variables.CAMERA_LIST not in values:
        yield "%s: %s" % (variables.CAMERA_LIST, _CAMERA_LIST_MISSING)
    for problem in walker.problems:
        unset = problem.path[:1] == (CAMERAS.name,) and variables.CAMERA_LIST not in values
        if unset or not problem.path or any(problem.path[: len(path)] == path for path in hidden):
            continue
        inventory_path = _inventory_path(problem.path)
        text = problem.text if inventory_path in origins or not _absent(problem, data) else _missing(problem)
        if problem.path[0] == CAMERAS.name:
            place = variables.PREFIX + wording.where(problem.path, data, walker.redact)
        else:
            place = str(inventory_path[0])
        yield _said(place, text + _hint(problem, place), inventory_path, origins)


def _of_section(section: Section, values: inventory.Values, origins: Mapping[Path, str]) -> Iterator[str]:
    data = {
        key.name: values[variables.PREFIX + key.name] for key in section.keys if variables.PREFIX + key.name in values
    }
    walker = Walker(data, {})
    walker.section(section, data, ())
    for problem in walker.problems:
        name = "%s%s" % (variables.PREFIX, problem.path[0])
        if not isinstance(values[name], inventory.Unresolved):
            yield _line((name,), problem.text + _hint(problem, name), origins)


def _of_camera_defaults(values: inventory.Values, origins: Mapping[Path, str]) -> Iterator[str]:
    data = values.get(variables.CAMERA_DEFAULTS, {})
    walker = Walker({CAMERAS.name: [data]}, {})
    walker.section(settings.CAMERA_DEFAULTS, data, ())
    hidden = {path for path, _ in inventory.unresolved(data)}
    for problem in walker.problems:
        if problem.path not in hidden:
            yield _line((variables.CAMERA_DEFAULTS, *problem.path), problem.text, origins)


def _inventory_path(path: Path) -> Path:
    if path[0] == CAMERAS.name or len(path) < 2:
        return (variables.PREFIX + str(path[0]), *path[1:])
    known = {(one.section.name, one.key.name) for one in variables.of_config()}
    section, key = str(path[0]), str(path[1])
    return (
        variables.name_of(section, key) if (section, key) in known else "_".join((variables.PREFIX + section, key)),
    )


def _absent(problem: Problem, data: Mapping[str, Mapping[str, object]]) -> bool:
    """It is about a key that has no default and was not given."""
    if problem.path[0] == CAMERAS.name or len(problem.path) != 2:
        return False
    return problem.path[1] not in data.get(str(problem.path[0]), {}) and _key(problem).default is REQUIRED


def _missing(problem: Problem) -> str:
    key = _key(problem)
    meaning = key.meaning.partition(".")[0]
    meaning = meaning if meaning[1].isupper() else meaning[0].lower() + meaning[1:]
    name = _inventory_path(problem.path)[0]
    return "is not set: %s; for example %s: %s" % (meaning, name, key.example)


def _key(problem: Problem) -> Key:
    section = next(section for section in ROOT.sections if section.name == problem.path[0])
    return next(key for key in section.keys if key.name == problem.path[1])


def _hint(problem: Problem, place: str) -> str:
    return _TEXT_HINT % place if "write it without quotes" in problem.text and "[" not in place else ""


def _line(path: Path, text: str, origins: Mapping[Path, str]) -> str:
    place = "".join("[%d]" % step if isinstance(step, int) else ".%s" % step for step in path)
    return _said(place.lstrip("."), text, path, origins)


def _said(place: str, text: str, path: Path, origins: Mapping[Path, str]) -> str:
    while path and path not in origins:
        path = path[:-1]
    return "%s: %s%s" % (place, text, " (%s)" % origins[path] if path in origins else "")
