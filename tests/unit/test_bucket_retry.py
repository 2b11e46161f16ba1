"""What is repeated, how often, and what is never."""

import pytest

from camera_backup.bucket.errors import CORRUPT, GONE, PAUSE, PERMANENT, PRECONDITION, TRANSIENT, BucketError, Verdict
from camera_backup.bucket.retry import DELAYS, persist


def error(kind):
    return BucketError(Verdict(kind, "cause", "words"), "put")


class Action:
    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.calls = 0

    def __call__(self):
        self.calls += 1
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_what_succeeds_is_done_once():
    slept = []
    assert persist(Action("x"), slept.append) == "x"
    assert slept == []


@pytest.mark.parametrize("kind", [TRANSIENT, CORRUPT])
def test_failures_of_the_moment_are_repeated_after_growing_pauses(kind):
    slept, failed = [], []
    assert persist(Action(error(kind), error(kind), "x"), slept.append, failed.append) == "x"
    assert len(failed) == 2
    assert DELAYS[0] * 0.67 <= slept[0] <= DELAYS[0]
    assert DELAYS[1] * 0.67 <= slept[1] <= DELAYS[1]


@pytest.mark.parametrize("kind", [PAUSE, GONE, PRECONDITION, PERMANENT])
def test_everything_else_is_never_repeated(kind):
    action = Action(error(kind), "x")
    with pytest.raises(BucketError) as caught:
        persist(action, lambda seconds: pytest.fail("slept"))
    assert caught.value.verdict.kind == kind
    assert action.calls == 1


def test_only_the_kinds_asked_for_are_repeated():
    with pytest.raises(BucketError):
        persist(Action(error(CORRUPT), "x"), lambda seconds: pytest.fail("slept"), kinds=(TRANSIENT,))
    assert persist(Action(error(TRANSIENT), "x"), lambda seconds: None, kinds=(TRANSIENT,)) == "x"


def test_a_moment_that_does_not_end_is_a_reason_to_pause():
    action = Action(*[error(TRANSIENT)] * 20)
    with pytest.raises(BucketError) as caught:
        persist(action, lambda seconds: None)
    assert caught.value.verdict.kind == PAUSE
    assert action.calls == len(DELAYS) + 1


def test_bytes_that_never_arrive_whole_concern_one_segment_only():
    with pytest.raises(BucketError) as caught:
        persist(Action(*[error(CORRUPT)] * 20), lambda seconds: None)
    assert caught.value.verdict.kind == CORRUPT


def test_who_is_told_of_a_failure_may_end_it():
    def give_up(failure):
        raise error(PRECONDITION)

    with pytest.raises(BucketError) as caught:
        persist(Action(error(TRANSIENT), "x"), lambda seconds: None, give_up)
    assert caught.value.verdict.kind == PRECONDITION
