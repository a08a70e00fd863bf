"""The machine at its edges: dropped in awkward places, left to the collector, and code that says its own name."""

from __future__ import annotations

import gc
import logging
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import bundle_of
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import EventKind
from workflow_runtime.machine.machine import Machine
from workflow_runtime.sandbox.program import load_program


def test_a_workflow_that_waits_for_nothing_but_waits_that_it_has_cancelled_fails_at_once(story: Any) -> None:
    source = """
        async def main():
            timer = asyncio.create_task(asyncio.sleep(3600))
            await a(1)
            timer.cancel()
            await asyncio.Event().wait()
    """
    run = story(source)
    run.commit()
    run.complete(next(e.entity for e in run.log if e.kind is EventKind.STEP_CREATED))
    assert [command.kind for command in run.machine.commands] == [EventKind.RUN_FAILED]
    with pytest.raises(WorkflowError, match="nothing will ever bring"):
        run.result()
    run.replay()


def test_a_timeout_of_for_ever_never_ends(story: Any) -> None:
    source = """
        async def main():
            async with asyncio.timeout(float("inf")):
                return await asyncio.wait_for(a(1), float("inf"))
    """
    run = story(source, a=lambda n: n)
    assert run.play() == 1
    assert all(event.kind is not EventKind.WAIT_CREATED for event in run.log)
    with pytest.raises(ValueError, match="NaN"):
        story("async def main():\n    async with asyncio.timeout(float('nan')):\n        await a(1)").play()


DROPPED = {
    "a task group": """
        async def main():
            async with asyncio.TaskGroup() as group:
                group.create_task(a(1))
                group.create_task(asyncio.sleep(50))
    """,
    "finally blocks that gather": """
        async def main():
            try:
                await asyncio.gather(a(1), a(2))
            finally:
                try:
                    await asyncio.sleep(0)
                    await asyncio.gather(b(1), b(2))
                finally:
                    await asyncio.Event().wait()
    """,
    "a loop that nothing stops": """
        async def main():
            while True:
                try:
                    await a(1)
                except:
                    pass
    """,
    "generators": """
        async def numbers():
            try:
                yield await a(1)
            finally:
                await b(1)
        async def main():
            async for n in numbers():
                await a(2)
    """,
}


@pytest.mark.parametrize("source", DROPPED.values(), ids=DROPPED)
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in.*coroutine object main:pytest.PytestUnraisableExceptionWarning"
)
def test_a_machine_can_be_dropped_wherever_its_code_waits(story: Any, source: Any, ends: Any, caplog: Any) -> None:
    source = textwrap.dedent(source)
    if ends:  # the same code in a task that is left when the workflow ends
        source = source.replace("async def main", "async def rest")
        source += "async def main():\n    asyncio.create_task(rest())\n    await b(9)\n"
    run = story(source)
    run.commit()
    if ends:
        last = next(e.entity for e in run.log if e.kind is EventKind.STEP_CREATED and e.data["input"]["args"] == [9])
        run.complete(last)
        assert [command.kind for command in run.machine.commands] == [EventKind.RUN_COMPLETED]
        run.replay()
    run.machine.drop()
    assert run.machine.commands == ()
    gc.collect()
    reported = {record.message.partition(" awaits ")[2] for record in caplog.records}
    assert bool(reported) == ("except:" in source), reported


def test_the_collector_has_no_say_in_what_a_workflow_does(story: Any) -> None:
    source = """
        SEEN = []
        async def forgotten():
            try:
                await asyncio.Event().wait()
            finally:
                SEEN.append("collected")
        async def main():
            asyncio.create_task(forgotten())
            await a(1)
            return list(SEEN)
    """
    run = story(source)
    run.commit()
    gc.collect()
    run.complete("step_000001")
    assert run.result() == []


