"""I4 attacked: whatever is killed, at most one key-frame interval is lost, and the rest is repaired and published."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

from camera_backup import ledger, mp4
from camera_backup.recorder import spool
from tests.simulators.camera import Look
from tests.support import frames
from tests.support.processes import wait_until
from tests.support.recorder import LIBFAKETIME, gone
from tests.support.together import performance, stage_ffmpeg, together

__all__ = ["performance", "stage_ffmpeg"]

LOOK = Look(audio="aac", gop=1.0)
KEY_FRAME_INTERVAL = 25
ON_ITS_WAY = 12
"""Frames that the camera had sent and FFmpeg not yet read: half a second on a busy machine."""


def host_of(stage):
    # No cut at a clock time during the test: what is lost is lost by the kill alone.
    return stage.host(LOOK, segment_duration=3600)


def sent_until_now(host):
    return max(run.last for session in host.camera.sent() for run in session.runs)


def assert_little_is_lost(host, killed_at, at_most=KEY_FRAME_INTERVAL + ON_ITS_WAY):
    """Look at the first segment. `killed_at`: the last frame the camera had sent when the kill came."""
    first = host.segments[0]
    account = frames.account([first], host.camera.sent(), host.name)
    assert account.clean, account
    assert account.recorded[0] <= killed_at - 3 * 25
    assert killed_at - account.recorded[-1] <= at_most, account
    probe = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]
    done = subprocess.run([*probe, str(first)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert int(done.stdout.split()[0]) == len(account.recorded)


def how(host):
    return [record.how for record in ledger.segments(host.ledger).values()]


def kill_both(recorder):
    ffmpeg = recorder.ffmpeg
    # Stopped first: it must not get the chance to finish its file.
    os.kill(ffmpeg, signal.SIGSTOP)
    recorder.kill()
    os.kill(ffmpeg, signal.SIGKILL)
    wait_until(lambda: gone(ffmpeg), "the end of FFmpeg")


def frames_of(content, stage):
    path = stage.directory / "copy.mp4"
    path.write_bytes(content)
    return frames.frames(path)


@together
def test_sigkill_of_ffmpeg_costs_one_key_frame_interval_and_recording_goes_on(stage):
    host = host_of(stage)
    with host.record(5) as recorder:
        before = sent_until_now(host)
        os.kill(recorder.ffmpeg, signal.SIGKILL)
        host.wait_for_segments(1)
        host.wait_for_state("recording")
        assert host.causes == ["stopped", "connection_lost"]
        time.sleep(3)
    assert_little_is_lost(host, before)
    assert how(host) == ["repaired", "complete"], host.journal
    host.check_segments()


@together
def test_sigkill_of_the_supervisor_makes_ffmpeg_finish_and_the_next_recorder_publish(stage):
    host = host_of(stage)
    recorder = host.record(5)
    ffmpeg = recorder.ffmpeg
    before = sent_until_now(host)
    recorder.kill()
    wait_until(lambda: gone(ffmpeg), "the end of the orphaned FFmpeg", 10)
    assert host.segments == []
    with host.record(2):
        host.wait_for_segments(1)
    assert_little_is_lost(host, before, ON_ITS_WAY)
    host.check_segments()
    assert how(host) == ["complete", "complete"]


@together
def test_a_killed_recorder_is_a_gap_from_its_last_frame_to_the_first_of_the_next_one(stage):
    host = host_of(stage)
    kill_both(host.record(4))
    time.sleep(2)
    with host.record(2):
        host.wait_for_segments(1)
    assert host.causes == ["stopped", "recorder_killed", "stopped"]
    killed = host.gaps[1]
    first, second = (ledger.segments(host.ledger)[path.name] for path in host.segments)
    # What the open key-frame interval held is lost; the gap begins with the last write, not with the last whole frame.
    assert first.end - 0.5 <= killed.start <= first.end + 1.5
    # The gap may end late, when a busy machine notices the first media late; never before there was any.
    assert second.start - 0.5 <= killed.end <= second.start + 3
    assert killed.end - killed.start > 2


@together
def test_sigkill_of_both_costs_one_key_frame_interval(stage):
    host = host_of(stage)
    recorder = host.record(5)
    before = sent_until_now(host)
    kill_both(recorder)
    with host.record(2):
        host.wait_for_segments(1)
    assert_little_is_lost(host, before)
    assert how(host) == ["repaired", "complete"], host.journal
    host.check_segments()


@together
def test_after_a_reboot_the_gap_is_the_hosts(stage):
    host = host_of(stage)
    kill_both(host.record(3))
    path = host.state_path / "ledger" / (host.name + ".jsonl")
    status = host.state_path / "recorders" / (host.name + ".json")
    for file in (path, status):
        file.write_text(file.read_text().replace(host.status["boot_id"], "another-boot"))
    with host.record(1):
        pass
    assert host.causes == ["stopped", "host_down", "stopped"]


@together
def test_what_a_crash_left_of_a_camera_nobody_records_any_more_is_recovered_by_others(stage):
    host = host_of(stage)
    recorder = host.record(4)
    place = (str(host.local_path), str(host.state_path), host.name, stage.ffmpeg)
    assert spool.recover(*place) == []
    ffmpeg = recorder.ffmpeg
    os.kill(ffmpeg, signal.SIGSTOP)
    recorder.kill()
    # I3: as long as FFmpeg lives, its directory is its own, whatever became of the supervisor.
    before = time.monotonic()
    assert spool.recover(*place) == []
    assert time.monotonic() - before < 2  # the lock says so; the lease would have been waited for
    os.kill(ffmpeg, signal.SIGKILL)
    published = host.recovered()
    assert published == [path.name for path in host.segments]
    assert len(published) == 1
    host.check_segments()
    assert spool.recover(*place) == []
    assert list((host.footage / ".spool").iterdir()) == []


@together
def test_restarts_in_the_same_second_overwrite_nothing(stage):
    """The clock stands still: three recorders in a row want the same name for their file."""
    host = host_of(stage)
    still = {
        "LD_PRELOAD": LIBFAKETIME,
        "FAKETIME": "2026-11-22 13:00:00",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "TZ": "UTC",
    }
    for _ in range(3):
        with host.record(3, still):
            pass
    names = ["20261122_130000.mp4", "20261122_130000_2.mp4", "20261122_130000_3.mp4"]
    assert [path.name for path in host.segments] == names, host.journal
    assert frames.account(host.segments, host.camera.sent(), host.name).doubled == []
    assert all(frames.frames(path) for path in host.segments)
    assert sorted(ledger.segments(host.ledger)) == names


@together
def test_a_file_that_a_power_cut_tore_at_any_byte_keeps_every_whole_frame_and_no_torn_one(stage):
    host = host_of(stage)
    kill_both(host.record(4))
    [raw] = host.spooled
    content = raw.read_bytes()
    raw.unlink()
    whole = [frame.number for frame in frames_of(content, stage)]
    ledger_file = host.state_path / "ledger" / (host.name + ".jsonl")
    before = ledger_file.read_bytes()
    spread = random.Random(7)
    for length in sorted(spread.sample(range(len(content) // 4, len(content)), 12)):
        raw.parent.mkdir(exist_ok=True)
        raw.write_bytes(content[:length])
        # Two cuts may leave the same whole frames, and what was published before is not published again.
        ledger_file.write_bytes(before)
        [name] = host.recovered()
        held = frames.frames(host.footage / name)
        movie = mp4.inspect(str(host.footage / name))
        assert all(frame.intact for frame in held), length
        assert [frame.number for frame in held] == whole[: len(held)], length
        # Exactly the samples whose last byte is there, as a reader of the torn file itself finds them.
        intact = [f for f in frames_of(content[:length], stage) if f.intact]
        assert len(held) == len(intact), length
        assert movie.complete, (length, movie)
        assert not movie.fragmented, length
        (host.footage / name).unlink()
        assert how(host) == ["repaired"]


STEPS = """
import os, signal, sys
step, seen = int(sys.argv.pop(1)), 0
def dying(name, function):
    def called(*arguments, **keywords):
        global seen
        for moment in "before", "after":
            seen += 1
            if seen == step:
                print(moment, name, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            if moment == "before":
                result = function(*arguments, **keywords)
        return result
    return called
from camera_backup import ledger, mp4
from camera_backup.recorder import finish, remux
for module, name in ((os, "link"), (os, "unlink"), (os, "fsync"), (os, "rmdir"), (mp4, "inspect"), (remux, "remux"),
                     (ledger.Ledger, "append"), (finish, "_synced_hash"), (finish, "sync_directory")):
    setattr(module, name, dying(name, getattr(module, name)))
sys.exit(finish.main(sys.argv[1:]))
"""

KILLED_AT = {
    "%s %s" % (moment, name)
    for moment in ("before", "after")
    for name in (
        "link",
        "unlink",
        "fsync",
        "rmdir",
        "inspect",
        "remux",
        "append",
        "_synced_hash",
        "sync_directory",
    )
}


@together
def test_a_finisher_killed_at_any_step_loses_and_doubles_nothing(stage):
    host = host_of(stage)
    kill_both(host.record(4))
    [raw] = host.spooled
    content = raw.read_bytes()
    ledger_file = host.state_path / "ledger" / (host.name + ".jsonl")
    before = ledger_file.read_bytes()
    arguments = ["leftovers", str(host.local_path), str(host.state_path), host.name, stage.ffmpeg, "next run"]

    def finish(step):
        command = [sys.executable, "-c", STEPS, str(step), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    reference, places = None, set()
    for step in range(1, 100):
        for path in [*host.segments, *host.spooled]:
            path.unlink()
        # The crash again, as it was.
        raw.parent.mkdir(exist_ok=True)
        raw.write_bytes(content)
        ledger_file.write_bytes(before)
        killed = finish(step)
        places.update(killed.stdout.splitlines())
        again = finish(0)
        assert again.returncode == 0, again.stderr
        host.check_segments()
        assert [path.name for path in host.segments] == [raw.name], step
        numbers = [frame.number for frame in frames.frames(host.segments[0])]
        reference = reference or numbers
        assert numbers == reference, step
        if killed.returncode == 0:
            break
        assert killed.returncode == -signal.SIGKILL, killed.stderr
    # Nothing is skipped in silence: a step that no kill has hit was not tested.
    assert places == KILLED_AT
