"""Hold plain data against the schema: every mistake at once, each as one line that says where, what, and what instead.

A small walker of our own instead of the jsonschema library, which needs a compiled dependency, knows no line numbers
and prints the secrets it refuses. The tests hold both to the same verdicts.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Dict, Iterator, Mapping, NamedTuple, Sequence

from camera_backup import urls
from camera_backup.config import rules, wording
from camera_backup.config.keys import REQUIRED, Key, Section
from camera_backup.config.kinds import Refused
from camera_backup.config.schema import CAMERAS, ROOT, S3, STORAGE, UPLOAD
from camera_backup.config.yamllines import Mark, Path
from camera_backup.redact import Redactor

Values = Dict[str, Any]
"""A section as read: what was refused is not in it."""

_NOWHERE = Mark(0)


class Problem(NamedTuple):
    """One mistake.

    path: where, such as ("cameras", 1, "name")
    text: what is wrong, what was given, what is accepted
    beyond: whether the rule is one that JSON Schema cannot express
    """

    path: Path
    text: str
    beyond: bool


class Walker:
    """Reads one document against the schema, and collects what is wrong."""

    def __init__(self, data: object, marks: Mapping[Path, Mark]) -> None:
        self.problems: list[Problem] = []
        self._data = data
        self._marks = marks

    @cached_property
    def redact(self) -> Redactor:
        """Takes the secrets of this document out of a message. Made when there is one: it is slow to make."""
        return Redactor(planted(self._data))

    def refuse(self, path: Path, text: str, beyond: bool = True) -> None:
        """Note a mistake."""
        self.problems.append(Problem(path, text, beyond))

    def section(self, section: Section, data: object, path: Path) -> Values:
        """Return the values of a section, defaults filled in."""
        if data is None and not section.required:
            data = {}
        if not isinstance(data, Mapping):
            self._wrong_shape(path, "is not a mapping of keys", data, [item.name for item in section.items])
            return {}
        self._unknown(section, data, path)
        values: Values = {}
        for item in section.items:
            below = (*path, item.name)
            if isinstance(item, Key):
                values.update(self._key(item, data, below))
            elif item.many:
                values[item.name] = self._list(item, data, below)
            else:
                values[item.name] = self._child(item, data, below)
        return values

    def _unknown(self, section: Section, data: Mapping[object, object], path: Path) -> None:
        names = [item.name for item in section.items]
        for name in data:
            if name not in names:
                self.refuse((*path, str(name)), wording.unknown(str(name), section), beyond=False)

    def _child(self, section: Section, data: Mapping[str, object], path: Path) -> Values:
        if section.required and section.name not in data:
            self.refuse(path, _missing_section(section), beyond=False)
            return {}
        return self.section(section, data.get(section.name), path)

    def _list(self, section: Section, data: Mapping[str, object], path: Path) -> list[Values]:
        if section.name not in data:
            self.refuse(path, _missing_section(section), beyond=False)
            return []
        found = data[section.name]
        if not isinstance(found, (list, tuple)):
            self._wrong_shape(path, "is not a list", found, ["a list, or [] for none"])
            return []
        return [self.section(section._replace(many=False), item, (*path, place)) for place, item in enumerate(found)]

    def _key(self, key: Key, data: Mapping[str, object], path: Path) -> Values:
        value = data.get(key.name, key.default)
        if value is REQUIRED:
            self.refuse(path, wording.missing(key), beyond=False)
        elif value is None and key.default is None:
            return {key.name: None}
        elif value is None:
            self._no_value(key, path)
        else:
            return self._read(key, value, path)
        return {}

    def _no_value(self, key: Key, path: Path) -> None:
        way_out = "" if key.default is REQUIRED else "; leave the key out for its default"
        self.refuse(path, "has no value%s; accepted: %s" % (way_out, key.kind.accepted), beyond=False)

    def _read(self, key: Key, value: object, path: Path) -> Values:
        found = self._value(key, value, path)
        if found is None:
            return {}
        if key.kind.item is None:
            return {key.name: found}
        # What was refused stays as None, so that the others keep their places.
        one = key._replace(kind=key.kind.item)
        return {key.name: tuple(self._value(one, item, (*path, place)) for place, item in enumerate(found))}

    def _value(self, key: Key, value: object, path: Path) -> Any:  # noqa: ANN401  (of any kind)
        """Return a value as read, or None after noting why it is refused."""
        beyond = False
        try:
            read = key.kind.read(value)
            beyond = True
            doubt = rules.half_character(value) or wording.trap(value, self._own(path)) or rules.placeholder(value)
            if doubt:
                raise Refused(doubt)
            return key.kind.refine(read) if key.kind.refine else read
        except Refused as refused:
            self._wrong(key, value, path, str(refused), beyond)
            return None

    def _wrong(self, key: Key, value: object, path: Path, reason: str, beyond: bool) -> None:
        mark = self._own(path)
        if not beyond:
            reason = rules.placeholder(value) or reason + wording.hint(key.kind.json.get("type"), value, mark)
        shown = wording.given(value, key.secret, mark, self.redact)
        self.refuse(path, "%s; given %s, accepted: %s" % (reason, shown, key.kind.accepted), beyond)

    def _wrong_shape(self, path: Path, what: str, value: object, accepted: Sequence[str]) -> None:
        self.refuse(
            path, "%s; given %s, accepted: %s" % (what, wording.shape(value), ", ".join(accepted)), beyond=False
        )

    def line(self, path: Path) -> int:
        """Return the line of a value, or, for one that is not there, of what it should stand in; 0 if not known."""
        while path and path not in self._marks:
            path = path[:-1]
        return self._own(path).line

    def _own(self, path: Path) -> Mark:
        return self._marks.get(path, _NOWHERE)


def walk(data: object, marks: Mapping[Path, Mark]) -> tuple[Values, Walker]:
    """Given a document, return its values and the walker with all its problems.

    Each camera gets one value more, `url`: what its URL and its login say together.
    """
    walker = Walker(data, marks)
    values = walker.section(ROOT, data, ())
    rules.storage(values.get(STORAGE.name, {}), lambda path, text: walker.refuse((STORAGE.name, *path), text))
    rules.retention(
        values.get(STORAGE.name, {}),
        values.get(UPLOAD.name, {}),
        lambda path, text: walker.refuse((STORAGE.name, *path), text),
    )
    bucket = values.get(S3.name, {})
    for rule in (rules.bucket, rules.bucket_lock):
        rule(bucket, lambda path, text: walker.refuse((S3.name, *path), text))
    upload = (UPLOAD.name, "schedule")
    windows = values.get(UPLOAD.name, {}).get("schedule", ())
    rules.windows(windows, lambda place, text: walker.refuse((*upload, place), text))
    cameras = values.get(CAMERAS.name, [])
    for place, camera in enumerate(cameras):
        _camera(camera, bucket, walker, (CAMERAS.name, place))
    rules.names(cameras, lambda place, text: walker.refuse((CAMERAS.name, place, "name"), text))
    return values, walker


def _camera(camera: Values, bucket: Values, walker: Walker, path: Path) -> None:
    def refuse(rest: Sequence[str], text: str) -> None:
        walker.refuse((*path, *rest), text)

    camera["url"] = rules.stream(camera, refuse)
    rules.tls(camera, camera["url"], refuse)
    rules.camera_lock(camera, bucket, refuse)


def planted(data: object) -> Iterator[str]:
    """Yield every secret of a document that may be wrong in any way, so that no message repeats one."""
    if not isinstance(data, Mapping):
        return
    cameras = data.get(CAMERAS.name)
    listed = cameras if isinstance(cameras, (list, tuple)) else []
    for section, found in [(S3, data.get(S3.name)), *((CAMERAS, camera) for camera in listed)]:
        for key in section.keys:
            value = found.get(key.name) if isinstance(found, Mapping) else None
            if key.secret and isinstance(value, str):
                yield value
                yield from _in_url(value)


def _in_url(value: str) -> Iterator[str]:
    try:
        yield from urls.parse(value).secrets
    except urls.UrlError:
        user, _, password = value.partition("://")[2].rpartition("@")[0].partition(":")
        yield from filter(None, (user, password))


def _missing_section(section: Section) -> str:
    needed = ", ".join(key.name for key in section.keys if key.default is REQUIRED)
    return "required section is missing; it %s %s" % ("is a list of" if section.many else "needs", needed)
