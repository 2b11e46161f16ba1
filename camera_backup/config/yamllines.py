"""YAML with line numbers, without surprises. Pure.

PyYAML's own loader keeps the last of two equal keys without a word, forgets where a value stood, and quotes the file,
secrets included, in its errors. So its composer is used, which gives nodes with marks, and plain values are made here.
Dates stay text, as in YAML 1.2: nothing in a configuration of ours is a date.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple, Union

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from camera_backup.redact import MASK

Path = Tuple[Union[str, int], ...]

MOST_VALUES = 100_000
"""Values after references (`*name`) are followed. 1,000 cameras are 10,000; a few nested references are millions."""

LIKE_A_SECRET = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])[A-Za-z0-9/+=_-]{20,}")
"""What looks like half of an S3 credential, wherever it stands."""

_TAG = "tag:yaml.org,2002:"
_SCALARS = frozenset(_TAG + kind for kind in ["str", "null", "bool", "int", "float", "timestamp", "merge", "value"])


class Mark(NamedTuple):
    """Where a value stands. `raw`: how an unquoted value was written, else None."""

    line: int
    raw: str | None = None


class Document(NamedTuple):
    """A file as plain values, the place of each, and what is wrong with the YAML itself as (line, text)."""

    data: object
    marks: dict[Path, Mark]
    problems: list[tuple[int, str]]


class Unreadable(Exception):
    """Text that is no YAML at all. `line` is where, 0 if that is not known; the text quotes nothing."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        super().__init__(text)


def read(text: str) -> Document:
    """Given YAML, return its values and their lines; raise Unreadable."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        reader = _Reader()
        data = None if node is None else reader.value(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 0, _advice(error.context or "", error.problem or "")) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character
        raise Unreadable(line, "holds the control character U+%04X, which YAML does not allow" % code) from None
    except RecursionError:
        raise Unreadable(0, "is nested too deeply") from None
    # PyYAML lets a few errors of int(), chr() and codecs through: "\UFFFFFFFF", %YAML with 5,000 digits.
    except (ValueError, OverflowError):
        raise Unreadable(0, "is not valid YAML: it holds an escape or a number that cannot be read") from None
    return Document(data, reader.marks, reader.problems)


class _Reader:
    """Turns nodes into plain values."""

    def __init__(self) -> None:
        self.marks: dict[Path, Mark] = {}
        self.problems: list[tuple[int, str]] = []
        self._above: list[Node] = []
        self._count = 0

    def value(self, node: Node, path: Path, line: int = 0) -> object:
        """Return the value of a node at `path`; `line` is that of its key, if it has one."""
        here = line or node.start_mark.line + 1
        self._count += 1
        if self._count > MOST_VALUES:
            raise Unreadable(here, "holds more than %d values, counting references" % MOST_VALUES)
        if any(node is other for other in self._above):
            raise Unreadable(here, "holds a reference (*) to something that it is itself part of")
        self.marks[path] = Mark(here)
        self._above.append(node)
        try:
            return self._value(node, path, here)
        finally:
            self._above.pop()

    def _value(self, node: Node, path: Path, line: int) -> object:
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(child, (*path, place)) for place, child in enumerate(node.value)]
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path)
        if isinstance(node, ScalarNode) and node.tag in _SCALARS:
            return self._scalar(node, path, line)
        self.problems.append((line, "has a tag (!), which is not used here; quote a value that begins with !"))
        return None

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        merging = [(key, child) for key, child in node.value if key.tag == _TAG + "merge"]
        merged: dict[str, object] = {}
        for key, child in merging:
            merged.update(self._merged(child, path, key.start_mark.line + 1))
        own: dict[str, object] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, ScalarNode):
                self.problems.append((line, "has a list or a mapping as a key"))
            elif key.value in own:
                self.problems.append((line, "key %s is given twice, here and further up" % shown(key.value)))
            elif key.tag != _TAG + "merge":
                own[key.value] = self.value(child, (*path, key.value), line)
        return {**merged, **own}

    def _merged(self, node: Node, path: Path, line: int) -> dict[str, object]:
        """Return what a merge key (`<<: *defaults`) brings: of several sources the first wins, says YAML's registry."""
        merged: dict[str, object] = {}
        # Last to first, so that the values and the marks of the first are the ones that stay.
        for source in reversed(node.value if isinstance(node, SequenceNode) else [node]):
            value = self.value(source, path, line) if isinstance(source, MappingNode) else None
            if isinstance(value, dict):
                merged.update(value)
            else:
                self.problems.append((line, "<< takes a mapping, or a list of mappings"))
        return merged

    def _scalar(self, node: ScalarNode, path: Path, line: int) -> object:
        kind = node.tag[len(_TAG) :]
        if node.style is None:
            self.marks[path] = Mark(line, str(node.value))
        if kind == "null":
            return None
        if kind not in ("bool", "int", "float"):
            return str(node.value)
        try:
            return getattr(SafeConstructor(), "construct_yaml_" + kind)(node)
        # Numbers of more digits than Python reads, and explicit tags on something else: "!!int x", "!!bool x", "!!int".
        except (ValueError, KeyError, IndexError):
            self.problems.append((line, "has a value that cannot be read as the %s it seems to be" % kind))
            return None


def shown(key: str) -> str:
    """Given a key that nobody knows, return it for people, in ASCII; masked when it is more likely a lost value."""
    if len(key) > 40 or LIKE_A_SECRET.match(key) or not re.match(r"[\w.-]+\Z", key):
        return MASK
    return key if key.isascii() else '"%s"' % key.encode("ascii", "backslashreplace").decode()


_ADVICE = (
    (r"'\\t'", "a tab stands where only spaces may"),
    (r"cannot start any token", "%s cannot begin a value; put the value in quotes"),
    (r"\balias\b", "a value that begins with * is a reference to another one; put it in quotes"),
    (r"\banchor\b", "a value that begins with & is a name for references; put it in quotes"),
    (r"\btag\b", "a value that begins with ! is a tag; put it in quotes"),
    (r"mapping values are not allowed", 'a value holds ": ", or a line is indented too far; put the value in quotes'),
    (r"expected a single document", "a second document begins (---); only one is read"),
    (r"found unknown escape|escape sequence", "a backslash in double quotes begins an escape; use single quotes"),
    (r"could not find expected ':'", 'a line is neither "key: value" nor part of the value above'),
    (r"<block end>", "a line is indented in another way than those above it, or a quote or bracket is left open"),
    (r"unexpected end of stream", "a quote is opened and never closed"),
    (r"expected ',' or", "a bracket is opened and never closed, or a comma is missing"),
)


def _advice(context: str, problem: str) -> str:
    """Given an error in PyYAML's words, which may quote the file, return it in ours; one character at most stays."""
    for pattern, advice in _ADVICE:
        if re.search(pattern, "%s %s" % (context, problem)):
            character = re.search(r"'(.)'", problem)
            return "is not valid YAML: " + advice.replace("%s", character[1] if character else "this")
    return "is not valid YAML: " + re.sub(r"'[^']*'", "this", problem)
