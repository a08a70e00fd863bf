"""What predeploy reads of bundles, sources and worlds. The whole, with processes, is in tests/e2e/test_deploys.py."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workflow_build.errors import BuildError
from workflow_build.predeploy.called import called_steps
from workflow_build.predeploy.judge import Kind, Stock, problems_of
from workflow_build.predeploy.live import LIVE, LiveRun, OpenCall, list_live, look_at
from workflow_build.predeploy.offered import offered_steps
from workflow_build.written_bundles import read_bundle
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Message, RunInfo, RunStatus
from workflow_runtime.worlds.memory import MemoryWorld

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*/expected/**/b_*.py"))

SHOP = """
from workflow_runtime import step, workflow

@step
async def charge(card, cents): ...

class Till:
    @staticmethod
    @step
    async def count(till): ...

    @classmethod
    @step
    async def close(cls, till): ...

if charge:
    @step
    async def pick(a): ...
else:
    @step
    async def pick(a, b=1): ...

def made():
    rate = 2
    @step
    async def convert(x, y=1): return x * rate
    return convert

@workflow
async def main():
    rate = 3
    @step
    async def times(x): return x * rate
    await charge("c", 1)
    await Till.count(1)
    await Till.close(1)
    await pick(1)
    return await times(2)
"""


@pytest.fixture
def shop(build: Callable[..., Any]) -> Any:
    """``SHOP`` as compiled."""
    return build({"shop.py": SHOP}, out="out")


def steps_of(built: Any) -> Any:
    return offered_steps(built.functions, built.sources)


def live_run(bundle: str = "", *calls: OpenCall) -> LiveRun:
    return LiveRun(RunInfo("wrun_1", "workflow//shop//main", bundle, RunStatus.RUNNING, 0.0, 0.0, None, 1), calls)


def call(step: str, *args: object, captured: tuple[str, ...] = (), **kwargs: object) -> OpenCall:
    return OpenCall(f"step//shop//{step}", len(args), tuple(kwargs), captured)


@pytest.mark.parametrize("written", GOLDEN, ids=lambda path: f"{path.parents[2].name} {path.stem}")
def test_bundles_are_read_as_they_were_written_and_say_which_steps_they_call(written: Path) -> None:
    bundle = read_bundle(written.parents[1], written.stem.removeprefix("b_"))

    if "type Names[T]" in "".join(module.source for module in bundle.modules) and sys.version_info < (3, 12):
        with pytest.raises(BuildError, match="syntax that this Python lacks"):
            called_steps(bundle)
        return
    named = {step for module in bundle.modules for step in re.findall(r'__workflow_step__\("([^"]+)"', module.source)}
    assert {step.id for step in called_steps(bundle)} == named


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("BUNDLE = 1\n", "is not as workflow-build wrote it"),
        ("def (", "is not as workflow-build wrote it"),
        ("BUNDLE = Bundle(workflow='w', stateless=True, pure=(), modules=(1,))\n", "is not as workflow-build wrote it"),
        (
            "BUNDLE = Bundle(workflow=exit(), stateless=True, pure=(), modules=())\n",
            "is not as workflow-build wrote it",
        ),
        ("BUNDLE = Bundle(workflow='w', stateless=True, pure=(), modules=())\n", "was altered"),
    ],
)
def test_a_bundle_that_is_not_as_it_was_written_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / f"b_{'0' * 16}.py").write_text(text, "utf-8")

    with pytest.raises(BuildError, match=said):
        read_bundle(tmp_path, "0" * 16)


def test_a_new_build_fits_the_bundles_that_it_makes(shop: Any) -> None:
    (built,) = shop.bundles.workflows
    stock = Stock(steps_of(shop), {built.hash: built.bundle})

    assert problems_of(live_run(built.hash), stock) == ()
    assert {step.id for step in called_steps(built.bundle)} == set(built.steps)


def test_open_calls_are_held_against_the_signatures_of_the_source(shop: Any) -> None:
    (built,) = shop.bundles.workflows
    stock = Stock(steps_of(shop), {built.hash: built.bundle})
    good = [call("charge", 1, cents=2), call("Till.count", 1), call("Till.close", 1), call("pick", 1, 2)]
    bad = [call("charge", 1), call("Till.close", 1, 2), call("pick", 1, 2, 3), call("main.<locals>.times", 1)]

    assert problems_of(live_run(built.hash, *good), stock) == ()
    for one in bad:
        (problem,) = problems_of(live_run(built.hash, one), stock)
        assert (problem.kind, problem.subject) == (Kind.PARAMETERS, one.step)
    assert problems_of(live_run(built.hash, call("main.<locals>.times", 1, captured=("rate",))), stock) == ()


def test_a_call_of_a_step_that_is_gone_is_told_once(shop: Any) -> None:
    (built,) = shop.bundles.workflows
    stock = Stock(steps_of(shop), {built.hash: built.bundle})

    (problem,) = problems_of(live_run(built.hash, call("gone", 1), call("gone", 2)), stock)

    assert (problem.kind, problem.subject) == (Kind.STEP, "step//shop//gone")
    assert problem.advice


def test_a_nested_step_that_captures_more_than_the_old_code_gives_is_told(shop: Any, build: Callable[..., Any]) -> None:
    (old,) = shop.bundles.workflows
    new = build(
        {
            "shop.py": SHOP.replace("    rate = 3\n", "    rate = add = 3\n").replace(
                "x * rate\n    await", "x * rate + add\n    await"
            )
        },
        out="out",
    )

    (problem,) = problems_of(live_run(old.hash), Stock(steps_of(new), {old.hash: old.bundle}))

    assert problem.kind is Kind.PARAMETERS
    assert "captures add" in problem.why


def test_the_runtimes_own_steps_need_no_build() -> None:
    stock = Stock({}, {"": "it has none"})
    own = OpenCall("step//workflow_runtime//cancel_run", 2, (), ())
    assert [problem.kind for problem in problems_of(live_run("", own), stock)] == [Kind.BUNDLE]


async def store(world: MemoryWorld, number: int, status: RunStatus) -> str:
    """A run with a long log: each of its steps is completed but the last."""
    run_id = f"wrun_{number:05d}"
    data = {"workflow": "workflow//shop//main", "bundle": "b", "seed": "s", "input": {"args": []}}
    await world.create_run(run_id, Event(EventKind.RUN_CREATED, time.time(), "", data), Message(f"m{number}", run_id))
    if status is not RunStatus.PENDING:
        await world.commit(run_id, 1, [Event(EventKind.RUN_STARTED, time.time())])
    if status.ended:
        await world.commit(run_id, 2, [Event(EventKind.RUN_COMPLETED, time.time(), "", {"output": None})])
    return run_id


async def test_all_live_runs_are_found_however_many_pages_they_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workflow_build.predeploy.live.RUNS_AT_ONCE", 7)
    world = MemoryWorld()
    await world.open()
    statuses = [RunStatus.PENDING, RunStatus.RUNNING, RunStatus.COMPLETED] * 14
    ids = [await store(world, number, status) for number, status in enumerate(statuses)]
    expected = {run_id for run_id, status in zip(ids, statuses, strict=True) if status in LIVE}

    found = await list_live(world)

    assert len(found) == len(expected) == 28
    assert {run.id for run in found} == expected
    await world.close()


async def test_open_calls_are_found_in_logs_of_many_pages_and_each_run_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("workflow_build.predeploy.live.EVENTS_AT_ONCE", 3)
    world = MemoryWorld()
    await world.open()
    run_id = await store(world, 1, RunStatus.RUNNING)
    for number in range(8):
        step = f"step_{number:06d}"
        call = {"args": [1], "kwargs": {"b": 2}, "captured": {"c": 3}}
        slot = (await world.load(run_id)).run.slot
        created = Event(EventKind.STEP_CREATED, 0.0, step, {"step": f"step//shop//s{number}", "input": call})
        started = Event(EventKind.STEP_STARTED, 0.0, step, {"attempt": 1, "message": "m1"})
        await world.commit(run_id, slot, [created, started])
        if number != 5:
            await world.record(run_id, Event(EventKind.STEP_COMPLETED, 0.0, step, {"attempt": 1, "output": None}))
    ended = await store(world, 2, RunStatus.COMPLETED)
    listed = [(await world.load(one)).run for one in (run_id, ended)]
    seen: list[None] = []

    (found,) = await look_at(world, [*listed, live_run().info], lambda: seen.append(None))

    assert found.info.id == run_id
    assert found.calls == (OpenCall("step//shop//s5", 1, ("b",), ("c",)),)
    assert len(seen) == 3
    await world.close()
