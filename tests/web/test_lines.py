"""The lines that a timeline is drawn from."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.inspect import shop
from tests.inspect.shop import DECLINED, Scribe
from workflow_runtime.events import EventKind
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.seeing.timeline import timeline
from workflow_runtime.web.gaps import idle_gaps
from workflow_runtime.web.lines import FOLD_AT_MOST, FOLD_FROM, Line, lines_of
from workflow_runtime.web.run_page import lines_with_brackets


def view_of(run: Scribe) -> RunView:
    return timeline(run.log())


def by_key(lines: list[Line]) -> dict[str, Line]:
    return {line["k"]: line for line in lines}


def calls(count: int, *, together: int) -> RunView:
    """A run of that many calls of one step, some at a time."""
    run = Scribe("wrun_A", "workflow//shop//rows").begin()
    for at in range(0, count, together):
        with run.commit():
            steps = [run.call("row", number) for number in range(at, min(count, at + together))]
        for step in steps:
            run.later(0.01).complete(step)
    return view_of(run)


def test_a_step_has_its_attempts_in_one_line() -> None:
    line = by_key(lines_of(view_of(shop.checkout())))["step_000002"]

    assert [piece[0] for piece in line["a"]] == ["f", "b", "f", "b", "o"]
    ends = [(piece[1], piece[2]) for piece in line["a"]]
    assert all(end == begin for (_, end), (begin, _) in pairwise(ends)), "without holes"
    assert line["x"] == 3
    assert line["e"] == "Declined: gateway answered 503"


def test_a_hook_ends_where_its_payload_came() -> None:
    line = by_key(lines_of(view_of(shop.checkout())))["hook_000007"]

    assert line["a"] == [["h", *line["t"]]]
    assert line["m"] == [line["t"][1]]


def test_what_is_open_has_no_end() -> None:
    lines = by_key(lines_of(view_of(shop.contract())))

    assert lines["hook_000002"]["t"][1] is None
    assert lines["wait_000003"]["s"] == "sleeping"
    assert lines["wait_000003"]["d"] == "2 d"


def test_a_step_in_the_queue_and_one_between_attempts_say_so() -> None:
    run = Scribe("wrun_A").begin()
    queued = run.call("slow", start=False)
    trying = run.call("charge")
    run.later(0.5).retry(trying, DECLINED, 1, 5.0)
    lines = by_key(lines_of(view_of(run)))

    assert (lines[queued]["s"], lines[queued]["a"]) == ("queued", [["q", 0, None]])
    assert (lines[trying]["s"], lines[trying]["a"]) == ("retrying", [["f", 0, 500], ["b", 500, None]])
    assert lines[trying]["u"] == 5500


@pytest.mark.parametrize(
    ("count", "together", "expected"),
    [
        (FOLD_FROM - 1, 1, [1] * (FOLD_FROM - 1)),
        (FOLD_FROM, 1, [FOLD_FROM]),
        (100, 50, [50, 50]),
        (103, 50, [50, 50, 3]),
        (FOLD_AT_MOST + 1, 1, [FOLD_AT_MOST, 1]),
        (2 * FOLD_AT_MOST, 2 * FOLD_AT_MOST, [FOLD_AT_MOST, FOLD_AT_MOST]),
    ],
)
def test_many_calls_of_one_step_are_one_line(count: int, together: int, expected: list[int]) -> None:
    lines = lines_of(calls(count, together=together))

    assert [line.get("c", 1) for line in lines] == expected


def test_a_folded_line_has_all_of_its_members() -> None:
    view = calls(20, together=20)
    (line,) = lines_of(view)
    numbers, begins, at, number = [], [], 0, 0
    for step, begin in zip(line["i"], line["ts"], strict=True):
        number, at = number + step, at + begin
        numbers.append(f"{line['j']}_{number:06d}")
        begins.append(at)

    assert numbers == [row.id for row in view.rows]
    assert [begin + took for begin, took in zip(begins, line["ds"], strict=True)] == [10 * n for n in range(1, 21)]
    assert line["st"] == [10, 105, 200]
    assert line["z"] == "c" * 20


def test_other_steps_between_are_not_folded() -> None:
    run = Scribe("wrun_A").begin()
    for number in range(20):
        run.complete(run.call(("a", "b")[number % 2], number))

    assert len(lines_of(view_of(run))) == 20


def test_what_was_decided_together_has_a_bracket() -> None:
    lines = lines_with_brackets(view_of(shop.checkout()), {})

    assert "".join(line.get("b", "-") for line in lines)[:6] == "-fmml-"


def test_a_child_is_opened_in_place_on_the_same_axis() -> None:
    parent, child = view_of(shop.checkout()), Scribe("wrun_01M8196A000000000000000000", "workflow//shop//fulfil")
    child.at = parent.started + 12
    child.begin().complete(child.call("pack"))
    lines = lines_of(parent, {child.run_id: view_of(child)})
    at = next(index for index, line in enumerate(lines) if line["g"] == "child")

    assert lines[at]["in"] == 1
    assert (lines[at + 1]["k"], lines[at + 1]["p"]) == (f"{child.run_id}/step_000001", 1)
    assert lines[at + 1]["t"][0] == 12_000


def test_what_was_open_or_came_late_says_that_nothing_used_it() -> None:
    notes = {line["k"]: line.get("e") for line in lines_of(view_of(shop.refund()))}

    assert notes["step_000002"] == "came late: not used"
    assert notes["step_000003"] == "open when the run ended"


def gaps(view: RunView, now: float = 0.0) -> list[list[Any]]:
    return idle_gaps(view, (), now)


def test_long_idle_times_can_be_folded() -> None:
    view = view_of(shop.checkout())
    before_the_third_attempt, after_all_steps = gaps(view)

    assert before_the_third_attempt == [1940, 3940]
    assert after_all_steps[0] == round((view.rows[1].ended or 0) * 1000 - view.started * 1000)
    assert after_all_steps[1] == round((view.info.ended_at or 0) * 1000 - view.started * 1000)


def test_an_idle_time_that_goes_on_has_no_end() -> None:
    view = view_of(shop.contract())
    (gap,) = gaps(view, view.started + 600)

    assert gap[1] is None


def test_work_in_children_is_no_idle_time() -> None:
    parent, child = view_of(shop.checkout()), Scribe("wrun_C", "workflow//shop//fulfil")
    child.begin()
    step = child.call("pack")
    child.later(15).complete(step)
    child.add(EventKind.RUN_COMPLETED, output=None)

    assert idle_gaps(parent, [view_of(child)], 0.0) == []