def test_a_generator_that_is_left_early_runs_its_finally_blocks(story: Any) -> None:
    source = """
        async def pages():
            try:
                for n in range(9):
                    yield await a(n)
            finally:
                await b("closed")
        async def main():
            async for page in pages():
                if page == 2:
                    break
            await a("after")
            await a("more")
            return "done"
    """
    closed: list[str] = []
    run = story(source, a=lambda n: n, b=closed.append)
    assert run.play() == "done"
    assert closed == ["closed"]
    run.replay()


def test_a_generator_of_one_run_that_is_collected_while_another_runs_decides_nothing_there(story: Any) -> None:
    source = """
        async def numbers():
            try:
                yield 1
            finally:
                await b("from the first run")
        async def main():
            generator = numbers()
            async for _ in generator:
                break
            holder = [generator]
            holder.append(holder)
            await a(1)
    """
    first = story(source)
    first.commit()
    first.machine.drop()
    del first
    second = story("import gc\nasync def main():\n    await a(1)\n    gc.collect()\n    await a(2)", a=lambda n: n)
    second.machine.program.entry.__globals__["gc"] = gc
    second.play()
    assert [e.data["step"] for e in second.log if e.kind is EventKind.STEP_CREATED] == ["step//app//a"] * 2


def test_loggers_have_the_users_own_names_and_are_not_made_anew_for_each_run(story: Any, caplog: Any) -> None:
    source = """
        import logging
        from logging import getLogger
        logger = logging.getLogger(__name__)
        async def main():
            logger.warning("hello")
            getLogger(__name__ + ".part").warning("there")
            getLogger().warning("root")
    """
    known = set(logging.Logger.manager.loggerDict)
    for _ in range(2):
        story(source).result()
    assert [record.name for record in caplog.records][:3] == ["app", "app.part", "root"]
    assert set(logging.Logger.manager.loggerDict) - known <= {"app", "app.part"}


def test_what_classes_and_tracebacks_are_called_is_the_same_on_each_replay(story: Any) -> None:
    source = """
        import traceback
        class Wrong(Exception):
            pass
        async def main():
            try:
                raise Wrong("x")
            except Wrong as error:
                await a([traceback.format_exc(), repr(Wrong), str(type(error))])
    """
    bundle = bundle_of(source)
    decided = []
    for _ in range(2):  # two processes, or one after the other in one
        run = story(source)
        run.machine.drop()
        run.machine = Machine(run.run_id, load_program(bundle, Path("/nowhere"), run.run_id))
        for event in run.log:
            run.machine.feed(event)
        decided.append(run.machine.commands[0].data)
        run.machine.drop()
    assert decided[0] == decided[1]


def test_a_run_leaves_no_module_behind(story: Any) -> None:
    source = "SEEN = []\nclass Thing: ...\nasync def main():\n    SEEN.append(1)\n    return 1"
    before = set(sys.modules)
    runs = [story(source) for _ in range(3)]
    assert len({id(run.machine.program.entry) for run in runs}) == 3
    for run in runs:
        run.result()
        run.machine.drop()
    assert set(sys.modules) - before == set()


def test_code_of_a_newer_python_fails_the_run_and_says_so(story: Any) -> None:
    with pytest.raises(WorkflowError, match="can not be loaded: SyntaxError"):
        story("async def main():\n    this is no Python")


def test_a_clock_that_is_a_little_behind_does_not_turn_time_back_and_one_that_was_put_right_does(story: Any) -> None:
    source = """
        async def main():
            times = []
            for number in range(4):
                await a(number)
                times.append(time.time())
            await asyncio.sleep(5)
            return times
    """
    run = story("import time\n" + textwrap.dedent(source))
    start = run.now
    for ahead in (1.0, 3600.0, 3595.0, 2.0):  # another process is 5 s behind; then an hour is taken back
        [created] = run.commit()
        run.now = start + ahead - 1
        run.complete(created.entity)
    [slept] = run.commit()
    assert slept.data["until"] == start + 7
    run.elapse(slept.entity)
    assert run.result() == [start + 1, start + 3600, start + 3600, start + 2]
    run.replay()
