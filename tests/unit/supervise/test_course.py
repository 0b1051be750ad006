"""The course of a run, as histories: what happens when, and what the supervisor then sends."""

from __future__ import annotations

import pytest

from localrun.supervise.course import LAST_WAIT_S, LEFTOVER_WAIT_S, Course
from localrun.supervise.silence import Silence

INT, KILL, TERM = 2, 9, 15


class History:
    """A run on paper: events in, signals out."""

    def __init__(self, nodes=(0, 0), **options):
        self.course = Course(nodes, **{"bootstrap": False, "stop_timeout_s": 10} | options)
        self.sent = []

    def until(self, end):
        """Let time pass as the supervisor would: it wakes up when something is due, and not before."""
        while (due := self.course.next_due()) is not None and due <= end:
            number = self.course.take_signal(due)
            if number is not None:
                self.sent.append((due, number))
            if self.course.over:
                return self
        return self

    @property
    def reason(self):
        return self.course.cause and self.course.cause.reason


def test_run_whose_ranks_end_by_themselves_has_no_cause_and_sends_nothing():
    history = History()
    history.course.end_rank(0, 0, 1)
    history.course.end_rank(1, 0, 2)
    assert history.until(1e6).sent == []
    assert (history.reason, history.course.alive, history.course.next_due()) == (None, set(), None)
    assert history.course.take_signal(3) is None


@pytest.mark.parametrize(("stop_timeout_s", "term_at", "kill_at"), [(10, 7, 15), (5, 6, 10), (30, 7, 35), (0, 5, 5)])
def test_first_failing_rank_starts_the_ladder_and_is_the_cause(stop_timeout_s, term_at, kill_at):
    history = History((0, 0, 0), stop_timeout_s=stop_timeout_s)
    history.course.end_rank(2, 3, 5, out_of_memory=True)
    history.course.end_rank(1, -11, 5.1)
    assert history.until(1e6).sent == [(5, INT), (term_at, TERM), (kill_at, KILL)]
    cause = history.course.cause
    assert (cause.reason, cause.rank, cause.code, cause.at, cause.out_of_memory) == ("rank_failed", 2, 3, 5, True)
    assert history.course.over
    assert history.course.alive == {0}


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        ("interrupted", [(1, INT), (3, TERM), (11, KILL)]),
        ("terminated", [(1, TERM), (11, KILL)]),
        ("hung_up", [(1, TERM), (11, KILL)]),
        ("front_end_lost", [(1, TERM), (11, KILL)]),
    ],
)
def test_who_asks_gets_the_ladder(reason, sent):
    history = History()
    history.course.ask_to_end(reason, 1)
    assert history.until(1e6).sent == sent
    assert (history.reason, history.course.killing, history.course.over) == (reason, True, True)


@pytest.mark.parametrize("first", ["interrupted", "terminated", "hung_up", "front_end_lost"])
@pytest.mark.parametrize("second", ["interrupted", "terminated", "hung_up", "front_end_lost"])
def test_only_who_interrupts_a_run_that_is_being_ended_kills_it_at_once(first, second):
    history = History()
    history.course.ask_to_end(first, 1)
    history.until(1.5).course.ask_to_end(second, 1.5)
    history.until(1.6)
    assert history.course.killing == (second == "interrupted")
    assert history.reason == first


def test_interrupt_after_the_kill_does_not_lengthen_the_last_wait():
    history = History()
    for now in (1, 2):
        history.course.ask_to_end("interrupted", now)
        history.until(now)
    history.course.ask_to_end("interrupted", 4)
    history.until(2 + LAST_WAIT_S)
    assert history.course.over
    assert history.sent == [(1, INT), (2, KILL)]


def test_interrupt_of_a_run_that_fails_already_kills_it():
    history = History()
    history.course.end_rank(0, 1, 1)
    history.until(1).course.ask_to_end("interrupted", 1.2)
    assert history.until(1.2).sent == [(1, INT), (1.2, KILL)]
    assert history.reason == "rank_failed"


def test_time_limit():
    history = History(timeout_s=60)
    assert history.course.next_due() == 60
    assert history.until(100).sent == [(60, INT), (62, TERM), (70, KILL)]
    assert history.reason == "time_limit"


def test_time_limit_that_passes_while_the_run_is_being_ended_changes_nothing():
    history = History(timeout_s=2)
    history.course.end_rank(0, 1, 1)
    assert history.until(1e6).sent == [(1, INT), (3, TERM), (11, KILL)]
    assert history.reason == "rank_failed"


def test_bootstrap_releases_the_ranks_of_its_node():
    history = History((0, 0, 1, 1), bootstrap=True, barrier_timeout_s=30)
    assert history.course.waiting == {0: 0, 1: 2}
    assert history.course.end_bootstrap(1, 0, 1)
    assert history.course.waiting == {0: 0}
    assert history.course.next_due() == 30
    assert history.course.end_bootstrap(0, 0, 2)
    assert history.course.next_due() is None
    assert history.reason is None


def test_bootstrap_that_fails_releases_nobody_and_names_the_rank_that_ran_it():
    history = History((0, 0, 1, 1), bootstrap=True)
    assert not history.course.end_bootstrap(1, 4, 1)
    cause = history.course.cause
    assert (cause.reason, cause.rank, cause.code) == ("bootstrap_failed", 2, 4)
    assert not history.course.end_bootstrap(0, 0, 1.5)  # it came well, but the run is being ended
    assert not History((0,), bootstrap=True).course.end_bootstrap(0, -9, 1)


def test_bootstrap_that_is_ended_with_the_run_is_not_the_cause():
    history = History((0, 1), bootstrap=True)
    history.course.ask_to_end("interrupted", 1)
    assert not history.course.end_bootstrap(0, -2, 1.1)
    history.course.end_rank(0, -2, 1.1)
    assert history.reason == "interrupted"


