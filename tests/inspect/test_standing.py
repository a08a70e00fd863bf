"""What a run waits for, in words."""

from __future__ import annotations

import pytest

from tests.inspect.shop import DECLINED, START, Scribe, checkout, contract, refund
from workflow_runtime.events import EventKind
from workflow_runtime.seeing.phrases import lasting, moment, short_id
from workflow_runtime.seeing.standing import Standing, standing
from workflow_runtime.seeing.timeline import timeline


def stands(run: Scribe, after: float = 0.0, **options: object) -> Standing:
    return standing(timeline(run.log()), run.at + after, **options)  # type: ignore[arg-type]  # as the tests give them


def test_an_approval_with_a_deadline() -> None:
    said = stands(contract(), 360)

    assert said.text == "waits for hook contract:ct_9 (6 min), or until 24 Nov 09:25 (in 1 d 23 h)"
    assert (said.waits, said.tokens) == (True, ("contract:ct_9",))
    assert said.until == pytest.approx(START + 0.17 + 2 * 86400)


def test_steps_that_run_that_wait_for_a_worker_and_that_are_retried() -> None:
    run = Scribe("wrun_x").begin()
    pay, _ = run.call("pay"), run.call("pack", "tea")
    run.call("mail", start=False)
    run.later(1).retry(pay, DECLINED, 1, 2.0)
    said = stands(run)

    assert said.text == "runs pack; retry 1 of pay in 2 s: Declined: gateway answered 503; mail waits for a worker"
    assert not said.waits
    text = stands(run, retries={"step//shop.payments//pay": 4}).text
    assert "retry 1 of 4 of pay in 2 s" in text


def test_many_steps_are_counted_and_not_listed() -> None:
    run = Scribe("wrun_x").begin()
    for n in range(50):
        run.call("row", f"row-{n}")

    assert stands(run).text == "runs row row-0, row row-1, row row-2 and 47 more"


def test_a_step_that_asked_to_come_back_later_is_no_failure() -> None:
    run = Scribe("wrun_x").begin()
    step = run.call("poll")
    run.retry(step, DECLINED, 1, 60, counted=False)

    assert stands(run).text.startswith("poll is asked again in 1 min")


def test_a_child_that_is_awaited_and_a_sleep_alone() -> None:
    run = Scribe("wrun_x").begin()
    run.child("wrun_01M8196A000000000000000000", "workflow//shop//fulfil")
    run.watch("wrun_01M8196A000000000000000000")
    assert stands(run, 2).text == "waits for run fulfil wrun_01M8196A00… (2 s)"

    alone = Scribe("wrun_y").begin()
    alone.sleep(90)
    assert stands(alone).text == "waits until 09:26:46 (in 1 min 30 s)"
    assert stands(alone, 95).text == "waits until 09:26:46 (now)"
    assert stands(alone, 200).text == "waits until 09:26:46 (1 min 50 s ago: does a worker run?)"


def test_a_hook_in_a_loop_is_awaited_again_after_its_payloads() -> None:
    run = Scribe("wrun_x").begin()
    hook = run.hook("chat")
    run.receive(hook, "hello")

    said = stands(run)
    assert said.text == "waits for hook chat (1 payload so far)"
    assert said.tokens == ("chat",)


def test_ends_are_told_in_one_line() -> None:
    cancelled = Scribe("wrun_x").begin()
    cancelled.add(EventKind.RUN_CANCELLED, reason="sold\nout")
    pending = Scribe("wrun_y")

    assert stands(refund()).text == "RefundError: could not refund ord_1003"
    assert stands(cancelled).text == "sold\\nout"
    assert stands(checkout()) == Standing("", False, None)
    assert stands(pending).text == "waits for a worker"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 ms"),
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (0.9999, "1 s"),
        (2.5, "2.5 s"),
        (13.64, "13.6 s"),
        (59.96, "1 min"),
        (365, "6 min 5 s"),
        (3600, "1 h"),
        (3600 * 47.5, "1 d 23 h"),
        (86400 * 30, "30 d"),
    ],
)
def test_lengths_of_time_have_two_units_at_most(seconds: float, text: str) -> None:
    assert lasting(seconds) == text


def test_moments_have_as_much_of_the_date_as_is_needed() -> None:
    assert moment(START, START) == "09:25:16"
    assert moment(START + 86400, START) == "23 Nov 09:25"
    assert moment(START + 400 * 86400, START) == "27 Dec 2027 09:25"
    assert moment(1e18, START) == "at no time that a calendar has"


def test_short_ids_keep_the_number_of_a_retry() -> None:
    assert short_id("wrun_01M8196A000000000000000000-3") == "wrun_01M8196A00…-3"
    assert short_id("wrun_x") == "wrun_x"
