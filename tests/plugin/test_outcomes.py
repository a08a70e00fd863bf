"""What the fixtures promise to a project's own tests, which a real pytest runs: `fixtures/kiosk` has them."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import KIOSK, Session

Passing = tuple[Session, dict[str, bytes], dict[str, bytes]]
PROMISES = [
    f"{path.name}::{name}"
    for path in sorted((KIOSK / "tests").glob("test_*.py"))
    for name in re.findall(r"(?m)^(?:async )?def (test_\w+)", path.read_text("utf-8"))
]
SAID = {
    "test_it_waits_for_a_hook": [
        "nothing is left to do, and nothing waits for its time: run wrun_",
        "of kiosk.flows.wait_for_ever is running and waits for a payload for its hook 'nobody-knows'",
    ],
    "test_its_child_waits_for_a_hook": [
        r"waits for run wrun_\w+, which waits for a payload for its hook 'nobody-knows'"
    ],
    "test_its_step_does_not_end": [
        "it still goes on after 2 s of real time",
        r"waits for step kiosk.steps.ponder \(step_000001\), whose body is running: attempt 1",
        "`workflow_timeout` in pytest's configuration",
    ],
    "test_its_thread_does_not_end": [r"step kiosk.steps.sleep_in_thread \(step_000001\), whose body is running"],
    "test_it_has_no_end": [r"of kiosk.flows.tick_for_ever is running and waits for 20\d\d-\d\d-\d\d .* UTC \(wait_0"],
    "test_replay_decides_otherwise": [
        "ReplayDivergenceError: run wrun_.*: live and replay disagree after 2 events",
        "kiosk/flows.py:116",
    ],
    "test_the_step_raises": [
        r"RunFailedError: run wrun_\w+ failed: TimeoutError: no answer about Times",
        r"kiosk/steps.py\", line \d+, in call_printer",
        "its 3 retries are used up",
    ],
    "test_there_is_no_such_hook": ["it has no hook 'approve-Post': run .* of kiosk.flows.approve has ended: completed"],
    "test_the_arguments_do_not_fit": [r"TypeError: sell\(\): missing a required argument: 'card'"],
    "test_it_is_a_step": ["charge is a step"],
    "test_it_is_no_workflow": ["not_marked is not registered .* not among what was compiled for this session"],
    "test_it_runs_on_trio": ["workflows run on asyncio"],
}
"""What pytest must tell of each test that fails, as patterns."""


@pytest.mark.parametrize("promise", PROMISES)
def test_what_the_kiosks_tests_promise_holds(promise: str, passing: Passing) -> None:
    session, _, _ = passing
    of_it = {name: said for name, said in session.outcomes.items() if name.partition("[")[0] == promise}

    assert of_it, session.text
    assert set(of_it.values()) == {"passed"}, of_it


def test_the_kiosks_tests_pass_without_a_warning(passing: Passing) -> None:
    session, _, _ = passing

    assert session.code == 0, session.text
    assert "warning" not in session.text


def test_nothing_is_written_into_the_project(passing: Passing) -> None:
    _, before, after = passing

    assert after == before


@pytest.mark.parametrize("name", SAID)
def test_a_failure_says_why(name: str, failing: Session) -> None:
    (told,) = (said for test, said in failing.outcomes.items() if f"::{name}" in test)

    assert told != "passed"
    assert [pattern for pattern in SAID[name] if not re.search(pattern, told)] == [], told


def test_every_failure_is_looked_at(failing: Session) -> None:
    assert {name.partition("::")[2].partition("[")[0] for name in failing.outcomes} == set(SAID)


def test_a_failure_shows_the_tests_own_line_and_none_of_ours(failing: Session) -> None:
    told = failing.outcomes["test_failing.py::test_it_waits_for_a_hook"]

    assert '>       workflows.run(wait_for_ever, "nobody-knows")' in told
    assert "background.py" not in told
    assert "host.py" not in told
