"""What is generated from the schema: JSON Schema for editors, the reference for people, the template to start from.

`docs/configuration.md` and `templates/config.yaml` are committed; the tests prove that they are what this module says.
"""

from __future__ import annotations

import json
import textwrap
from typing import Any, Iterator

import yaml

from camera_backup.config.keys import REQUIRED, Key, Section
from camera_backup.config.schema import CAMERAS, ROOT

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SAMPLE_CAMERAS = ("front-door", "back-yard")

_INTRODUCTION = """\
# Configuration

<!-- Generated: camera-backup schema --format reference. Change camera_backup/config/schema.py instead. -->

One file, `/etc/camera-backup/config.yaml`, owned by root, mode 0600: it holds secrets. `camera-backup-install` writes
a commented one to start from. This is all a host needs:

```yaml
storage:
  local_path: "/var/lib/camera-backup/segments"
s3:
  access_key_id: "AKIAIOSFODNN7EXAMPLE"
  secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
  bucket: "camera-backups"
  endpoint: "https://s3.eu-central-1.amazonaws.com"
cameras:
  - name: "front-door"
    rtsp_url: "rtsp://user:password@192.168.1.20:554/stream"
    enabled: true
  - name: "back-yard"
    rtsp_url: "rtsps://user:password@192.168.1.21/stream"
    enabled: true
recording:
  segment_duration: 3600
upload:
  check_interval: 300
  delete_after_upload: true
```

`camera-backup check` validates the file and then tries everything it names; `camera-backup check --offline` only
validates. `camera-backup-generate` puts a changed file into effect, and touches nothing if there is a mistake in it.

**Mistakes** are reported all at once, each with its line, and never with a secret:

```
/etc/camera-backup/config.yaml:16: recording.segment_time: unknown key; did you mean "segment_duration"?
```

**Quote** passwords and keys, best in single quotes: YAML gives `#`, `:`, `*`, `&`, `!`, `%` and `@` meanings of their
own, and reads an unquoted `0123` as a number and `on` as true. Such values are refused with the reason where that can
be seen. It cannot be seen that ` #` in an unquoted value begins a comment.

**Sizes** are bytes, or a number with B, kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (powers of 1024).
**Rates** are bytes per second, or a size or a number of bit, kbit, Mbit, Gbit with `/s`.

**Editors** complete and check the file with the JSON Schema that `camera-backup schema` prints. With the YAML language
server, put `# yaml-language-server: $schema=config.schema.json` in the first line.
"""

_HEADING = """\
# Configuration of camera-backup on this host. It holds secrets: keep it root's, mode 0600.
#
# 1. Replace what stands in for your own values: YOUR_..., camera-ip. They are refused until you do.
# 2. Try it:             camera-backup check
# 3. Put it into effect: camera-backup-generate
#
# A key with # before it has the value shown, or none, until you take the # away.
"""


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `config.yaml`: all rules that it can express."""
    return {"$schema": _DIALECT, "title": "camera-backup config.yaml", **_section_schema(ROOT)}


def json_text() -> str:
    """Return the JSON Schema as text."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=True)


def markdown() -> str:
    """Return the reference of all keys, `docs/configuration.md`."""
    return "\n".join([_INTRODUCTION, *_chapters(ROOT, "")]).rstrip()


def template() -> str:
    """Return the commented `config.yaml` that camera-backup-install writes."""
    lines = [_HEADING.rstrip()]
    for section in ROOT.sections:
        lines += ["", *_comment(section.meaning, ""), section.name + ":"]
        lines += _sample_cameras() if section is CAMERAS else _sample_keys(section, "  ")
    return "\n".join(lines)


def _section_schema(section: Section) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object" if section.required or section is ROOT else ["object", "null"],
        "additionalProperties": False,
        "properties": {item.name: _item_schema(item) for item in section.items},
    }
    required = [key.name for key in section.keys if key.default is REQUIRED]
    required += [child.name for child in section.sections if child.required]
    return {**schema, "required": required} if required else schema


def _item_schema(item: Key | Section) -> dict[str, Any]:
    if isinstance(item, Key):
        return _key_schema(item)
    described = {"description": item.meaning}
    return {**described, **({"type": "array", "items": _section_schema(item)} if item.many else _section_schema(item))}


def _key_schema(key: Key) -> dict[str, Any]:
    rule = dict(key.kind.json)
    schema: dict[str, Any] = {
        "description": "%s %s" % (key.meaning, key.consequence),
        "examples": [yaml.safe_load(key.example)],
    }
    schema.update({"anyOf": [rule, {"type": "null"}]} if key.default is None else rule)
    if key.default is not REQUIRED:
        schema["default"] = key.default
    return {**schema, "writeOnly": True} if key.secret else schema


def _chapters(section: Section, above: str) -> Iterator[str]:
    for child in section.sections:
        name = above + child.name + ("[]" if child.many else "")
        yield "## `%s`\n\n%s\n" % (name, _paragraph(child.meaning))
        for key in child.keys:
            yield _entry(key, name)
        yield from _chapters(child, name + ".")


def _entry(key: Key, section: str) -> str:
    default = "none: the key is required" if key.default is REQUIRED else "`%s`" % json.dumps(key.default)
    null = ", or null" if key.default is None else ""
    return "### `%s.%s`\n\n%s\n\n- Accepted: %s%s\n- Default: %s\n- Example: `%s: %s`\n%s" % (
        section,
        key.name,
        _paragraph("%s %s" % (key.meaning, key.consequence)),
        key.kind.accepted,
        null,
        default,
        key.name,
        key.example,
        "- Secret: never shown, logged, or given to a service that does not need it\n" if key.secret else "",
    )


def _sample_keys(section: Section, indent: str) -> Iterator[str]:
    for key in section.keys:
        yield from _comment("%s %s" % (key.meaning, key.consequence), indent)
        yield indent + _sample(key)


def _sample_cameras() -> Iterator[str]:
    for place, name in enumerate(_SAMPLE_CAMERAS):
        shown = [key for key in CAMERAS.keys if key.sample is not None]
        for first, key in enumerate(shown):
            sample = json.dumps(name) if key.name == "name" else key.sample
            yield "%s%s: %s" % ("    " if first else "  - ", key.name, sample)
        if place == 0:
            yield from _optional(CAMERAS, "    ")


def _optional(section: Section, indent: str) -> Iterator[str]:
    for key in section.keys:
        if key.sample is None:
            yield from _comment("%s %s" % (key.meaning, key.consequence), indent)
            yield indent + _sample(key)
    for child in section.sections:
        yield from _comment(child.meaning, indent)
        yield "%s#%s:" % (indent, child.name)
        for key in child.keys:
            yield from _comment("%s %s" % (key.meaning, key.consequence), indent)
            yield "%s#  %s" % (indent, _sample(key).lstrip("#"))


def _sample(key: Key) -> str:
    if key.sample is not None:
        return "%s: %s" % (key.name, key.sample)
    return "#%s: %s" % (key.name, key.example if key.default is None else json.dumps(key.default))


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 120, break_on_hyphens=False)


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, 100, initial_indent=indent + "# ", subsequent_indent=indent + "# ", break_on_hyphens=False
    )
