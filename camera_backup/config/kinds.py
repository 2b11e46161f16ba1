"""The kinds of value a configuration key can have. Pure.

A kind says one rule three times: in words for people, as JSON Schema for editors, and as the check. What JSON Schema
can say stands in `json` and `read`, and the tests hold the two equal; what it cannot say stands in `refine`.
"""

from __future__ import annotations

import os.path
import re
import unicodedata
from typing import Any, Callable, Literal, Mapping, NamedTuple

# Without lone surrogates, which ECMAScript confuses with the halves of other characters: the walker refuses those.
UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u2028\u2029"

_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_BYTES.update({"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4})
_BITS = {"bit": 1, "kbit": 1000, "Mbit": 1000**2, "Gbit": 1000**3}
_QUANTITY = r"(?P<number>[0-9]{1,15}(?:\.[0-9]{1,6})?) ?(?P<unit>%s)%s"
_SIZE = _QUANTITY % ("|".join(_BYTES), "")
RATE = _QUANTITY % ("|".join([*_BITS, *_BYTES]), "/s")


class Refused(ValueError):
    """A value breaks a rule; the text says which, and never quotes the value."""


class Kind(NamedTuple):
    """What a key accepts.

    accepted: for people, to stand behind "accepted:"
    json: the JSON Schema of the same rule
    read: given a value as YAML gives it, return it for the program, or raise Refused
    refine: given what `read` returned, return it after the checks that JSON Schema cannot say
    unit: what a number counts, where only one unit is possible; such as `seconds`
    item: for a list, what each of its items accepts; the walker reads them one by one
    """

    accepted: str
    json: Mapping[str, Any]
    read: Callable[[object], Any]
    refine: Callable[[Any], Any] | None = None
    unit: str = ""
    item: Kind | None = None


def anchored(pattern: str) -> str:
    """Return `pattern` for the whole text, with one meaning in Python and ECMAScript, also before a last line end."""
    return r"^(?:%s)$(?!\n)" % re.sub(r"\(\?P<[a-z]+>", "(", pattern)


def text(
    accepted: str,
    pattern: str = "[^%s]*" % UNPRINTABLE,
    shortest: Literal[0, 1] = 1,
    longest: int = 1024,
    refine: Callable[[str], object] | None = None,
) -> Kind:
    """Text of `shortest` to `longest` characters that as a whole matches `pattern`."""
    form = re.compile(anchored(pattern))

    def read(value: object) -> str:
        if not isinstance(value, str):
            raise Refused("is not text")
        if not shortest <= len(value) <= longest:
            raise Refused(
                "has %d characters, too many: the most is %d" % (len(value), longest) if value else "is empty"
            )
        if form.search(value) is None:
            raise Refused(_odd_character(value))
        return str(value)

    schema = {"type": "string", "minLength": shortest, "maxLength": longest, "pattern": anchored(pattern)}
    return Kind(accepted, schema, read, refine)


def boolean() -> Kind:
    """True or false."""

    def read(value: object) -> bool:
        if not isinstance(value, bool):
            raise Refused("is not true or false")
        return value

    return Kind("true or false", {"type": "boolean"}, read)


def choice(*words: str) -> Kind:
    """One of some words. An unquoted `off` arrives from YAML 1.1 as false, and is taken for the word."""
    values: list[object] = [*words, False] if "off" in words else [*words]

    def read(value: object) -> str:
        if value is False and False in values:
            return "off"
        if not isinstance(value, str) or value not in words:
            raise Refused("is not one of the words accepted")
        return str(value)

    return Kind(" or ".join([", ".join(words[:-1]), words[-1]]), {"enum": values}, read)


def whole(unit: str, low: int, high: int, refine: Callable[[int], object] | None = None, more: str = "") -> Kind:
    """A whole number from `low` to `high`, of `unit`."""

    def read(value: object) -> int:
        return _bounded(_whole(value), low, high, str)

    accepted = "a whole number of %s from %d to %d%s" % (unit, low, high, more)
    return Kind(accepted, {"type": "integer", "minimum": low, "maximum": high}, read, refine, unit)


def size(low: int, high: int) -> Kind:
    """A number of bytes, plain or with a unit; read into bytes."""
    return _quantity("a size such as 16MiB or 500GB, or a number of bytes", _SIZE, low, high, size_text)


def rate(low: int, high: int) -> Kind:
    """Bytes per second, plain or with a unit; read into bytes per second."""
    words = "a rate such as 8Mbit/s or 1MiB/s, or a number of bytes per second"
    return _quantity(words, RATE, low, high, lambda count: size_text(count) + "/s")


def path(accepted: str, refine: Callable[[str], object] | None = None) -> Kind:
    """An absolute path; read into its normal form."""

    def normal(value: str) -> object:
        if ".." in value.split("/"):
            raise Refused('holds ".."')
        plain = os.path.normpath("/" + value.lstrip("/"))
        return refine(plain) if refine else plain

    return text(accepted, "/[^%s]*" % UNPRINTABLE, longest=1000, refine=normal)


def listed(item: Kind, longest: int) -> Kind:
    """A list of at most `longest` items."""

    def read(value: object) -> list[object]:
        if not isinstance(value, (list, tuple)):
            raise Refused("is not a list")
        if len(value) > longest:
            raise Refused("has %d items, too many: the most is %d" % (len(value), longest))
        return list(value)

    schema = {"type": "array", "items": item.json, "maxItems": longest}
    return Kind("a list; each item is " + item.accepted, schema, read, item=item)


def size_text(count: int) -> str:
    """Given a number of bytes, return it in the largest unit that leaves no fraction."""
    for unit, factor in (("TiB", 1024**4), ("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if count and count % factor == 0:
            return "%d%s" % (count // factor, unit)
    return "%dB" % count


def _quantity(words: str, pattern: str, low: int, high: int, shown: Callable[[int], str]) -> Kind:
    form = re.compile(pattern + r"\Z")

    def read(value: object) -> int:
        return _bytes(value, form) if isinstance(value, str) else _bounded(_whole(value), low, high, shown)

    accepted = "%s; from %s to %s" % (words, shown(low), shown(high))
    number = {"type": "integer", "minimum": low, "maximum": high}
    schema = {"anyOf": [number, {"type": "string", "pattern": anchored(pattern)}]}
    return Kind(accepted, schema, read, lambda count: _bounded(count, low, high, shown))


def _bytes(value: str, form: re.Pattern[str]) -> int:
    match = form.match(value)
    if value.strip().isdigit():
        raise Refused("is text without a unit, not a number")
    if match is None:
        raise Refused("has no known unit (1 MiB is 1024 x 1024, 1 MB is 1000 x 1000; upper and lower case count)")
    factor = _BITS[match["unit"]] / 8 if match["unit"] in _BITS else _BYTES[match["unit"]]
    return int(float(match["number"]) * factor)


def _whole(value: object) -> int:
    if isinstance(value, str):
        raise Refused("is text, not a number")
    # A float without a fraction is a whole number, as in JSON Schema: inventories that went through JSON hold such.
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise Refused("is not a whole number")
    return int(value)


def _bounded(value: int, low: int, high: int, shown: Callable[[int], str]) -> int:
    if value < low:
        raise Refused("is too small, the least is " + shown(low))
    if value > high:
        raise Refused("is too large, the most is " + shown(high))
    return value


def _odd_character(value: str) -> str:
    for character in value:
        if re.match("[%s]" % UNPRINTABLE, character):
            return "holds a control character or a line break (U+%04X)" % ord(character)
    for character in value:
        if not character.isascii():
            return "holds the character U+%04X (%s)" % (ord(character), unicodedata.name(character, "unnamed"))
    return "does not have the right form"
