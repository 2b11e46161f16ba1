"""What a table of configuration keys is made of. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterator, NamedTuple

if TYPE_CHECKING:
    from camera_backup.config.kinds import Kind


REQUIRED = object()
"""The default of a key that has none."""


class Key(NamedTuple):
    """One key.

    meaning: what it is
    consequence: what another value costs, or breaks; what an operator has to know to choose
    example: a value as it is written in YAML
    default: as written in YAML; None means that the key may be null; REQUIRED
    secret: its value is never shown
    sample: what stands in the template, for keys that are not commented out there
    """

    name: str
    kind: Kind
    meaning: str
    consequence: str
    example: str
    default: object = REQUIRED
    secret: bool = False
    sample: str | None = None


class Section(NamedTuple):
    """A mapping of keys; `many`: a list of such mappings."""

    name: str
    meaning: str
    items: tuple[Key | Section, ...]
    many: bool = False

    @property
    def keys(self) -> Iterator[Key]:
        """The keys directly in this section."""
        return (item for item in self.items if isinstance(item, Key))

    @property
    def sections(self) -> Iterator[Section]:
        """The sections directly in this section."""
        return (item for item in self.items if isinstance(item, Section))

    @property
    def required(self) -> bool:
        """Whether something in it has no default."""
        return self.many or any(key.default is REQUIRED for key in self.keys)
