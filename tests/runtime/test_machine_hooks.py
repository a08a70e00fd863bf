"""The machine alone: hooks, other runs, attributes, steps that are called off, and going on as a new run."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from workflow_runtime.errors import CorruptedEventLogError, ReplayDivergenceError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.ids import child_run_id
from workflow_runtime.machine.commands import ContinueAsNew

MACHINE = """
from workflow_runtime.machine.current import running_machine
from workflow_runtime.machine.commands import ContinueAsNew
from workflow_runtime.errors import HookConflictError

def machine():
    return running_machine()
def hook(token):
    return machine().open_hook(token, None, None, "")
"""


def kinds(commands: Any) -> Any:
    return [(c.kind.value, c.entity) for c in commands]


@pytest.fixture
def tell(story: Any) -> Any:
    return lambda source, *arguments, **answers: story(MACHINE + textwrap.dedent(source), *arguments, **answers)


def test_a_payload_that_comes_before_it_is_awaited_waits_for_the_workflow(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            await a(1)
            return [await door.receive(), await door.receive()]
        """
    )
    assert kinds(run.commit()) == [("hook_created", "hook_000001"), ("step_created", "step_000002")]
    run.receive("hook_000001", "early")
    run.complete("step_000002", None)
    assert not run.machine.ended
    run.receive("hook_000001", "late")
    assert run.result() == ["early", "late"]
    run.replay()


def test_payloads_reach_their_waiters_in_order_and_none_is_lost_to_a_waiter_that_gave_up(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            first, second = asyncio.create_task(door.receive()), asyncio.create_task(door.receive())
            await a(1)
            first.cancel()
            return [await second, await door.receive()]
        """
    )
    run.commit()
    run.complete("step_000002", None)
    run.receive("hook_000001", 1)
    run.receive("hook_000001", 2)
    assert run.result() == [1, 2]
    run.replay()


def test_a_payload_that_meets_its_waiters_cancellation_goes_to_the_next_one(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            first = asyncio.create_task(door.receive())
            async def interrupt():
                await door.receive()
                first.cancel()
            second = asyncio.create_task(interrupt())
            await asyncio.wait([first])
            await second
            return await door.receive()
        """
    )
    run.commit()
    for payload in ("for first", "for second", "for main"):
        run.receive("hook_000001", payload)
    assert run.result() == "for main"
    run.replay()


def test_a_race_between_a_hook_and_a_sleep_ends_with_the_first(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            try:
                return await asyncio.wait_for(door.receive(), 60)
            except TimeoutError:
                door.dispose()
                await a(1)
                return "nobody came"
        """
    )
    run.commit()
    run.elapse("wait_000002")
    assert kinds(run.commit()) == [("hook_disposed", "hook_000001"), ("step_created", "step_000003")]
    with pytest.raises(CorruptedEventLogError, match="already ended"):
        run.receive("hook_000001", "too late")
    run.log.pop()
    run.replay()


def test_a_token_that_another_run_has_is_known_when_awaited_and_by_asking(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            step = asyncio.create_task(a(1))
            owner = await door.conflict()
            try:
                await door.receive()
            except HookConflictError as error:
                return [owner, error.run_id, error.token, await step]
        """
    )
    run.taken["t"] = "wrun_OWNER"
    assert kinds(run.commit()) == [("hook_conflict", "hook_000001"), ("step_created", "step_000002")]
    run.complete("step_000002", "done")
    assert run.result() == ["wrun_OWNER", "wrun_OWNER", "t", "done"]
    run.replay()


