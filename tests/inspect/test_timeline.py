"""The model of a run: its rows, its attempts, what was decided together, and why it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.inspect.shop import DECLINED, START, Scribe, checkout, contract, error, import_rows, refund
from workflow_runtime.events import Event, EventKind
from workflow_runtime.seeing.rows import RowKind, State
from workflow_runtime.seeing.timeline import timeline, with_children
from workflow_runtime.worlds.base import Log, RunStatus


def test_rows_stand_in_the_order_of_the_calls_and_siblings_are_told_apart() -> None:
    view = timeline(checkout().log())

    assert [row.label for row in view.rows] == [
        "validate_order",
        "charge_card",
        "reserve_stock lamp-01",
        "reserve_stock desk-07",
        "quote_shipping",
        "sleep",
        "approve:ord_1001",
        "fulfil",
    ]
    assert [row.kind for row in view.rows[4:]] == [RowKind.STEP, RowKind.WAIT, RowKind.HOOK, RowKind.CHILD]
    assert {row.state for row in view.rows} == {State.COMPLETED}
    assert (view.name, view.status, view.output) == ("checkout", RunStatus.COMPLETED, {"receipt": "rcpt_8F2K"})


def test_each_attempt_has_its_start_its_end_and_its_error() -> None:
    charge = timeline(checkout().log()).rows[1]

    assert [attempt.number for attempt in charge.attempts] == [1, 2, 3]
    assert [attempt.state for attempt in charge.attempts] == [State.FAILED, State.FAILED, State.COMPLETED]
    first, second, third = charge.attempts
    assert first.ended == pytest.approx(START + 0.54)
    assert first.retry_at == pytest.approx(START + 1.54)
    assert (first.error, third.error) == (DECLINED, None)
    assert second.started == pytest.approx(START + 1.54)
    assert charge.started == first.started
    assert charge.ended == third.ended
    assert charge.failures == 2


def test_what_was_decided_in_one_commit_has_one_number() -> None:
    batches = [row.batch for row in timeline(checkout().log()).rows]

    assert len(set(batches[1:5])) == 1
    assert len(set(batches)) == 5  # the child and what watches it are decided with nothing else, but here at one time


def test_siblings_whose_first_argument_is_the_same_are_told_apart_by_the_next() -> None:
    run = Scribe("wrun_x").begin()
    for sku in ("tea", "milk"):
        run.call("pick", "shelf-1", sku)
    run.call("alone", "shelf-1")

    assert [row.detail for row in timeline(run.log()).rows] == ["tea", "milk", ""]


def test_a_failed_run_names_the_row_that_it_failed_of_and_when_that_was_decided() -> None:
    view = timeline(refund().log())
    charge, quote, restock = view.rows

    assert (view.failed_row, view.decided_at) == (charge.id, charge.ended)
    assert (charge.state, charge.late) == (State.FAILED, False)
    assert (quote.state, quote.late) == (State.COMPLETED, True)
    assert (restock.state, restock.let_go) == (State.CANCELLED, True)
    assert restock.attempts[0].state is State.CANCELLED


def test_what_followed_a_handled_failure_is_not_called_unused() -> None:
    run = Scribe("wrun_x").begin()
    first = run.call("pay")
    run.fail(first, DECLINED)
    undo = run.later(1).call("undo")
    run.complete(undo)
    run.add(EventKind.RUN_FAILED, error=DECLINED)
    view = timeline(run.log())

    assert view.failed_row == first
    assert view.decided_at is None
    assert not view.rows[1].late


def test_an_attempt_whose_process_died_is_lost_and_not_failed() -> None:
    run = Scribe("wrun_x").begin()
    step = run.call("pay")
    run.later(5).start(step, 2)
    run.later(1).complete(step, attempt=2)
    (row,) = timeline(run.log()).rows

    assert [(attempt.state, attempt.ended) for attempt in row.attempts] == [
        (State.LOST, START + 5),
        (State.COMPLETED, START + 6),
    ]
    assert row.failures == 0


def test_hooks_have_their_payloads_and_conflicts_their_owner() -> None:
    run = Scribe("wrun_x").begin()
    hook = run.hook("door", {"a": 1})
    run.later(1).receive(hook, "one")
    run.later(1).receive(hook, "two")
    run.add(EventKind.HOOK_CONFLICT, run.next_id("hook"), token="taken", run="wrun_other")
    run.hook("idle", webhook={"respond": 202})
    open_, conflict, webhook = timeline(run.log()).rows

    assert [(payload.time, payload.value) for payload in open_.payloads] == [(START + 1, "one"), (START + 2, "two")]
    assert (open_.state, open_.metadata, open_.disposed) == (State.COMPLETED, {"a": 1}, False)
    assert (conflict.state, conflict.run) == (State.FAILED, "wrun_other")
    assert (webhook.kind, webhook.state) == (RowKind.WEBHOOK, State.WAITING)


def test_a_child_that_nobody_awaits_is_told_of_by_its_own_run() -> None:
    run = Scribe("wrun_x").begin()
    run.child("wrun_child", "workflow//shop//fulfil", 1)
    view = timeline(run.log())
    child = replace(refund("wrun_child").log().run, status=RunStatus.FAILED, ended_at=START + 9)

    assert view.rows[0].state is State.STARTED
    (told,) = with_children(view, [child]).rows
    assert (told.state, told.ended) == (State.FAILED, START + 9)


def test_a_run_that_is_awaited_twice_and_one_that_is_no_child_have_rows() -> None:
    run = Scribe("wrun_x").begin()
    run.child("wrun_child", "workflow//shop//fulfil")
    for _ in range(2):
        watch = run.watch("wrun_child")
        run.add(EventKind.WATCH_COMPLETED, watch, run="wrun_child", status="failed", error=DECLINED)
    run.watch("wrun_stranger")

    rows = timeline(run.log()).rows
    assert [(row.kind, row.state) for row in rows] == [
        (RowKind.CHILD, State.FAILED),
        (RowKind.WATCH, State.FAILED),
        (RowKind.WATCH, State.WAITING),
    ]


def test_the_tail_of_a_log_gives_the_rows_that_it_tells_of() -> None:
    log = checkout().log()
    for first in range(len(log.events)):
        view = timeline(Log(log.run, log.events[first:]))
        assert view.events == len(log.events)
        assert all(row.state is not State.RUNNING for row in view.rows)


@pytest.mark.parametrize("make", [checkout, refund, contract], ids=["checkout", "refund", "contract"])
def test_no_nonsense_in_a_log_raises(make: Callable[[], Scribe]) -> None:
    """Each value in it replaced by what can not be there."""
    log = make().log()
    for at, event in enumerate(log.events):
        for name in event.data:
            wrong: Any
            for wrong in (None, [], "x", 7, {"$type": 3}, {"args": 1, "kwargs": []}):
                if name == "attributes" and not isinstance(wrong, dict):
                    continue
                data = {**event.data, name: wrong}
                spoiled = Event(event.kind, event.time, event.entity, data, event.slot)
                timeline(Log(log.run, (*log.events[:at], spoiled, *log.events[at + 1 :])))


def test_what_a_run_continues_and_retries_is_told() -> None:
    run = Scribe("wrun_x", created={"continues": "wrun_a", "retries": "wrun_b"}).begin()
    run.add(EventKind.RUN_CONTINUED, run="wrun_next", input={"args": []})
    view = timeline(run.log())

    assert (view.continues, view.retries, view.successor) == ("wrun_a", "wrun_b", "wrun_next")


def test_the_time_of_a_run_that_runs_another_again_begins_with_that_one() -> None:
    old = Scribe("wrun_x")
    again = Scribe("wrun_x-2", at=START + 500, created={"retries": "wrun_x", "began": START})
    again.events += old.begin().events[1:]

    assert timeline(old.log()).started == START
    assert timeline(again.log()).started == START
    assert timeline(again.log()).info.created_at == START + 500


def test_an_error_of_a_group_finds_its_row() -> None:
    run = Scribe("wrun_x").begin()
    step = run.call("pay")
    run.fail(step, DECLINED)
    run.add(EventKind.RUN_FAILED, error=error("shop.Wrapped", "in the end", context=DECLINED))

    assert timeline(run.log()).failed_row == step


def test_the_work_is_linear_in_the_log() -> None:
    """Counted in calls, since times differ from machine to machine."""
    import sys

    def calls(count: int) -> int:
        log, seen = import_rows(count).log(), 0

        def count_call(frame: object, kind: str, argument: object) -> None:
            nonlocal seen
            seen += kind == "call"

        sys.setprofile(count_call)
        try:
            timeline(log)
        finally:
            sys.setprofile(None)
        return seen

    assert calls(800) < 2.2 * calls(400)
