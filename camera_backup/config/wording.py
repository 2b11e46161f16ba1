"""The words of a refusal: where, what was given, what was probably meant. Pure; nothing here shows a secret."""

from __future__ import annotations

import difflib
import json
import re
from typing import Iterable, Mapping

from camera_backup import segments, urls
from camera_backup.config.keys import Key, Section
from camera_backup.config.schema import CAMERAS, ROOT
from camera_backup.config.yamllines import LIKE_A_SECRET, Mark, Path, shown
from camera_backup.redact import MASK, Redactor

_YAML_WORDS = "YAML reads an unquoted yes, no, on or off as true or false"
_HARMLESS = re.compile(r"(?i)https?://[^@?#]*\Z")


def where(path: Path, data: object, redact: Redactor) -> str:
    """Given the path of a value in `data`, return it as people write it, with the name of the camera it belongs to."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += "[%d]" % step
        else:
            text += ("." if text else "") + (step if step in _NAMES else redact(shown(step)))
    name = _camera(path, data)
    return (text or "the file") + (" (camera %s)" % redact(name) if name else "")


def given(value: object, secret: bool, mark: Mark, redact: Redactor) -> str:
    """Return what was given, for the message that refuses it."""
    if not isinstance(value, (str, bool, int, float)):
        return shape(value)
    if secret:
        return urls.mask(value) if isinstance(value, str) and "://" in value else MASK
    if isinstance(value, str):
        return _text(value, redact)
    written = "" if mark.raw is None or mark.raw == _number(value) else " (written %s)" % redact(mark.raw)[:40]
    return redact(_number(value)) + written


def shape(value: object) -> str:
    """Return what sort of value something is, without showing it."""
    sorts = (
        (str, "text"),
        (bool, "true or false"),
        ((int, float), "a number"),
        ((list, tuple), "a list"),
        (Mapping, "a mapping"),
        (type(None), "nothing"),
    )
    return next((word for sort, word in sorts if isinstance(value, sort)), "a value of another type")


def hint(wanted: object, value: object, mark: Mark) -> str:
    """Given the JSON type that is wanted, say how YAML came to see another one. Empty when there is nothing to say."""
    if wanted == "string" and isinstance(value, bool):
        return "; %s: put it in quotes" % _YAML_WORDS
    if wanted == "string" and isinstance(value, (int, float)):
        return "; YAML reads it as a number: put it in quotes"
    bare = r"(?i)(?:true|false|yes|no|on|off)\Z" if wanted == "boolean" else r"[0-9]+\Z"
    if wanted not in ("string", "array") and isinstance(value, str) and re.match(bare, value):
        return "; write it without quotes" if mark.raw is None else "; write it without leading zeros"
    return ""


def trap(value: object, mark: Mark) -> str | None:
    """Given a number and how it was written, return what is wrong with the writing, or None.

    YAML 1.1 reads 0060 as octal 48, 5:00 as 300 (base 60) and 1_000 as 1000; YAML 1.2 reads them otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int) or mark.raw is None:
        return None
    if re.match(r"-?(?:0|[1-9][0-9]*)\Z", mark.raw):
        return None
    return "is read by YAML as %s; write it in plain decimal digits" % _number(value)


def unknown(name: str, section: Section) -> str:
    """Return what to say of a key that `section` does not have."""
    names = [item.name for item in section.items]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), names, n=1, cutoff=0.5)
    if near:
        return 'unknown key; did you mean "%s"?' % near[0]
    homes = [home for home in _homes(ROOT, "") if name == home.rpartition(".")[2] and home != name]
    if homes:
        return "unknown key here; did you mean %s?" % " or ".join('"%s"' % home for home in homes)
    return "unknown key; accepted: " + ", ".join(names)


def missing(key: Key) -> str:
    """Return what to say when a required key is not there."""
    meaning = key.meaning.partition(".")[0]
    return "required key is missing: %s; for example %s: %s" % (meaning[0].lower() + meaning[1:], key.name, key.example)


def _homes(section: Section, above: str) -> Iterable[str]:
    for item in section.items:
        name = above + item.name
        yield name
        if isinstance(item, Section):
            yield from _homes(item, name + ("[]." if item.many else "."))


def _number(value: float) -> str:
    # Python refuses to write integers of more than 4,300 digits, which hexadecimal ones easily are.
    return "a number of very many digits" if isinstance(value, int) and value.bit_length() > 64 else json.dumps(value)


def _text(value: str, redact: Redactor) -> str:
    if ("://" in value or "@" in value) and not _HARMLESS.match(value):
        return '"%s"' % urls.mask(value)
    if LIKE_A_SECRET.match(value):
        return MASK
    # Masked before it is shortened: half a secret is not found any more.
    shown_text = redact(value)
    return json.dumps(shown_text if len(shown_text) <= 60 else shown_text[:57] + "...")


def _camera(path: Path, data: object) -> str | None:
    if len(path) < 3 or path[0] != CAMERAS.name:
        return None
    camera = data[CAMERAS.name][path[1]]  # type: ignore[index]
    name = camera.get("name")
    return name if isinstance(name, str) and segments.CAMERA_NAME.match(name) else None


_NAMES = frozenset(re.split(r"(?:\[\])?\.", home)[-1] for home in _homes(ROOT, ""))