def test_a_conflict_that_ends_the_workflow_leaves_what_was_decided_with_it_in_place(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            step = asyncio.create_task(a(1))
            await asyncio.sleep(0)
            return await door.conflict()
        """
    )
    run.taken["t"] = "wrun_OWNER"
    run.commit()
    assert run.result() == "wrun_OWNER"
    assert [e.kind.value for e in run.log[2:]] == ["hook_conflict", "step_created", "run_completed"]
    run.replay()


def test_no_conflict_is_told_once_the_log_has_the_hook(tell: Any) -> None:
    run = tell("async def main():\n    return await hook('t').conflict()")
    assert not run.machine.ended
    run.commit()
    assert run.result() is None


def test_a_hook_that_is_disposed_of_before_the_log_has_it_was_never_there(tell: Any) -> None:
    run = tell("async def main():\n    hook('t').dispose()\n    return await a(1)")
    assert kinds(run.commit()) == [("step_created", "step_000002")]
    run.complete("step_000002", 1)
    run.replay()


def test_tokens_that_nobody_chose_are_the_same_on_replay_and_others_in_other_runs(tell: Any, story: Any) -> None:
    source = "async def main():\n    return await hook(None).receive()"
    run, other = tell(source), tell(source)
    other.machine.drop()
    token = run.commit()[0].data["token"]
    assert len(token) == 22
    run.receive("hook_000001", "x")
    run.replay()
    clone = type(run)(run.bundle, run_id="wrun_OTHER")
    assert clone.machine.commands[0].data["token"] != token


def test_the_hook_of_another_token_than_the_logs_is_a_divergence(tell: Any) -> None:
    run = tell("async def main():\n    return await hook('t').receive()")
    with pytest.raises(ReplayDivergenceError, match=r"hook_created hook_000001 other.*hook_created hook_000001 t"):
        run.append(
            Event(EventKind.HOOK_CREATED, run.now, "hook_000001", {"token": "other", "metadata": None, "webhook": None})
        )


def test_a_step_whose_task_is_cancelled_is_cancelled(tell: Any) -> None:
    run = tell(
        """
        async def main():
            task = asyncio.create_task(a("slow"))
            await b("quick")
            task.cancel()
            await asyncio.wait([task])
            return task.cancelled()
        """
    )
    run.commit()
    run.complete("step_000001", None)  # the task begins when the workflow first waits: b is the first step
    assert run.result() is True
    run.replay()


def test_cancelling_a_step_is_a_decision_of_its_own_place_in_the_log(tell: Any) -> None:
    run = tell(
        """
        async def main():
            try:
                async with asyncio.timeout(5):
                    await a("slow")
            except TimeoutError:
                return await b("instead")
        """
    )
    run.commit()
    run.elapse("wait_000001")
    assert kinds(run.commit()) == [("step_cancelled", "step_000002"), ("step_created", "step_000003")]
    with pytest.raises(CorruptedEventLogError):
        run.machine.feed(Event(EventKind.STEP_COMPLETED, run.now, "step_000002", {"attempt": 1, "output": 1}))
    run.complete("step_000003", "b")
    assert run.result() == "b"
    run.replay()


def test_an_outcome_that_lands_before_the_cancellation_makes_the_cancellation_void(tell: Any) -> None:
    run = tell(
        """
        async def main():
            task = asyncio.create_task(a("slow"))
            await b("quick")
            task.cancel()
            return await b("more")
        """
    )
    run.commit()
    run.complete("step_000001", None)
    assert ("step_cancelled", "step_000002") in kinds(run.machine.commands)
    run.complete("step_000002", "after all")
    assert kinds(run.machine.commands) == [("step_created", "step_000003")]
    run.commit()
    run.complete("step_000003", "end")
    assert run.result() == "end"
    run.replay()


def test_a_child_has_an_id_that_follows_from_its_place_and_its_end_is_awaited(tell: Any) -> None:
    run = tell(
        """
        async def main():
            child = machine().start_child("workflow//app//other", {"args": [1]}, {"k": "v"}, "")
            return [child, await machine().watch(child, "")]
        """
    )
    child_id = child_run_id("wrun_TEST", "child_000001")
    created, watched = run.commit()
    assert (created.kind, created.data["run"], created.data["attributes"]) == (
        EventKind.CHILD_CREATED,
        child_id,
        {"k": "v"},
    )
    assert (watched.kind, watched.data) == (EventKind.WATCH_CREATED, {"run": child_id})
    run.end("watch_000002", run=child_id, status="completed", output=5)
    assert run.result() == [child_id, {"run": child_id, "status": "completed", "output": 5}]
    run.replay()


def test_a_watch_that_nobody_awaits_any_more_may_still_come_in(tell: Any) -> None:
    run = tell(
        """
        async def main():
            watching = asyncio.create_task(machine().watch("wrun_X", ""))
            await a(1)
            watching.cancel()
            return await b(2)
        """
    )
    run.commit()
    run.complete(next(e.entity for e in run.log if e.kind is EventKind.STEP_CREATED), None)
    run.commit()
    run.end(
        next(e.entity for e in run.log if e.kind is EventKind.WATCH_CREATED), run="wrun_X", status="completed", output=1
    )
    run.complete([e.entity for e in run.log if e.kind is EventKind.STEP_CREATED][-1], "b")
    assert run.result() == "b"
    run.replay()


def test_attributes_are_decisions_in_order_and_those_of_steps_are_passed_over(tell: Any) -> None:
    run = tell(
        """
        async def main():
            machine().set_attributes({"stage": "one"}, "")
            await a(1)
            machine().set_attributes({"stage": None}, "")
        """
    )
    assert kinds(run.commit()) == [("attributes_set", "attributes_000001"), ("step_created", "step_000002")]
    run.append(Event(EventKind.ATTRIBUTES_SET, run.now, "", {"attributes": {"x": "y"}, "step": "step_000002"}))
    run.complete("step_000002", None)
    assert [e.kind.value for e in run.commit()] == ["attributes_set", "run_completed"]


def test_going_on_as_a_new_run_passes_by_except_exception(tell: Any) -> None:
    run = tell(
        """
        async def main(n=0):
            await a(n)
            try:
                raise ContinueAsNew({"args": [n + 1]})
            except Exception:
                return "swallowed"
        """
    )
    run.commit()
    run.complete("step_000001", None)
    (end,) = run.machine.commands
    assert end.kind is EventKind.RUN_CONTINUED
    assert end.data == {"run": child_run_id("wrun_TEST", "continued"), "input": {"args": [1]}}
    assert not issubclass(ContinueAsNew, Exception)


def test_only_what_is_new_counts_as_live(tell: Any) -> None:
    seen: list[bool] = []
    run = tell("async def main():\n    await a(machine().replaying)\n    return machine().replaying", a=seen.append)
    assert run.play() is False
    assert seen == [False]


def test_a_workflow_that_has_yet_to_hear_of_a_conflict_is_not_stuck_whatever_else_it_decided(tell: Any) -> None:
    run = tell(
        """
        async def main():
            beside = asyncio.create_task(asyncio.sleep(100))
            await a(1)
            door = hook("taken")
            beside.cancel()
            try:
                await door.receive()
            except HookConflictError as error:
                return error.run_id
        """
    )
    run.taken["taken"] = "wrun_other"
    run.commit()
    run.complete("step_000001")
    assert [e.kind.value for e in run.commit()] == ["hook_conflict", "wait_cancelled"]
    assert run.result() == "wrun_other"
    run.replay()


def test_whether_a_hook_has_its_token_is_never_known_when_it_was_disposed_of_before(tell: Any) -> None:
    run = tell(
        """
        async def main():
            door = hook("t")
            asking = asyncio.create_task(door.conflict())
            await asyncio.sleep(0)
            door.dispose()
            for ask in (asking, door.conflict()):
                try:
                    await ask
                except Exception as error:
                    print(type(error).__name__)
            return [type(asking.exception()).__name__]
        """
    )
    assert run.result() == ["HookDisposedError"]
    assert [e.kind.value for e in run.log] == ["run_created", "run_started", "run_completed"]
