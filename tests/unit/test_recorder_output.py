from __future__ import annotations

import pytest

from camera_backup.recorder.output import NO_PICTURE, TIMED_OUT, UNCLEAR, Line, Progress, closed, number


@pytest.mark.parametrize(
    ("raw", "priority", "text"),
    [
        ("[segment @ 0x55c163dcc3c0] [warning] Timestamps off", 4, "segment: Timestamps off"),
        ("[error] pipe:0: Connection refused", 3, "pipe:0: Connection refused"),
        ("[fatal] Error opening input files", 3, "Error opening input files"),
        ("[in#0 @ 0x55] [error] Error opening input", 3, "in#0: Error opening input"),
        ("[info]   Stream #0:0: Video: h264", 6, "  Stream #0:0: Video: h264"),
        ("no level at all", 6, "no level at all"),
        ("the word [error] inside", 6, "the word [error] inside"),
        ("", 6, ""),
        ("[concat @ 0x5] [error] Impossible to open 'rtsp://x'", 7, "concat: Impossible to open 'rtsp://x'"),
    ],
)
def test_level_and_text_of_a_line(raw, priority, text):
    line = Line(raw + "\r\n")
    assert (line.priority, line.text) == (priority, text)


@pytest.mark.parametrize(
    ("raw", "cause", "text"),
    [
        (
            "[rtsp @ 0x1] [error] method DESCRIBE failed: 401 Unauthorized",
            "login_refused",
            "401 Unauthorized",
        ),
        (
            "[error] pipe:0: Server returned 403 Forbidden (access denied)",
            "login_refused",
            "403 Forbidden (access denied)",
        ),
        ("[error] pipe:0: Server returned 404 Not Found", "stream_refused", "Server returned 404 Not Found"),
        (
            "[error] x: Server returned 5XX Server Error reply",
            "stream_refused",
            "Server returned 5XX Server Error reply",
        ),
        (
            "[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:1?timeout=5 failed: Connection refused",
            "camera_unreachable",
            "Connection refused",
        ),
        ("[error] pipe:0: No route to host", "camera_unreachable", "No route to host"),
        (
            "[tcp @ 0x1] [error] Failed to resolve hostname cam: Name or service not known",
            "camera_unreachable",
            "Failed to resolve hostname cam: Name or service not known",
        ),
        ("[error] pipe:0: Connection timed out", TIMED_OUT, "pipe:0: Connection timed out"),
        (
            "[error] pipe:0: Invalid data found when processing input",
            UNCLEAR,
            "Invalid data found when processing input",
        ),
        (
            "[rtsp @ 0x1] [warning] Could not find codec parameters for stream 0 (Video: h264, none): unspecified size",
            NO_PICTURE,
            "rtsp: Could not find codec parameters for stream 0 (Video: h264, none): unspecified size",
        ),
        ("[error] av_interleaved_write_frame(): No space left on device", "disk_full", "No space left on device"),
        (
            "[mp4 @ 0x1] [error] Could not find tag for codec pcm_mulaw in stream #1, codec not currently supported in "
            "container",
            "unsupported",
            "mp4: Could not find tag for codec pcm_mulaw in stream #1, codec not currently supported in container",
        ),
        ("[fatal] Stream map '0:v:0' matches no streams.", "unsupported", "Stream map '0:v:0' matches no streams."),
        (
            "[tls @ 0x1] [error] error:0A000086:SSL routines::certificate verify failed",
            "certificate_refused",
            "tls: error:0A000086:SSL routines::certificate verify failed",
        ),
    ],
)
def test_the_reason_a_line_tells(raw, cause, text):
    reason = Line(raw).reason
    assert (reason.cause, reason.text) == (cause, text)


@pytest.mark.parametrize("raw", ["[info] pipe:0: Connection refused", "[error] something new", "[warning] DTS 1 < 2"])
def test_other_lines_tell_no_reason(raw):
    assert Line(raw).reason is None


def test_what_names_the_trouble_outranks_what_follows_from_it():
    resolve = Line("[error] Failed to resolve hostname cam: Name or service not known").reason
    follows = Line("[error] pipe:0: Input/output error").reason
    assert resolve.rank < follows.rank


@pytest.mark.parametrize(
    ("raw", "stream"),
    [
        ("[info]   Stream #0:0: Video: h264 (High), yuv420p, 25 fps", ("Video", "h264")),
        ("[info]   Stream #0:1: Audio: pcm_mulaw, 8000 Hz, mono", ("Audio", "pcm_mulaw")),
        ("[info]   Stream #0:1(eng): Audio: aac (LC), 16000 Hz", ("Audio", "aac")),
        ("[info]   Stream #0:0 -> #0:0 (copy)", None),
        ("[info]   Stream #0:2: Data: none", None),
        ("[info]   Stream #0:2: Video: ", None),
        ("[info]   encoder : Lavf", None),
        ("[error]   Stream #0:0: Video: h264", None),
    ],
)
def test_the_codec_of_a_stream(raw, stream):
    assert Line(raw).stream == stream


@pytest.mark.parametrize(
    ("raw", "opened"),
    [
        ("[segment @ 0x1] [info] Opening '/a b/.spool/r/000000007.mp4' for writing", 7),
        ("[segment @ 0x1] [info] Opening 'pipe:4' for writing", None),
        ("[segment @ 0x1] [info] Opening '/x/000000007.mp4' for reading", None),
    ],
)
def test_which_segment_was_opened(raw, opened):
    assert Line(raw).opened == opened


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("000000012.mp4", 12),
        ("1000000000.mp4", 10**9),
        ("12.mp4", None),
        ("000000012.mkv", None),
        ("²00000012.mp4", None),
    ],
)
def test_the_number_in_a_name(name, value):
    assert number(name) == value


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("000000003.mp4,10.015937,15.0\n", (3, 10.015937, 15.0)),
        ("/dir/000000003.mp4,1,2", (3, 1.0, 2.0)),
        ("000000003.mp4,one,two", None),
        ("other.mp4,1,2", None),
        ("000000003.mp4", None),
        ("", None),
    ],
)
def test_a_line_of_the_segment_list(line, told):
    assert closed(line) == told


def feed(progress, text):
    return [progress.feed(line) for line in text.split()]


def test_a_report_ends_with_its_last_line():
    progress = Progress()
    assert feed(progress, "frame=80 out_time_us=3200000 progress=continue") == [False, False, True]
    assert (progress.frames, progress.out_time, progress.ended) == (80, 3.2, False)
    assert feed(progress, "frame=81 out_time_us=N/A progress=end")[-1]
    assert (progress.frames, progress.out_time, progress.ended) == (81, None, True)


def test_a_report_that_makes_no_sense_says_nothing():
    progress = Progress()
    feed(progress, "frame=many nonsense out_time_us=")
    assert (progress.frames, progress.out_time) == (None, None)


@pytest.mark.parametrize(
    ("text", "over"),
    [
        ("[info] Input #0, concat, from 'pipe:0':", False),
        ("[info]   Stream #0:0: Video: h264 (High), yuv420p(progressive), 320x180, 25 fps, 90k tbn", False),
        ("[info] Output #0, segment, to '/x/%09d.mp4':", True),
        ("[info] Stream mapping:", True),
    ],
)
def test_where_the_description_of_the_input_is_over_is_known(text, over):
    assert Line(text).input_over is over
