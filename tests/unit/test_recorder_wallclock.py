from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_backup.recorder.wallclock import Cuts, LastFrame, Pace, WallClock, frozen_for

EPOCH = 1_795_352_400.0


def test_the_earliest_arrival_says_best_when_a_stream_began():
    clock = WallClock()
    for stream, late in ((2.0, 0.4), (4.0, 0.1), (6.0, 0.9)):
        clock.report(stream, EPOCH + stream + late, stream)
    assert clock.zero == pytest.approx(EPOCH + 0.1)
    assert clock.closed(0.0, 7.0, EPOCH + 7.8, 7.8) == pytest.approx((EPOCH + 0.1, EPOCH + 7.1))


@given(st.lists(st.floats(0, 1.5), min_size=1, max_size=20), st.floats(0, 1.5))
def test_whatever_the_delays_a_segment_is_never_placed_before_its_time_nor_after_its_close(delays, last):
    clock = WallClock()
    for index, late in enumerate(delays):
        clock.report(2.0 * index, EPOCH + 2.0 * index + late, 2.0 * index + late)
    end = 2.0 * len(delays)
    begin, finish = clock.closed(0.0, end, EPOCH + end + last, end + last)
    assert EPOCH - 1e-3 <= begin <= EPOCH + min([*delays, last]) + 1e-3
    assert finish - begin == pytest.approx(end)
    assert finish <= EPOCH + end + last + 1e-3


def test_a_drifting_camera_is_followed_from_segment_to_segment():
    clock, drift = WallClock(), 1.0005  # two seconds an hour
    for hour in range(24):
        for second in range(3600 * hour, 3600 * (hour + 1), 600):
            clock.report(second / drift, EPOCH + second, float(second))
        end = 3600.0 * (hour + 1)
        begin, finish = clock.closed(3600 * hour / drift, end / drift, EPOCH + end, end)
        assert finish == pytest.approx(EPOCH + end, abs=2.5)
        assert begin == pytest.approx(EPOCH + 3600 * hour, abs=2.5)


def test_a_segment_that_closes_before_the_first_report_ends_when_it_was_closed():
    assert WallClock().closed(0.0, 1.2, EPOCH, 50.0) == pytest.approx((EPOCH - 1.2, EPOCH))


def test_a_camera_whose_clock_jumps_does_not_stretch_a_segment():
    clock = WallClock()
    clock.report(2.0, EPOCH + 2, 102.0)
    clock.report(3604.0, EPOCH + 4, 104.0)
    assert clock.closed(0.0, 3605.0, EPOCH + 5, 105.0) == pytest.approx((EPOCH, EPOCH + 5))
    clock.report(3607.0, EPOCH + 7, 107.0)
    assert clock.closed(3605.0, 3610.0, EPOCH + 10, 110.0) == pytest.approx((EPOCH + 5, EPOCH + 10))


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_host_whose_clock_is_set_does_not_stretch_a_segment(step):
    clock = WallClock()
    clock.report(2.0, EPOCH + 2, 102.0)
    begin, finish = clock.closed(0.0, 5.0, EPOCH + 5 + step, 105.0)
    assert finish - begin == pytest.approx(5.0)
    assert step < 0 or finish == pytest.approx(EPOCH + 5 + step)


def test_a_camera_that_was_quiet_when_its_segment_was_closed_ended_it_sooner():
    clock = WallClock()
    clock.report(2.0, EPOCH + 2, 102.0)
    clock.report(8.0, EPOCH + 8, 108.0)
    assert clock.closed(0.0, 8.4, EPOCH + 28.4, 128.4, 20.4) == pytest.approx((EPOCH, EPOCH + 8.4))
    # What follows begins with the cut, not with the last frame before it.
    clock.report(30.0, EPOCH + 30, 130.0)
    assert clock.closed(28.4, 38.0, EPOCH + 38, 138.0, 1.0) == pytest.approx((EPOCH + 28.4, EPOCH + 38))


def silences(*segments):
    cuts = Cuts(100.0)
    return [cuts.silence(start, end, 100.0 + now) for start, end, now in segments]


def test_pictures_that_are_missing_at_a_cut_are_a_silence():
    found = silences((0, 9, 9.1), (9, 19, 23.4), (23.2, 29, 29.1), (28.9, 39, 39.1))
    assert found == pytest.approx([0.0, 0.0, 4.2, 0.0])


def test_frames_that_come_late_and_all_at_once_do_not_hide_a_silence():
    assert silences((0, 10, 17.9), (15, 20, 20.1)) == pytest.approx([0.0, 5.0])


