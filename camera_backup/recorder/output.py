"""What FFmpeg says, line by line. Pure.

Its exit status says little (a lost camera is 0) and its lines may hold the URL: they are judged here and redacted by
whoever prints them.
"""

from __future__ import annotations

TIMED_OUT = "timed_out"
"""FFmpeg waited in vain: before the first frame the camera is unreachable, later it is frozen."""

UNCLEAR = "unclear"
"""FFmpeg says "Invalid data found" both for an answer it does not understand and for none at all."""

NO_PICTURE = "no_picture"
"""The camera has answered, and FFmpeg has got no picture: it sends none yet, or ended the connection before."""

# (words of a line, cause of a gap). In the order of their authority: the first that matches counts.
_CAUSES = (
    ("401 Unauthorized", "login_refused"),
    ("403 Forbidden", "login_refused"),
    ("No space left on device", "disk_full"),
    ("Disk quota exceeded", "disk_full"),
    ("Read-only file system", "disk_failed"),
    ("certificate verify failed", "certificate_refused"),
    ("Connection refused", "camera_unreachable"),
    ("timed out", TIMED_OUT),
    ("No route to host", "camera_unreachable"),
    ("Network is unreachable", "camera_unreachable"),
    ("Host is unreachable", "camera_unreachable"),
    ("Failed to resolve hostname", "camera_unreachable"),
    ("Connection reset", "camera_unreachable"),
    ("Server returned", "stream_refused"),
    ("matches no streams", "unsupported"),
    ("codec not currently supported in container", "unsupported"),
    ("Decoder (codec", "unsupported"),
    ("Input/output error", "camera_unreachable"),
    ("End of file", "camera_unreachable"),
    ("none): unspecified size", NO_PICTURE),
    ("Invalid data found", UNCLEAR),
)

# Said at every start, whatever the camera, or at every failure, which another line explains.
_HARMLESS = ("Timestamps are unset in a packet", "Unused options for", "Impossible to open")

_LEVELS = {"panic": 3, "fatal": 3, "error": 3, "warning": 4, "info": 6}


class Reason:
    """Why something failed.

    rank: of two reasons, the one with the smaller counts
    cause: as in the ledger, or TIMED_OUT, UNCLEAR or NO_PICTURE
    text: for people
    """

    def __init__(self, rank: int, cause: str, text: str) -> None:
        self.rank = rank
        self.cause = cause
        self.text = text


class Line:
    """One line of standard error. `priority` as in syslog; `text` without the level and the address of the context."""

    def __init__(self, raw: str) -> None:
        self.priority = 6
        text = raw.rstrip()
        for level, priority in _LEVELS.items():
            head, mark, tail = text.partition("[%s] " % level)
            if mark and (not head or head.endswith("] ")):
                self.priority = priority
                text = _without_address(head) + tail
                break
        self.text = text
        if any(words in text for words in _HARMLESS):
            self.priority = 7

    @property
    def reason(self) -> Reason | None:
        """The reason for a failure that this line tells, or None."""
        if self.priority > 4:
            return None
        for rank, (words, cause) in enumerate(_CAUSES):
            if words in self.text:
                # The end of a line says it; before that stands what FFmpeg calls the input.
                cut = words[0].isupper() or words[0].isdigit()
                return Reason(rank, cause, self.text[self.text.rfind(words) :] if cut else self.text)
        return None

    @property
    def stream(self) -> tuple[str, str] | None:
        """For the line that describes a stream of the input, ("Video" or "Audio", codec)."""
        text = self.text.strip()
        if self.priority != 6 or not text.startswith("Stream #0:") or " -> " in text:
            return None
        for kind in ("Video", "Audio"):
            _, mark, tail = text.partition(": %s: " % kind)
            if mark:
                return kind, tail.split()[0].rstrip(",")
        return None

    @property
    def input_over(self) -> bool:
        """Whether the description of the input is over: next comes that of the output (5.1), or the mapping (7.1)."""
        return self.text.startswith(("Output #", "Stream mapping:"))

    @property
    def opened(self) -> int | None:
        """For the line that tells that a segment was opened, its number."""
        head, mark, tail = self.text.partition("Opening '")
        name = tail.partition("'")[0].rpartition("/")[2]
        return number(name) if mark and tail.endswith("for writing") else None


def _without_address(context: str) -> str:
    """Given `[segment @ 0x55c163dcc3c0] `, return `segment: `."""
    name = context.strip().strip("[]").partition(" @ ")[0]
    return name + ": " if name else ""


def number(name: str) -> int | None:
    """Given the name FFmpeg gave a segment, return its number; None for any other name."""
    stem, dot, suffix = name.partition(".")
    return int(stem) if suffix == "mp4" and len(stem) >= 9 and stem.isascii() and stem.isdigit() else None


class Progress:
    """The reports of `-progress`, fed as they come.

    frames: video frames so far; None before the first report
    out_time: seconds of the stream so far; None when FFmpeg does not say
    ended: the last report has come
    """

    def __init__(self) -> None:
        self.frames: int | None = None
        self.out_time: float | None = None
        self.ended = False

    def feed(self, line: str) -> bool:
        """Take one line; return whether it ended a report."""
        key, _, value = line.partition("=")
        if key == "frame":
            self.frames = _integer(value)
        elif key == "out_time_us":
            microseconds = _integer(value)
            self.out_time = None if microseconds is None else microseconds / 1e6
        elif key == "progress":
            self.ended = value == "end"
            return True
        return False


def _integer(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def closed(line: str) -> tuple[int, float, float] | None:
    """Given a line of the segment list, return (number, start, end) in seconds of the stream; None if it is none."""
    parts = line.strip().rsplit(",", 2)
    index = number(parts[0].rpartition("/")[2])
    if index is None or len(parts) != 3:
        return None
    try:
        return index, float(parts[1]), float(parts[2])
    except ValueError:
        return None
