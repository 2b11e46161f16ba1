"""What the camera sends, and what we make of it. Pure."""

from __future__ import annotations

from camera_backup.recorder import ffmpeg

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

FITS, SWITCH, UNSUPPORTED = "fits", "switch", "unsupported"


class Tracks:
    """Codecs as far as they are known, and the plan for the audio.

    FFmpeg has to be told before it connects, and says what it found only after. So a first start assumes H.264 and
    audio that can be copied; when that was wrong FFmpeg is started again, and the status file remembers it.
    """

    def __init__(self, setting: str, video: str | None = None, audio_codec: str | None = None) -> None:
        """setting: `audio` of the configuration. video, audio_codec: what the stream held last time."""
        self._setting = setting
        self.video = video
        self.audio_codec = audio_codec
        self.audio = ffmpeg.audio_plan(setting, audio_codec)

    def learn(self, codecs: Mapping[str, str]) -> str:
        """Given "Video" and "Audio" → codec as FFmpeg announced them, say whether its command line fits them."""
        before = self.video == "hevc", self.audio
        self.video = codecs.get("Video", self.video)
        if self.video is not None and self.video not in ffmpeg.VIDEO_CODECS:
            return UNSUPPORTED
        if codecs.get("Audio", self.audio_codec) != self.audio_codec:
            self.audio_codec = codecs["Audio"]
            self.audio = ffmpeg.audio_plan(self._setting, self.audio_codec)
        return FITS if before == (self.video == "hevc", self.audio) else SWITCH

    def settle(self, codecs: Mapping[str, str]) -> bool:
        """After MP4 could not hold the audio, or FFmpeg not decode it, settle for less; return whether that is left.

        Copied, else AAC, else none: half a recording is better than none, and `auto` asked for exactly that.
        """
        if self._setting != "auto" or "Audio" not in codecs or self.audio == "off":
            return False
        self.audio_codec = codecs["Audio"]
        self.audio = "aac" if self.audio == "copy" else "off"
        return True

    def refusal(self) -> str:
        """Return, for people, why the stream cannot be recorded."""
        return "the camera sends %s; accepted are H.264 and H.265 (choose one of them in the camera)" % self.video
