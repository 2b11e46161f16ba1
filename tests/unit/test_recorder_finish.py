"""The finisher's decisions, with a stand-in for FFmpeg; the real one is in tests/integration/test_recorder_crash.py."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from camera_backup import ledger, paths
from camera_backup.errors import HostError
from camera_backup.recorder import finish, remux, spool
from camera_backup.recorder.finish import Place, Times
from tests.unit import test_mp4 as movies

NAME = "20261122_120000.mp4"
NOON = 1795348800.0
TORN = movies.FRAGMENTED[: -len(movies.MFRA) - 20]


@pytest.fixture
def place(tmp_path):
    for name in ("state/ledger", "state/recorders", "segments"):
        (tmp_path / name).mkdir(parents=True)
    place = Place(str(tmp_path / "segments"), str(tmp_path / "state"), "front", "ffmpeg")
    os.close(spool.lock_camera(place.local_path, place.camera))
    return place


def left(place, content, name=NAME, run="run.1", modified=NOON + 10):
    directory = "%s/%s" % (paths.spool(place.local_path, place.camera), run)
    os.makedirs(directory, exist_ok=True)
    path = "%s/%s" % (directory, name)
    with open(path, "wb") as stream:
        stream.write(content)
    os.utime(path, (modified, modified))
    return path


def published(place):
    directory = paths.footage(place.local_path, place.camera)
    return {path.name: path.read_bytes() for path in sorted(Path(directory).glob("[!.]*"))}


def records(place):
    return ledger.segments(ledger.read(paths.ledger(place.state_path, place.camera)))


@pytest.fixture
def remuxed(monkeypatch):
    """Let remuxing succeed with a sound file, or raise what the test appends to the returned list."""
    trouble = []

    def fake(ffmpeg, source, movie, target):
        if trouble:
            raise trouble[0]
        with open(target, "wb") as stream:
            stream.write(movies.progressive((10, 20, 30, 40, 50)))

    monkeypatch.setattr(remux, "remux", fake)
    return trouble


def test_a_progressive_file_is_published_as_it_is(place):
    content = movies.progressive()
    path = left(place, content)
    assert finish.finish(place, path, "run", Times(NOON, NOON + 5)) == NAME
    assert published(place) == {NAME: content}
    assert not os.path.exists(path)
    digest = hashlib.sha256(content).hexdigest()
    assert records(place) == {
        NAME: ledger.SegmentRecord(NAME, NOON, NOON + 5, len(content), 4, digest, "complete", "run")
    }


def test_what_the_camera_left_out_is_written_down(place):
    content = movies.progressive((900,) + (50,) * 100, [(50, 512), (1, 4 * movies.TIMESCALE), (50, 512)])
    path = left(place, content)
    finish.finish(place, path, "run", Times(NOON, NOON + 8))
    [silence] = records(place)[NAME].silences
    assert silence == (NOON + 2, NOON + 6)


def test_what_the_camera_left_out_at_the_cut_before_is_written_down(place):
    finish.finish(place, left(place, movies.progressive()), "run", Times(NOON, NOON + 1, 4.5))
    assert records(place)[NAME].silences == ((NOON - 4.5, NOON),)


@pytest.mark.parametrize(("silence", "shown"), [(2.9, 512), (18.0, 5 * movies.TIMESCALE)])
def test_a_cut_between_two_pictures_of_a_camera_as_it_usually_is_is_no_silence(place, silence, shown):
    content = movies.progressive(spans=[(4, shown)])
    finish.finish(place, left(place, content), "run", Times(NOON, NOON + 20, silence))
    assert records(place)[NAME].silences == ()


def test_a_file_whose_time_was_set_meanwhile_says_nothing_of_silences(place):
    content = movies.progressive((900,) + (50,) * 100, [(50, 512), (1, 3600 * movies.TIMESCALE), (50, 512)])
    finish.finish(place, left(place, content), "run", Times(NOON, NOON + 30))
    assert records(place)[NAME].silences == ()


def test_a_fragmented_file_is_published_remuxed(place, remuxed):
    path = left(place, movies.FRAGMENTED)
    finish.finish(place, path, "run")
    assert published(place) == {NAME: movies.progressive((10, 20, 30, 40, 50))}
    assert records(place)[NAME].how == "complete"
    assert os.listdir(os.path.dirname(path)) == []


def test_a_torn_file_is_published_repaired_with_times_read_off_it(place, remuxed):
    finish.finish(place, left(place, TORN), "run")
    record = records(place)[NAME]
    assert (record.how, record.end) == ("repaired", NOON + 10)
    assert 0 < record.end - record.start < 1


def test_what_no_tool_can_repair_is_kept_and_named_damaged(place, remuxed):
    remuxed.append(remux.NotPossible("a sample would be lost"))
    assert finish.finish(place, left(place, TORN), "run") == "20261122_120000.damaged.mp4"
    assert published(place) == {"20261122_120000.damaged.mp4": TORN}
    assert records(place)["20261122_120000.damaged.mp4"].how == "damaged"


def test_bytes_that_are_no_movie_at_all_are_kept_too(place, remuxed):
    remuxed.append(remux.NotPossible("no streams"))
    finish.finish(place, left(place, os.urandom(100_000)), "run")
    assert list(published(place)) == ["20261122_120000.damaged.mp4"]


def test_a_sound_file_that_cannot_be_remuxed_is_published_as_it_is(place, remuxed):
    remuxed.append(remux.NotPossible("odd"))
    finish.finish(place, left(place, movies.FRAGMENTED), "run")
    assert published(place) == {NAME: movies.FRAGMENTED}
    assert records(place)[NAME].how == "complete"


def test_without_room_a_sound_file_is_published_as_it_is_and_a_torn_one_waits(place, remuxed):
    remuxed.append(remux.NoRoom("full"))
    finish.finish(place, left(place, movies.FRAGMENTED), "run")
    torn = left(place, TORN, "20261122_130000.mp4")
    with pytest.raises(HostError):
        finish.finish(place, torn, "run")
    assert published(place) == {NAME: movies.FRAGMENTED}
    assert os.path.exists(torn)


@pytest.mark.parametrize("content", [b"", movies.FTYP, movies.FTYP + movies.INDEX])
def test_a_file_without_a_frame_and_without_room_for_one_is_dropped(place, content):
    path = left(place, content)
    assert finish.finish(place, path, "run") is None
    assert published(place) == {}
    assert not os.path.exists(path)


def test_a_name_that_is_taken_is_not_overwritten(place):
    first, second = movies.progressive(), movies.progressive((1, 2, 3))
    finish.finish(place, left(place, first), "run")
    assert finish.finish(place, left(place, second), "run") == "20261122_120000_2.mp4"
    assert published(place) == {NAME: first, "20261122_120000_2.mp4": second}


def test_a_file_that_no_ledger_knows_is_not_overwritten_either(place):
    with open("%s/front/%s" % (place.local_path, NAME), "wb") as stream:
        stream.write(b"whatever this is")
    assert finish.finish(place, left(place, movies.progressive()), "run") == "20261122_120000_2.mp4"
    assert published(place)[NAME] == b"whatever this is"


def test_a_name_whose_segment_was_uploaded_and_deleted_is_taken_all_the_same(place):
    finish.finish(place, left(place, movies.progressive()), "run")
    os.unlink("%s/front/%s" % (place.local_path, NAME))
    assert finish.finish(place, left(place, movies.progressive((1, 2, 3))), "run") == "20261122_120000_2.mp4"


def test_bytes_that_were_published_before_are_not_published_again(place):
    """The finisher was killed before it dropped the source; meanwhile the segment was uploaded and deleted."""
    finish.finish(place, left(place, movies.progressive()), "run")
    os.unlink("%s/front/%s" % (place.local_path, NAME))
    path = left(place, movies.progressive())
    assert finish.finish(place, path, "run") == NAME
    assert published(place) == {}
    assert not os.path.exists(path)


def test_a_file_with_a_number_gets_its_name_from_its_last_write(place):
    finish.finish(place, left(place, movies.progressive(), "000000003.mp4", modified=NOON + 0.2), "run")
    assert list(published(place)) == [NAME]


def test_nothing_is_dropped_before_it_is_written_down(place, monkeypatch):
    path = left(place, movies.progressive())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ledger.Ledger, "append", full)
    with pytest.raises(OSError, match="No space"):
        finish.finish(place, path, "run")
    assert os.path.exists(path)
    monkeypatch.undo()
    assert finish.finish(place, path, "run") == NAME
    assert len(published(place)) == 1


def test_a_file_that_is_being_written_is_waited_for_and_then_left_alone(place, monkeypatch):
    monkeypatch.setattr(finish, "_CLOSING_SECONDS", 0.2)
    path = left(place, movies.progressive())
    with open(path, "ab"), pytest.raises(HostError, match="is still being written"):
        finish.finish(place, path, "run")
    assert os.path.exists(path)


def test_leftovers_of_all_runs_are_finished_and_their_directories_removed(place):
    left(place, movies.progressive(), run="a.1")
    left(place, movies.progressive((1, 2)), "20261122_130000.mp4", run="b.1")
    left(place, b"", "20261122_140000.mp4", run="b.1")
    assert finish.leftovers(place) == ([NAME, "20261122_130000.mp4"], [], [])
    assert os.listdir(paths.spool(place.local_path, place.camera)) == []
    assert records(place)[NAME].run == "a"


def test_one_file_that_cannot_be_finished_does_not_keep_the_others_waiting(place, remuxed):
    remuxed.append(remux.NoRoom("no room for it"))
    left(place, TORN, run="a.1")
    left(place, movies.progressive(), "20261122_130000.mp4", run="b.1")
    with pytest.raises(OSError, match="no room for it"):
        finish.leftovers_in_turn(place)
    assert list(published(place)) == ["20261122_130000.mp4"]


def test_a_run_somebody_works_on_is_left_alone(place):
    run = spool.RunDirectory(place.local_path, place.camera, "busy.1")
    left(place, movies.progressive(), run="busy.1")
    assert finish.leftovers(place) == ([], [], ["busy.1"])
    run.close()
    assert finish.leftovers(place) == ([NAME], [], [])


def test_a_link_left_by_a_killed_finisher_goes_and_its_half_done_work_is_done_again(place, remuxed):
    path = left(place, movies.FRAGMENTED, run="a.1")
    left(place, b"half a file", NAME + ".remuxed", run="a.1")
    left(place, movies.progressive(), "20261122_110000.mp4.remuxed", run="a.1")
    assert finish.leftovers(place).published == [NAME]
    assert published(place) == {NAME: movies.progressive((10, 20, 30, 40, 50))}
    assert not os.path.exists(os.path.dirname(path))


def test_only_one_process_of_a_host_finishes_segments_at_a_time(place):
    left(place, movies.progressive())
    turn = os.open(paths.finishing(place.state_path), os.O_RDWR | os.O_CREAT)
    assert spool.locked(turn)
    assert finish.leftovers_in_turn(place) == []
    os.close(turn)
    assert finish.leftovers_in_turn(place) == [NAME]


def test_a_camera_without_a_spool_has_no_leftovers(place):
    assert finish.leftovers(place._replace(camera="none")) == ([], [], [])


def test_runs_of_others_that_are_in_use_are_to_be_looked_at_again_and_ones_own_are_not(place, monkeypatch, capsys):
    monkeypatch.setattr(finish, "_step_back", lambda: None)
    run = spool.RunDirectory(place.local_path, place.camera, "mine.7")
    assert finish.main(["leftovers", *place, "mine"]) == 0
    assert finish.main(["leftovers", *place, "another"]) == 1
    assert "mine.7: is still in use" in capsys.readouterr().err
    run.close()
    assert finish.main(["leftovers", *place, "another"]) == 0


def test_the_child_finishes_one_segment_with_or_without_its_times(place, monkeypatch):
    monkeypatch.setattr(finish, "_step_back", lambda: None)
    path = left(place, movies.progressive())
    assert finish.main(["segment", *place, "run", path, "100.5", "200.25"]) == 0
    assert records(place)[NAME][1:3] == (100.5, 200.25)
    path = left(place, movies.progressive((1, 2)), "20261122_130000.mp4")
    assert finish.main(["segment", *place, "run", path, "", ""]) == 0
    assert records(place)["20261122_130000.mp4"].end == NOON + 10
    assert finish.main(["segment", *place, "run", path, "", ""]) == 1  # it is gone


def test_the_remuxer_reads_a_sound_file_as_it_is():
    movie = remux.mp4.Movie(True, True, 1.0, {1: 5, 2: 7}, 1, "h264", "", 1000)
    command = remux.command("/usr/bin/ffmpeg", "/spool/a:b.mp4", movie, "/spool/out")
    assert " ".join(command) == (
        "/usr/bin/ffmpeg -hide_banner -nostdin -loglevel error -i file:/spool/a:b.mp4 -map 0 -c copy -copyinkf:a "
        "-movflags +faststart -f mp4 -y file:/spool/out"
    )


def test_the_remuxer_reads_a_torn_file_up_to_its_last_whole_sample_each_track_by_itself():
    movie = remux.mp4.Movie(False, True, 1.0, {1: 5, 2: 0, 3: 7}, 1, "h264", "torn", 1000)
    command = " ".join(remux.command("/usr/bin/ffmpeg", "/spool/x.mp4", movie, "/spool/out"))
    source = "-i subfile,,start,0,end,1000,,:file:/spool/x.mp4"
    assert "%s %s -map 0:0 -map 1:2 -c copy" % (source, source) in command


def pretend(directory, script):
    program = directory / "ffmpeg"
    program.write_text("#!/bin/sh\n%s\n" % script)
    program.chmod(0o755)
    return str(program)


def remux_with(tmp_path, script, source=movies.FRAGMENTED):
    path = tmp_path / "source.mp4"
    path.write_bytes(source)
    target = tmp_path / "target.mp4"
    try:
        remux.remux(pretend(tmp_path, script), str(path), remux.mp4.inspect(str(path)), str(target))
    finally:
        assert path.read_bytes() == source
        assert remux_ok(target)
    return target


def remux_ok(target):
    return not target.exists() or remux.mp4.inspect(str(target)).complete


@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo broken >&2; exit 1", remux.NotPossible, "FFmpeg ended with 1: broken"),
        ("echo 'x: No space left on device' >&2; exit 1", remux.NoRoom, "No space left"),
        ("kill -9 $$", OSError, "ended by signal 9"),
        ("exit 0", FileNotFoundError, "target.mp4"),
        ('for last; do :; done; cp "${0%/*}/source.mp4" "${last#file:}"', remux.NotPossible, "not a progressive file"),
        ('for last; do :; done; cp "${0%/*}/other.mp4" "${last#file:}"', remux.NotPossible, "has [[3]] samples"),
    ],
)
def test_a_remux_that_loses_anything_is_thrown_away(tmp_path, script, error, words):
    (tmp_path / "other.mp4").write_bytes(movies.progressive((1, 2, 3)))
    with pytest.raises(error) as caught:
        remux_with(tmp_path, script)
    assert words.replace("[[3]]", "[3]") in str(caught.value)
    assert not (tmp_path / "target.mp4").exists()


def test_a_full_disk_is_seen_before_it_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(remux, "_MARGIN", 1 << 60)
    with pytest.raises(remux.NoRoom, match="no room to remux it"):
        remux_with(tmp_path, "echo must not run >&2; exit 1")


def test_a_missing_ffmpeg_may_come_back(tmp_path):
    with pytest.raises(HostError, match="/nowhere/ffmpeg: not found"):
        remux.remux("/nowhere/ffmpeg", __file__, remux.mp4.inspect(__file__), str(tmp_path / "x"))