def test_bootstrap_that_hangs_ends_at_the_barriers_time_limit():
    history = History((0, 0, 1), bootstrap=True, barrier_timeout_s=5)
    history.course.end_bootstrap(0, 0, 1)
    assert history.until(6).sent == [(5, INT)]
    cause = history.course.cause
    assert (cause.reason, cause.rank, cause.code) == ("barrier_timeout", 2, 0)


def test_barriers_time_limit_comes_before_the_runs():
    history = History((0,), bootstrap=True, barrier_timeout_s=5, timeout_s=5)
    history.until(5)
    assert history.reason == "barrier_timeout"


def test_leftovers_of_a_run_that_went_well_get_a_short_ladder_and_a_note():
    history = History((0,))
    history.course.end_rank(0, 0, 1)
    assert history.course.end_leftovers(1)
    assert not history.course.end_leftovers(1.1)
    assert history.until(1e6).sent == [(1, TERM), (1 + LEFTOVER_WAIT_S, KILL)]
    assert history.course.over
    assert history.reason is None


def test_leftovers_of_a_run_that_was_ended_do_not_wait_for_the_ladder_and_get_no_note():
    history = History((0,))
    history.course.ask_to_end("interrupted", 1)
    history.until(1).course.end_rank(0, -2, 1.1)
    assert not history.course.end_leftovers(1.1)
    assert history.until(1e6).sent == [(1, INT), (1.1, TERM), (1.1 + LEFTOVER_WAIT_S, KILL)]


def test_leftovers_never_live_longer_than_the_ladder_says():
    history = History((0,), stop_timeout_s=1)
    history.course.ask_to_end("terminated", 1)
    history.until(1).course.end_rank(0, 0, 1.5)
    history.course.end_leftovers(1.5)
    assert history.until(1e6).sent == [(1, TERM), (1.5, TERM), (2, KILL)]


def test_leftovers_that_were_killed_already_get_no_new_ladder():
    history = History((0,), stop_timeout_s=0)
    history.course.ask_to_end("terminated", 1)
    history.until(1)
    assert not history.course.end_leftovers(1.1)
    assert history.until(1e6).sent == [(1, TERM), (1, KILL)]


def test_first_failure_of_a_run_that_continues_stops_nobody_and_counts_at_the_end():
    history = History((0, 0, 0), on_failure="continue")
    history.course.end_rank(1, 3, 2)
    history.course.end_rank(2, 4, 3)
    assert history.until(1e6).sent == []
    history.course.end_rank(0, 0, 4)
    assert history.course.cause is None
    assert (history.course.first_cause.rank, history.course.first_cause.code) == (1, 3)


def test_run_that_is_held_waits_without_limits_until_it_is_asked_to_end():
    history = History((0, 0), on_failure="hold", timeout_s=10)
    history.course.end_rank(1, 3, 2)
    assert history.course.held
    assert history.until(1e6).sent == []
    history.course.ask_to_end("released", 50)
    assert not history.course.held
    assert history.until(1e6).sent == [(50, INT), (52, TERM), (60, KILL)]
    assert history.course.first_cause.reason == "rank_failed"


def test_time_limits_do_not_count_while_the_run_is_paused():
    history = History(timeout_s=10)
    history.course.pause(4)
    assert history.until(1000).sent == []
    history.course.resume(104)
    assert history.until(109).sent == []
    assert history.until(110).sent == [(110, INT)]
    assert history.reason == "time_limit"


def test_rank_that_neither_prints_nor_computes_is_hung():
    used = {0: 0.0, 1: 0.0}
    silence = Silence((0, 1), 8, used.__getitem__)
    history = History(silence=silence)
    silence.hear(1, 1)
    used[0] = 3.0
    assert history.until(8.9).sent == []
    used[0] = 5.0
    assert history.until(100).sent[0] == (9, INT)
    assert (history.reason, history.course.cause.rank) == ("rank_hung", 1)


def test_stopped_rank_is_silent_on_purpose_and_an_ended_one_is_forgotten():
    silence = Silence((0, 1), 4, {0: None, 1: 0.0}.__getitem__)
    history = History(silence=silence)
    history.course.end_rank(1, 0, 1)
    assert history.until(1000).sent == []
    assert history.course.next_due() is not None


@pytest.mark.parametrize(("on_failure", "sent", "held"), [("continue", [(4, INT)], False), ("hold", [], True)])
def test_hung_rank_ends_a_run_that_continues_and_holds_one_that_is_held(on_failure, sent, held):
    history = History(silence=Silence((0, 1), 4, lambda _: 0.0), on_failure=on_failure)
    assert history.until(4.5).sent == sent
    assert history.course.held is held
    assert history.course.first_cause.reason == "rank_hung"


def test_silence_does_not_count_while_the_run_is_paused():
    history = History(silence=Silence((0, 1), 8, lambda _: 0.0))
    history.course.pause(4)
    history.course.pause(50)  # it is already
    history.course.resume(104)
    history.course.resume(200)  # it goes on already
    assert history.until(107.9).sent == []
    assert history.until(108).sent == [(108, INT)]
    assert history.reason == "rank_hung"


def test_second_failure_of_a_held_run_changes_nothing():
    history = History((0, 0, 0), on_failure="hold")
    history.course.end_rank(1, 3, 2)
    history.course.end_rank(2, 4, 3)
    assert (history.course.failure.rank, history.course.failure.code) == (1, 3)
    assert history.course.held


def test_run_that_is_being_ended_is_not_paused():
    history = History(stop_timeout_s=10)
    history.course.ask_to_end("terminated", 1)
    history.course.pause(2)
    assert history.until(1e6).sent == [(1, TERM), (11, KILL)]
