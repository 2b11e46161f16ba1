"""FFmpeg's command line and the script it reads its input from. Pure.

Every option was measured on FFmpeg 5.1, 7.1 and 9.0 against a simulated camera; the reasons stand beside them.
"""

from __future__ import annotations

VIDEO_CODECS = ("h264", "hevc", "av1", "mpeg4")
"""What is copied into MP4. Motion JPEG could be, too, but no player would find its way in it."""

AUDIO_COPIED = ("aac", "mp3", "opus", "ac3", "eac3")
"""What `audio: auto` copies; anything else (G.711, G.726) is encoded as AAC, because MP4 cannot hold it."""

PROGRESS_FD = 3
LIST_FD = 4
OLDEST = (59, 27)
_HYBRID = (61, 7)
_TLS_OPTIONS = (62, 0)


class Version:
    """An FFmpeg: `text` for people, `libavformat` (major, minor), by which also nightly builds can be judged."""

    def __init__(self, text: str, libavformat: tuple[int, int]) -> None:
        self.text = text
        self.libavformat = libavformat

    @property
    def supported(self) -> bool:
        """Whether it is 5.1 or newer."""
        return self.libavformat >= OLDEST

    @property
    def hybrid(self) -> bool:
        """Whether it can write files that are crash safe and, once finished, progressive (7.1 and newer)."""
        return self.libavformat >= _HYBRID

    @property
    def verifies(self) -> bool:
        """Whether its RTSP client takes TLS options; older ones ignore them with a warning."""
        return self.libavformat >= _TLS_OPTIONS


def version(output: str) -> Version | None:
    """Given what `ffmpeg -version` printed, return the version, or None when it is no FFmpeg's."""
    text, library = "", None
    for line in output.splitlines():
        words = line.split()
        if words[:2] == ["ffmpeg", "version"] and len(words) > 2:
            text = words[2]
        elif words[:1] == ["libavformat"]:
            numbers = "".join(words[1:]).split("/")[0].split(".")
            if len(numbers) >= 2 and numbers[0].isdigit() and numbers[1].isdigit():
                library = (int(numbers[0]), int(numbers[1]))
    return Version(text, library) if text and library else None


def patience(stall_timeout: float) -> float:
    """Return after how many seconds of silence a read of FFmpeg fails.

    It ends after twice this time (measured), which has to be before the supervisor loses patience.
    """
    return max(2.0, min(10.0, stall_timeout / 3))


def quoted(value: str) -> str:
    """Given a value, return it as a token of an ffconcat script; raise ValueError for a control character."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("a control character cannot be handed to FFmpeg")
    return "'%s'" % value.replace("'", "'\\''")


def tls_options(version: Version, verify: bool, ca_file: str | None, fingerprint: str | None) -> dict[str, str]:
    """Return the options that make an FFmpeg which verifies certificates (9.0) agree with our own check of them.

    A fingerprint is known to our check only: FFmpeg cannot pin a leaf that a CA issued.
    """
    if not version.verifies:
        return {}
    if not verify or fingerprint:
        return {"tls_verify": "0"}
    return {"ca_file": ca_file} if ca_file else {}


def script(url: str, options: dict[str, str]) -> str:
    """Return the ffconcat script for FFmpeg's standard input: the only way to keep the URL out of argv (I7)."""
    lines = ["ffconcat version 1.0", "file " + quoted(url)]
    lines += ["option %s %s" % (name, quoted(value)) for name, value in options.items()]
    return "\n".join(lines) + "\n"


def audio_plan(setting: str, codec: str | None) -> str:
    """Given `audio` of the configuration and the codec of the stream (None: not known yet), return copy, aac or off."""
    if setting != "auto":
        return setting
    return "copy" if codec is None or codec in AUDIO_COPIED else "aac"


def command(
    program: str, version: Version, transport: str, segment_duration: int, video: str | None, audio: str, directory: str
) -> list[str]:
    """Return the command line that records into numbered files in `directory`.

    video: codec of the stream, None when not known yet
    audio: `copy`, `aac` or `off`
    """
    protocols = "pipe,tcp,tls,rtsp,rtsps" + (",udp,rtp" if transport == "udp" else "")
    arguments = [program, "-hide_banner", "-nostdin", "-nostats"]
    # info: the only level at which the codecs and the opening of files are told.
    arguments += ["-loglevel", "level+info", "-progress", "pipe:%d" % PROGRESS_FD, "-stats_period", "2"]
    arguments += ["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0", "-map", "0:v:0"]
    arguments += ["-c:v", "copy"]
    if video == "hevc":
        # FFmpeg's own choice, hev1, does not play on Apple's devices.
        arguments += ["-tag:v", "hvc1"]
    if audio != "off":
        arguments += ["-map", "0:a:0?"]
        # copyinkf: without it FFmpeg 7.1 drops all AAC audio in silence.
        arguments += ["-c:a", "copy", "-copyinkf:a"] if audio == "copy" else ["-c:a", "aac", "-b:a", "32k"]
    # A declared but silent audio track would hold back the video for 10 s.
    arguments += ["-max_interleave_delta", "500000"]
    arguments += ["-f", "segment", "-segment_time", str(segment_duration), "-segment_atclocktime", "1"]
    arguments += ["-reset_timestamps", "1", "-segment_format", "mp4"]
    # flush_packets: else up to 256 KiB more are lost when FFmpeg is killed.
    movflags = "+hybrid_fragmented" if version.hybrid else "+frag_keyframe+empty_moov+default_base_moof"
    arguments += ["-segment_format_options", "movflags=%s:flush_packets=1" % movflags]
    # Numbers, not times: a clock set back can then not make FFmpeg overwrite what it just recorded (I2).
    template = directory.replace("%", "%%") + "/%09d.mp4"
    arguments += ["-segment_list", "pipe:%d" % LIST_FD, "-segment_list_type", "csv", template]
    return arguments
