"""The machine alone: events in, commands out, and the same on every replay."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest

from workflow_runtime.errors import CorruptedEventLogError, NondeterminismError, ReplayDivergenceError, WorkflowError
from workflow_runtime.events import Event, EventKind


def kinds(commands: Any) -> Any:
    return [(c.kind.value, c.entity) for c in commands]


def test_a_step_is_decided_then_its_outcome_resumes_the_workflow(story: Any) -> None:
    run = story("async def main(n):\n    return await a(n) + 1", 1)
    assert kinds(run.machine.commands) == [("step_created", "step_000001")]
    run.commit()
    assert run.machine.commands == ()
    run.complete("step_000001", 41)
    assert kinds(run.machine.commands) == [("run_completed", "")]
    assert run.result() == 42


def test_gather_decides_all_steps_at_once_and_gives_results_in_order(story: Any) -> None:
    run = story("async def main():\n    return await asyncio.gather(a(1), b(2), a(3))")
    assert [c.entity for c in run.commit()] == ["step_000001", "step_000002", "step_000003"]
    run.complete("step_000003", "third")
    run.complete("step_000001", "first")
    run.complete("step_000002", "second")
    assert run.result() == ["first", "second", "third"]
    run.replay()


def test_task_group_cancels_siblings_in_the_order_of_their_making(story: Any) -> None:
    source = """
        async def note(seen, name):
            try:
                await a(name)
            except asyncio.CancelledError:
                seen.append(name)
                raise
        async def main():
            seen = []
            try:
                async with asyncio.TaskGroup() as group:
                    for name in "pqrstuvwxyz":
                        group.create_task(note(seen, name))
            except* ValueError:
                pass
            return "".join(seen)
    """
    run = story(source)
    run.commit()
    run.fail("step_000003", ValueError("no"))
    assert run.result() == "pqstuvwxyz"
    run.replay()


def test_wait_and_as_completed_go_by_the_order_of_arrival(story: Any) -> None:
    source = """
        async def main():
            tasks = [asyncio.create_task(a(n)) for n in range(4)]
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            order = [tasks.index(t) for t in done] + ["|"] + [tasks.index(t) for t in pending] + ["|"]
            for next_one in asyncio.as_completed(list(pending)):
                order.append(await next_one)
            return order
    """
    run = story(source)
    run.commit()
    for index in (2, 3, 0, 1):
        run.complete(f"step_00000{index + 1}", index)
    assert run.result() == [2, "|", 0, 1, 3, "|", 3, 0, 1]
    run.replay()


def test_as_completed_starts_coroutines_in_the_order_given(story: Any) -> None:
    source = """
        async def main():
            got = []
            for one in asyncio.as_completed([a(n) for n in range(20)]):
                got.append(await one)
            return got
    """
    run = story(source)
    created = run.commit()
    assert [c.data["input"]["args"] for c in created] == [[n] for n in range(20)]


def test_asyncio_sleep_and_timeout_are_durable_waits(story: Any) -> None:
    source = """
        async def main():
            await asyncio.sleep(60)
            try:
                async with asyncio.timeout(10):
                    await a(1)
            except TimeoutError:
                return "late"
    """
    run = story(source)
    (wait,) = run.commit()
    assert wait.kind is EventKind.WAIT_CREATED
    assert wait.data["until"] == run.now + 60
    run.elapse("wait_000001")
    assert kinds(run.commit()) == [("wait_created", "wait_000002"), ("step_created", "step_000003")]
    run.elapse("wait_000002")
    assert run.result() == "late"
    run.replay()


def test_a_timeout_that_is_not_needed_cancels_its_wait(story: Any) -> None:
    source = """
        async def main():
            async with asyncio.timeout(10):
                x = await a(1)
            return await b(x)
    """
    run = story(source)
    run.commit()
    run.complete("step_000002", 5)
    assert kinds(run.machine.commands) == [("wait_cancelled", "wait_000001"), ("step_created", "step_000003")]
    run.commit()
    run.complete("step_000003", 6)
    assert run.result() == 6
    run.replay()


def test_a_wait_that_elapses_before_its_cancellation_is_in_the_log_is_no_contradiction(story: Any) -> None:
    source = """
        async def main():
            async with asyncio.timeout(10):
                x = await a(1)
            await asyncio.sleep(100)
            return x
    """
    run = story(source)
    run.commit()
    run.complete("step_000002", 5)
    run.elapse("wait_000001")
    assert kinds(run.machine.commands) == [("wait_created", "wait_000003")]
    run.commit()
    run.elapse("wait_000003")
    assert run.result() == 5
    run.replay()


def test_wait_for_and_shield_and_queues_and_events_work(story: Any) -> None:
    source = """
        async def produce(queue, ready):
            for n in range(3):
                await queue.put(await a(n))
            ready.set()
        async def main():
            queue, ready = asyncio.Queue(), asyncio.Event()
            task = asyncio.create_task(produce(queue, ready))
            await asyncio.wait_for(asyncio.shield(ready.wait()), 100)
            await task
            return [queue.get_nowait() for _ in range(3)]
    """
    run = story(source, a=lambda n: n * 10)
    assert run.play() == [0, 10, 20]
    run.replay()


def test_a_race_ends_with_its_first_step_whatever_else_still_runs(story: Any) -> None:
    source = """
        async def main():
            tasks = [asyncio.create_task(a(1)), asyncio.create_task(b(2))]
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
    """
    run = story(source)
    run.commit()
    run.complete("step_000002", "b won")
    assert run.result() == "b won"


def test_the_clock_is_the_time_of_the_latest_fact_live_and_on_replay(story: Any) -> None:
    source = """
        async def main():
            times = [time.time()]
            await a(1)
            times.append(time.time())
            await asyncio.sleep(3600)
            times.append(datetime.datetime.now(datetime.UTC).timestamp())
            return times
    """
    run = story(source, a=lambda n: n)
    begun = run.now
    assert run.play() == [begun, begun + 1, begun + 3601]
    run.replay()


def test_chance_follows_from_the_run(story: Any) -> None:
    source = "async def main():\n    return [random.random(), random.randint(1, 10**9), str(uuid.uuid4()), secrets.token_hex(8)]"
    first, again = story(source).result(), story(source).result()
    assert first == again
    other = story(source)
    other.run_id = "wrun_OTHER"
    other.log.clear()
    other.__post_init__()
    assert other.result() != first


def test_a_decision_that_the_code_does_not_make_is_a_divergence_that_names_both_sides(story: Any) -> None:
    run = story("async def main():\n    return await a(1)")
    wrong = Event(EventKind.STEP_CREATED, run.now, "step_000001", {"step": "step//app//b", "input": {"args": [1]}}, 2)
    with pytest.raises(ReplayDivergenceError) as caught:
        run.machine.feed(wrong)
    assert "step//app//b" in str(caught.value)
    assert "step//app//a" in str(caught.value)
    assert "app.py:11" in str(caught.value)


def test_other_arguments_are_a_divergence_too(story: Any) -> None:
    run = story("async def main():\n    return await a(1)")
    wrong = Event(EventKind.STEP_CREATED, run.now, "step_000001", {"step": "step//app//a", "input": {"args": [2]}}, 2)
    with pytest.raises(ReplayDivergenceError, match=r"\[1\].*\[2\]"):
        run.machine.feed(wrong)


@pytest.mark.parametrize(
    "event",
    [
        Event(EventKind.STEP_COMPLETED, 1, "step_000009", {"attempt": 1, "output": 1}, 2),
        Event(EventKind.STEP_COMPLETED, 1, "step_000001", {"attempt": 1, "output": 1}, 2),
        Event(EventKind.WAIT_COMPLETED, 1, "wait_000002", {}, 2),
    ],
)
def test_an_outcome_that_nobody_asked_for_is_a_corrupted_log(story: Any, event: Any) -> None:
    run = story("async def main():\n    return await a(1)")
    with pytest.raises(CorruptedEventLogError, match=event.entity):
        run.machine.feed(event)


def test_a_second_outcome_is_a_corrupted_log(story: Any) -> None:
    run = story("async def main():\n    return await a(1), await b(2)")
    run.commit()
    run.complete("step_000001", 1)
    with pytest.raises(CorruptedEventLogError):
        run.complete("step_000001", 1)


def test_a_workflow_that_waits_for_nothing_fails_and_says_so(story: Any) -> None:
    run = story("async def main():\n    await asyncio.Event().wait()")
    with pytest.raises(WorkflowError, match="nothing will ever bring"):
        run.result()


def test_a_workflow_that_spins_fails_and_says_so(story: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("workflow_runtime.machine.loop.CALLBACK_LIMIT", 1000)
    run = story("async def main():\n    while True:\n        await asyncio.sleep(0)")
    with pytest.raises(WorkflowError, match="caught in a loop"):
        run.result()


def test_dropping_a_machine_sends_no_command_whatever_finally_blocks_try(story: Any) -> None:
    source = """
        async def main():
            try:
                await a(1)
            finally:
                try:
                    await b(2)
                except BaseException:
                    await b(3)
    """
    run = story(source)
    run.commit()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run.machine.drop()
        gc.collect()
    assert run.machine.commands == ()


def test_an_error_of_a_step_is_the_users_own_class_and_can_be_caught(story: Any) -> None:
    source = """
        class Refused(Exception):
            pass
        async def main():
            try:
                await a(1)
            except Refused as error:
                return f"caught {error}"
    """
    run = story(source)
    run.commit()
    refused = type("Refused", (Exception,), {"__module__": "app"})
    run.fail("step_000001", refused("no"))
    assert run.result() == "caught no"


def test_what_is_not_pure_says_to_move_it_into_a_step(story: Any) -> None:
    for line in (
        "open('x')",
        "time.sleep(1)",
        "await asyncio.open_connection('h', 1)",
        "asyncio.run(None)",
        "uuid.uuid1()",
    ):
        run = story(f"async def main():\n    {line}")
        with pytest.raises(NondeterminismError):
            run.result()
    run = story("import subprocess\nasync def main():\n    subprocess.run(['ls'])")
    with pytest.raises(NondeterminismError, match=r"subprocess\.run.*step"):
        run.result()


def test_the_loop_refuses_what_reaches_outside(story: Any) -> None:
    run = story("async def main():\n    await asyncio.get_running_loop().run_in_executor(None, print)")
    with pytest.raises(NondeterminismError, match="run_in_executor"):
        run.result()


def test_a_sync_step_can_be_called_through_to_thread_and_nothing_else_can(story: Any) -> None:
    run = story("async def main():\n    return await asyncio.to_thread(a, 7)", a=lambda n: n + 1)
    assert run.play() == 8
    run = story("async def main():\n    return await asyncio.to_thread(len, [])")
    with pytest.raises(NondeterminismError, match="len"):
        run.result()


def test_wrong_arguments_of_a_step_fail_where_the_call_is(story: Any) -> None:
    run = story("async def main():\n    await a(1, 2, 3)")
    with pytest.raises(TypeError, match=r"^a\(\): too many positional arguments"):
        run.result()


def test_runs_do_not_see_each_others_module_state(story: Any) -> None:
    source = """
        SEEN = []
        async def main(n):
            SEEN.append(n)
            return SEEN
    """
    assert story(source, 1).result() == [1]
    assert story(source, 2).result() == [2]


def test_context_variables_of_the_outside_do_not_reach_a_workflow(story: Any) -> None:
    import contextvars

    variable = contextvars.ContextVar("outside", default="unset")
    variable.set("set")
    run = story("async def main(): return [v.name for v in __import__('contextvars').copy_context()]")
    assert run.result() == []


async def test_a_machine_runs_inside_of_another_loops_task(story: Any) -> None:
    outer = asyncio.current_task()
    run = story("async def main():\n    return asyncio.current_task().get_name(), await a(1)")
    assert asyncio.current_task() is outer
    run.commit()
    run.complete("step_000001", 2)
    assert run.result() == ("workflow", 2)
    assert asyncio.current_task() is outer


@pytest.mark.parametrize("stateless", [False, True])
def test_a_bundle_that_can_not_be_loaded_says_why(story: Any, stateless: Any) -> None:
    with pytest.raises(WorkflowError, match=r"can not be loaded: \S+\.py:\d+: ZeroDivisionError"):
        story("X = 1 / 0\nasync def main(): ...", stateless=stateless)
