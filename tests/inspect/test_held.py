"""What holds runs up that their logs say nothing of: that they are paused, and steps that no worker has."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from tests.inspect.shop import DECLINED, START, Scribe, contract, refund
from workflow_runtime.__main__ import main
from workflow_runtime.seeing.held import OFTEN, Held
from workflow_runtime.seeing.reading import read_held
from workflow_runtime.seeing.standing import Standing, standing, waiting_since
from workflow_runtime.seeing.timeline import timeline
from workflow_runtime.worlds.base import Message, World
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld

CHECKOUT = "workflow//shop.orders//checkout"


def stands(run: Scribe, held: Held, after: float = 0.0) -> Standing:
    return standing(timeline(run.log()), run.at + after, held=held)


def queued(at: float = START) -> Scribe:
    """A run that waits for a worker to begin its step ``pay``."""
    run = Scribe("wrun_01M9Q0000000000000000000", at=at).begin()
    run.call("pay", start=False)
    return run


async def hand_back(world: World, run_id: str, times: int, step_id: str | None = None) -> None:
    """Have a message about the run handed back so often."""
    await world.send(Message(f"wmsg_{step_id}", run_id, step_id, "step//shop.payments//pay" if step_id else None))
    for _ in range(times):
        delivery = await world.take(f"wmsg_{step_id}")
        assert delivery is not None
        await delivery.again()


def test_a_step_that_was_handed_back_again_and_again_looks_as_if_no_worker_had_it() -> None:
    said = stands(queued(), Held(handed_back={"step_000001": 5}))

    assert said.text == "pay has been handed back 5 times: it looks as if no running worker has this step"
    assert (said.waits, said.handed_back) == (True, {"step_000001": 5})


def test_several_such_steps_are_one_sentence_beside_what_else_the_run_does() -> None:
    run = Scribe("wrun_x").begin()
    run.call("pay", start=False)
    run.call("pack")
    run.call("mail", start=False)
    run.call("ring", start=False)
    said = stands(run, Held(handed_back={"step_000001": 3, "step_000003": 7}))

    assert said.text.startswith("runs pack; pay and mail have been handed back 7 times: it looks as if no running")
    assert said.text.endswith("; ring waits for a worker")
    assert not said.waits


def test_a_retry_that_nobody_can_begin_is_told_of_only_when_it_is_due() -> None:
    run = Scribe("wrun_x").begin()
    run.retry(run.call("pay"), DECLINED, 1, 10.0)
    held = Held(handed_back={"step_000001": 4})

    assert stands(run, held).text.startswith("retry 1 of pay in 10 s")
    assert "handed back 4 times" in stands(run, held, after=11).text


def test_steps_that_began_are_not_said_to_lack() -> None:
    run = Scribe("wrun_x").begin()
    run.call("pay")

    assert stands(run, Held(handed_back={"step_000001": 9})).text == "runs pay"


def test_a_run_that_nobody_can_begin_points_to_the_log_and_guesses_nothing() -> None:
    said = stands(Scribe("wrun_x"), Held(handed_back={"": 6}))

    assert said.text == "handed back 6 times before it began; the log of the workers says why"


@pytest.mark.parametrize(
    ("run", "text"),
    [
        (Scribe("wrun_x"), "paused; it has not begun"),
        (queued(), "paused; pay waits in the queue"),
        (contract(), "paused; waits for hook contract:ct_9 (170 ms), or until 24 Nov 09:25 (in 2 d)"),
    ],
)
def test_a_run_that_is_paused_says_so_first(run: Scribe, text: str) -> None:
    said = stands(run, Held(("", CHECKOUT)), after=0.17 if run.run_id.startswith("wrun_01M8198") else 0)

    assert said.text == text
    assert said.paused == ("", CHECKOUT)
    assert said.status_of(timeline(run.log())) == "paused"


def test_a_run_that_only_its_own_message_could_move_on_is_paused_too() -> None:
    run = Scribe("wrun_x").begin()
    run.complete(run.call("pay"))
    said = stands(run, Held(("",)))

    assert (said.text, said.status_of(timeline(run.log()))) == ("paused", "paused")


def test_a_step_in_work_goes_on_while_its_run_is_paused() -> None:
    run = Scribe("wrun_x").begin()
    run.call("pay")
    said = stands(run, Held((CHECKOUT,)))

    assert (said.text, said.status_of(timeline(run.log()))) == ("paused; runs pay", "running")


def test_only_what_waits_for_a_worker_is_asked_about() -> None:
    assert waiting_since(timeline(contract().log())) is None
    assert waiting_since(timeline(refund().log())) is None
    assert waiting_since(timeline(queued().log())) == START
    assert waiting_since(timeline(Scribe("wrun_x").log())) == START


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_the_queue_tells_how_often_messages_were_handed_back(kind: str, tmp_path: Path) -> None:
    world: World = MemoryWorld() if kind == "memory" else SqliteWorld(tmp_path / "runs.db")
    await world.open()
    story = queued()
    await story.put(world)
    await hand_back(world, story.run_id, OFTEN, "step_000001")
    await hand_back(world, story.run_id, OFTEN - 1)
    info = (await world.load(story.run_id)).run
    found = await read_held(world, info, ["", "workflow//shop//other", CHECKOUT])
    in_hand = await world.take("wmsg_step_000001")
    meanwhile = await read_held(world, info, [])

    assert found == Held(("", CHECKOUT), {"step_000001": OFTEN})
    assert in_hand is not None
    assert meanwhile == Held((), {"step_000001": OFTEN})
    await world.close()


async def test_what_has_ended_is_held_up_by_nothing() -> None:
    world = MemoryWorld()
    await world.open()
    await refund().put(world)

    assert await read_held(world, (await world.load(refund().run_id)).run, [""]) == Held()
    await world.close()


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A world with one run, whose step was handed back four times, and which is paused."""
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'runs.db'}")
    monkeypatch.setenv("COLUMNS", "200")

    async def work() -> None:
        world = SqliteWorld(tmp_path / "runs.db")
        await world.open()
        await queued(time.time() - 60).put(world)
        await hand_back(world, queued().run_id, 4, "step_000001")
        await world.close()

    asyncio.run(work())
    return tmp_path / "runs.db"


def test_the_command_says_what_to_put_back(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_id = queued().run_id
    assert main(["inspect", run_id]) == 0
    one = capsys.readouterr().out
    assert main(["inspect"]) == 0
    listed = capsys.readouterr().out

    assert "pay has been handed back 4 times: it looks as if no running worker has this step" in one
    assert "put step//shop.payments//pay back under that name, or start a worker that has it\n" in one
    assert f"or give the run up: python -m workflow_runtime cancel {run_id}" in one
    assert "pay has been handed back 4 times" in listed


def test_the_command_says_how_to_unpause(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["pause"], ["pause", CHECKOUT]):
        assert main(arguments) == 0
    capsys.readouterr()
    assert main(["inspect", queued().run_id]) == 0
    one = capsys.readouterr().out
    assert main(["inspect"]) == 0
    listed = capsys.readouterr().out

    for said in (one, listed):
        assert "paused; pay has been handed back" in said
        assert f"python -m workflow_runtime unpause {CHECKOUT}\n" in said
        assert "python -m workflow_runtime unpause\n" in said
    assert listed.startswith("status")
    assert "= paused" in listed
