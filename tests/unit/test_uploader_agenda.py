"""When a worker is started, and when the bucket is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from camera_backup.uploader import spread
from camera_backup.uploader.agenda import Agenda


def test_a_worker_is_started_when_there_is_something_to_do():
    agenda = Agenda(300)
    assert not agenda.scanned(0, 0, 0, 0)
    assert agenda.next_scan == 300
    assert agenda.scanned(300, 1, 0, 11)
    assert agenda.scanned(600, 0, 7, 12)


def test_files_that_are_kept_on_purpose_start_no_worker():
    agenda = Agenda(300)
    assert agenda.scanned(0, 5, 0, 11)
    agenda.finished(10, 11, undone=0)
    assert not agenda.scanned(310, 5, 0, 11)
    assert agenda.scanned(610, 6, 0, 12)


def test_what_could_not_be_moved_is_tried_again_more_and_more_rarely():
    agenda, now, waits = Agenda(300), 0.0, []
    for _ in range(16):
        agenda.finished(now, 11, undone=1)
        waits.append(agenda.settled_until - now)
        now = agenda.settled_until
        assert agenda.scanned(now, 1, 0, 11)
    assert waits[:3] == [300, 600, 900]
    assert waits[-1] == 3600


def test_something_new_does_not_wait_for_what_could_not_be_moved():
    agenda = Agenda(300)
    for _ in range(5):
        agenda.finished(0, 11, undone=1)
    assert agenda.scanned(1, 2, 0, 12)


def test_pauses_grow_to_the_interval_and_end_with_success():
    agenda = Agenda(300)
    assert [agenda.paused(0) for _ in range(9)] == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    agenda.finished(0, 1, undone=0)
    assert agenda.paused(0) == 5


def test_a_short_interval_shortens_the_pauses():
    agenda = Agenda(30)
    assert [agenda.paused(0) for _ in range(4)] == [5, 10, 20, 30]


def test_after_a_pause_the_same_files_are_tried_again():
    agenda = Agenda(300)
    agenda.finished(0, 11, undone=0)
    agenda.paused(0)
    assert agenda.scanned(5, 1, 0, 11)


def test_a_reload_makes_it_look_at_once():
    agenda = Agenda(300)
    agenda.finished(0, 11, undone=0)
    for _ in range(9):
        agenda.paused(100)
    agenda.at_once(100)
    assert agenda.next_scan == 100
    assert agenda.scanned(100, 1, 0, 11)
    assert agenda.paused(100) == 5


def test_a_host_has_its_own_place_in_every_interval_whenever_it_was_started():
    agenda = Agenda(300, share=0.25, origin=-1000)
    for now in (0.0, 7.0, 299.0, 12345.6):
        agenda.scanned(now, 0, 0, 0)
        assert (agenda.next_scan + 1000) % 300 == 75
        agenda.finished(now, 11, undone=0)
        assert (agenda.next_scan + 1000) % 300 == 75


def test_hosts_started_at_one_moment_do_not_look_at_one_moment_and_none_waits_long():
    agendas = [Agenda(300, share) for share in (0.0, 0.5, 0.999)]
    for agenda in agendas:
        agenda.begin(100)
    assert [agenda.next_scan for agenda in agendas] == [100, 130, 100 + 0.999 * 60]


def test_pauses_of_hosts_cut_off_at_one_moment_drift_apart():
    early, late = Agenda(300, share=0.9), Agenda(300, share=0.0)
    for _ in range(9):
        assert 0.66 < early.paused(0) / late.paused(0) < 0.71


@given(st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_the_share_of_a_host_is_its_own_and_always_the_same(hosts):
    for host in hosts:
        assert 0 <= spread.share(host) < 1
        assert spread.share(host) == spread.share(host)


def test_a_thousand_hosts_are_spread_evenly():
    shares = sorted(spread.share("nvr-%04d.site" % number) for number in range(1000))
    assert len(set(shares)) == 1000
    # In none of 300 seconds do more than a dozen of them look.
    assert max(sum(1 for one in shares if int(one * 300) == second) for second in range(300)) <= 12
    assert all(abs(one - number / 1000) < 0.05 for number, one in enumerate(shares))


@given(
    st.lists(st.sampled_from(["paused", "finished", "undone"]), max_size=30),
    st.floats(0, 0.9999),
    st.floats(-1e9, 1e9),
)
def test_whatever_happens_it_always_looks_again(events, share, origin):
    agenda, now = Agenda(300, share, origin), 0.0
    for event in events:
        if event == "paused":
            agenda.paused(now)
        else:
            agenda.finished(now, 1, undone=int(event == "undone"))
        assert now < agenda.next_scan <= now + 300.001
        now = agenda.next_scan
        agenda.scanned(now, 1, 0, 1)