def test_a_camera_whose_clock_is_set_at_a_cut_was_not_silent():
    assert silences((0, 10, 10.1), (3610, 3620, 20.1), (20, 30, 30.1)) == [0.0, 0.0, 0.0]
    assert silences((0, 10, 10.1), (14, 24, 20.1)) == [0.0, 0.0]


def test_the_moment_of_a_frame_is_when_it_was_due_if_that_makes_sense():
    clock = WallClock()
    assert clock.moment(5.0, EPOCH) == EPOCH
    clock.report(2.0, EPOCH + 2, 2.0)
    assert clock.moment(3.0, EPOCH + 3.4) == EPOCH + 3
    assert clock.moment(3600.0, EPOCH + 3.4) == EPOCH + 3.4


def reports(frames, *times):
    return [frames.of(50, stream, now) for stream, now in times]


def test_a_frame_that_is_reported_in_time_has_just_come():
    assert reports(LastFrame(100.0), (1.0, 104.0), (3.0, 106.0), (5.1, 108.2)) == [104.0, 106.0, 108.2]


def test_frames_that_came_before_a_silence_are_not_new_when_they_are_reported_after_it():
    # 0.4 s of frames, then 20 s of nothing, then FFmpeg gives up.
    assert reports(LastFrame(100.0), (1.0, 104.0), (1.4, 124.4))[-1] == pytest.approx(104.4)


def test_a_camera_that_goes_on_after_a_silence_is_up_to_date_again():
    frames = LastFrame(100.0)
    assert reports(frames, (1.0, 104.0), (3.0, 124.0), (5.0, 126.0), (7.0, 128.0))[1:] == [106.0, 126.0, 128.0]


def test_a_frame_that_was_held_back_until_sound_came_is_not_new():
    frames = LastFrame(100.0)
    assert reports(frames, (1.0, 104.0), (3.0, 106.0)) == [104.0, 106.0]
    assert frames.of(1, 9.0, 112.0) == 106.0
    assert frames.of(48, 11.0, 114.0) == 114.0


def test_a_camera_with_few_frames_keeps_being_up_to_date():
    frames = LastFrame(100.0)
    assert [frames.of(1, stream, 100 + stream) for stream in (4.0, 8.0, 14.0, 18.0)] == [104.0, 108.0, 114.0, 118.0]


def test_a_stream_without_times_is_taken_as_it_comes():
    assert reports(LastFrame(100.0), (None, 104.0), (None, 120.0)) == [104.0, 120.0]


def lost(*times):
    pace = Pace()
    return [pace.lost(stream, now) for stream, now in times]


STEADY = [(float(t), 100.0 + t) for t in range(0, 40, 2)]


def test_a_camera_that_keeps_time_is_left_alone():
    assert not any(lost(*STEADY))


def test_a_camera_whose_clock_drifts_is_left_alone():
    assert not any(lost(*((t * 1.001, 100.0 + t) for t in range(0, 400_000, 300))))


def test_a_jump_ahead_is_noticed_at_once():
    assert lost(*STEADY, (3640.0, 140.0)) == [False] * 20 + [True]


def test_a_clock_set_back_is_noticed_when_it_does_not_catch_up():
    stuck = [(38.0, 140.0 + t) for t in range(0, 20, 2)]
    assert lost(*STEADY, *stuck)[-1]
    assert not any(lost(*STEADY, *stuck[:4]))


def test_a_line_that_was_down_may_deliver_late_what_it_kept():
    late = [(38.0 + 6 * t, 160.0 + t) for t in range(6)]
    assert not any(lost(*STEADY, *late))


def test_a_camera_that_never_kept_time_is_left_alone():
    assert not any(lost(*((0.0, 100.0 + t) for t in range(0, 60, 2))))
    assert not any(lost((0.0, 100.0), (3600.0, 102.0), (7200.0, 104.0), (9999.0, 140.0)))


def test_a_camera_that_never_kept_time_is_left_alone_also_when_reports_come_late():
    assert not any(lost((0.0, 100.0), (0.1, 115.5), (0.2, 118.0), (0.3, 120.0), (0.4, 122.0)))


@pytest.mark.parametrize(
    ("ran", "reads"),
    [
        (20.0, 4),  # a camera that took its time to answer: no more reads fail than four
        (11.8, 4),
        (9.0, 3),
        (4.0, 1),
        (1.0, 1),  # one did fail, or FFmpeg would not have given up
    ],
)
def test_a_camera_that_froze_before_ffmpeg_knew_its_stream_was_silent_for_every_read_that_failed(ran, reads):
    assert frozen_for(2.5, ran, 2.0) == pytest.approx(reads * 2.1)
