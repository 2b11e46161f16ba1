"""Keep secrets out of every line we print (invariant I7). Pure, standard library only."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "********"

_USERINFO = re.compile(r"(?i)\b(rtsps?|https?)://[^\s'\"]*@")


def _any_spelling(character: str) -> str:
    """Given a character of a secret, return a pattern of the ways in which programs print it."""
    percent = "".join("%%%02X" % byte for byte in character.encode("utf-8", "surrogatepass"))
    ways = [re.escape(character), r"\\" + re.escape(character), "(?i:%s)" % percent]
    ways.append(r"(?i:\\u%04x)" % ord(character))
    if character == "'":
        ways.insert(0, r"'\\''")
    return "(?:%s)" % "|".join(ways)


class Redactor:
    """Replaces known secrets, and the user part of any URL, by a mask.

    A secret is found raw, percent-encoded (wholly or in part), and with shell, Python or JSON escapes.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.hide(*secrets)

    def hide(self, *secrets: str) -> None:
        """Add secrets. Ones of fewer than three characters are left to the URL rule: masking them masks all text."""
        self._secrets.update(secret for secret in secrets if len(secret) >= 3)
        self._pattern = None

    def _compiled(self) -> re.Pattern[str]:
        # The longest first, so that no rest of it stays when a shorter one is its beginning.
        longest_first = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
        forms = "|".join("".join(map(_any_spelling, secret)) for secret in longest_first)
        return re.compile(forms or r"(?!)")

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        if self._pattern is None:
            # At first use: a host with 64 cameras learns its secrets one by one.
            self._pattern = self._compiled()
        text = self._pattern.sub(MASK, text)
        return _USERINFO.sub(lambda match: match[1] + "://" + MASK + "@", text)
