"""Hooks, from the outside: what is sent arrives, once, in order, and to who owns the token."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from workflow_runtime import (
    HookNotFoundError,
    RunCancelledError,
    RunFailedError,
    RunStatus,
    SerializationError,
    StepMetadata,
    get_hook,
    resume_hook,
    start,
)
from workflow_runtime.builtin import send_payload
from workflow_runtime.context import current_step
from workflow_runtime.events import EventKind

pytestmark = pytest.mark.timeout(60)


async def test_a_payload_arrives_as_what_the_hook_was_created_for(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.approve, "a")
        details = await office.hook("a")
        resumed = await resume_hook("a", office.models.Approval(True, "ada"))

        assert resumed == run == details.run
        assert details.metadata == {"for": "a"}
        assert not details.is_webhook
        assert await run.result(20) == office.models.Approval(True, "ada")


async def test_a_definition_sends_only_what_its_hooks_take(office: Any) -> None:
    definition = office.hooking.approval
    async with office.working():
        run = await start(office.hooking.approve, "a")
        await office.hook("a")
        with pytest.raises(SerializationError, match="expected Approval"):
            await definition.resume("a", "yes")
        await definition.resume("a", office.models.Approval(False, "bob"))

        assert not (await run.result(20)).ok
        assert (await office.kinds(run.id)).count(EventKind.HOOK_RECEIVED) == 1


async def test_a_payload_with_a_field_of_another_type_is_refused_where_it_is_sent_and_where_it_is_awaited(
    office: Any,
) -> None:
    async with office.working():
        run = await start(office.hooking.approve, "a")
        await office.hook("a")
        with pytest.raises(SerializationError, match="hook 'a': ok: expected bool, found 'false'; send what"):
            await office.hooking.approval.resume("a", office.models.Approval("false", "ada"))
        await resume_hook("a", {"ok": True, "by": 3})
        with pytest.raises(RunFailedError, match="payload of hook 'a': by: expected str, found 3") as failed:
            await run.result(20)

        assert isinstance(failed.value.__cause__, SerializationError)


async def test_plain_data_becomes_what_the_hook_was_created_for(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.approve, "a")
        await office.hook("a")
        await resume_hook("a", {"ok": True, "by": "json"})

        assert await run.result(20) == office.models.Approval(True, "json")


async def test_a_payload_of_another_type_is_an_error_where_it_is_awaited_and_the_next_one_is_not(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.strict, "a")
        await office.hook("a")
        await resume_hook("a", ["not", "an", "approval"])
        await resume_hook("a", office.models.Approval(True, "ada"))

        said, by = await run.result(20)
    assert "payload of hook 'a': expected Approval" in said
    assert by == "ada"


async def test_async_for_gives_every_payload_in_order_and_ends_when_the_hook_is_disposed_of(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.collect, "a", 5)
        await office.hook("a")
        for number in range(5):
            await resume_hook("a", office.models.Approval(True, str(number)))

        assert [given.by for given in await run.result(20)] == ["0", "1", "2", "3", "4"]


async def test_what_comes_before_it_is_awaited_is_kept_and_what_comes_after_the_run_is_refused(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.first_of_both, "a", "gate")
        await office.hook("gate")
        await resume_hook("a", 1)
        await resume_hook("a", 2)
        await resume_hook("a", 3)  # nobody ever awaits it, and it does no harm
        await resume_hook("gate", "open")

        assert await run.result(20) == ["open", 1, 2]
        with pytest.raises(HookNotFoundError, match="'a'"):
            await resume_hook("a", 4)


async def test_a_payload_is_not_lost_to_a_timeout_that_ends_the_waiting(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.patient, "a", 0.05)
        await office.hook("a")
        await office.event(run.id, EventKind.WAIT_COMPLETED)
        await resume_hook("a", "here")

        assert await run.result(20) == "late: here"


async def test_of_payloads_with_one_key_the_first_counts(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.collect, "a", 2)
        await office.hook("a")
        sent = [resume_hook("a", office.models.Approval(True, str(n)), key="same") for n in range(5)]
        assert {one.id for one in await asyncio.gather(*sent)} == {run.id}
        await resume_hook("a", office.models.Approval(True, "other"), key="other")

        assert len(await run.result(20)) == 2
        assert (await office.kinds(run.id)).count(EventKind.HOOK_RECEIVED) == 2


async def test_a_token_is_free_once_its_hook_is_disposed_of_while_its_run_goes_on(office: Any) -> None:
    async with office.working():
        first = await start(office.hooking.freed, "a", "gate")
        await office.hook("gate:1")
        assert (await get_hook("a")).run == first
        await resume_hook("gate:1", None)
        await office.hook("gate:2")
        with pytest.raises(HookNotFoundError):
            await get_hook("a")
        second = await start(office.hooking.approve, "a")
        assert (await office.hook("a")).run == second
        await resume_hook("gate:2", "done")

        assert await first.result(20) == "done"


async def test_a_token_is_free_once_its_run_has_ended(office: Any) -> None:
    async with office.working():
        for name in ("ada", "bob"):
            run = await start(office.hooking.approve, "a")
            await office.hook("a")
            await resume_hook("a", office.models.Approval(True, name))
            assert (await run.result(20)).by == name
            with pytest.raises(HookNotFoundError):
                await get_hook("a")


async def test_tokens_that_are_not_given_are_different_and_fit_for_urls(office: Any) -> None:
    async with office.working():
        tokens = [
            token for run in [await start(office.hooking.own_token) for _ in range(2)] for token in await run.result(20)
        ]

    assert len(set(tokens)) == 4
    assert all(len(token) == 22 and token.replace("-", "").replace("_", "").isalnum() for token in tokens)


async def test_who_awaits_a_token_of_another_run_is_told_whose_it_is(office: Any) -> None:
    async with office.working():
        owner = await start(office.hooking.approve, "a")
        await office.hook("a")
        second = await start(office.hooking.clash, "a")

        assert await second.result(20) == f"a is {owner.id}'s"
        assert await owner.status() is RunStatus.RUNNING


async def test_the_second_to_come_adopts_the_result_of_the_first(office: Any) -> None:
    async with office.working():
        owner = await start(office.hooking.adopt, "a")
        await office.hook("a")
        second = await start(office.hooking.adopt, "a")
        await office.event(second.id, EventKind.WATCH_CREATED)
        await resume_hook("a", "the result")

        assert [await owner.result(20), await second.result(20)] == ["the result", "adopted the result"]


async def test_the_second_to_come_signals_the_first(office: Any) -> None:
    async with office.working():
        owner = await start(office.hooking.signal, "a")
        await office.hook("a")
        second = await start(office.hooking.signal, "a")

        assert [await second.result(20), await owner.result(20)] == ["told the owner", "told about me"]


async def test_the_last_to_come_supersedes_the_first(office: Any) -> None:
    async with office.working():
        first = await start(office.hooking.supersede, "a")
        await office.hook("a")
        second = await start(office.hooking.supersede, "a")
        await office.event(first.id, EventKind.RUN_CANCELLED)
        await office.hook("a")
        await resume_hook("a", "mine now")

        assert await second.result(20) == "mine now"
        with pytest.raises(RunCancelledError, match="superseded"):
            await first.result(20)


async def test_workflow_code_may_look_at_the_hooks_of_others(office: Any) -> None:
    async with office.working():
        await start(office.hooking.approve, "a")
        await office.hook("a")
        run = await start(office.hooking.looks, "a")

        assert await run.result(20) == ["a", {"for": "a"}, False, RunStatus.RUNNING]


async def test_a_run_may_take_the_token_that_it_has_just_freed(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.again, "a")
        for count, said in enumerate(("one", "two", "three"), 1):
            await office.event(run.id, EventKind.HOOK_CREATED, count)
            await resume_hook("a", said)

        assert await run.result(20) == ["one", "two", "three"]


async def test_a_run_that_wants_its_own_token_twice_is_told_that_it_has_it(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.twice, "a")
        await office.event(run.id, EventKind.HOOK_CONFLICT)
        await resume_hook("a", "payload")

        assert await run.result(20) == "True payload"


@pytest.mark.parametrize(("seconds", "result"), [(0.05, "late"), (600.0, "in time")])
async def test_a_hook_may_race_with_a_sleep(office: Any, seconds: float, result: str) -> None:
    async with office.working():
        run = await start(office.hooking.race, "a", seconds)
        if result == "in time":
            await office.hook("a")
            await resume_hook("a", "in time")

        assert await run.result(20) == result


async def test_those_who_wait_for_one_hook_are_served_in_order(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.both, "a")
        await office.hook("a")
        for said in "xyz":
            await resume_hook("a", said)

        assert await run.result(20) == ["x", "y", "z"]


@pytest.mark.parametrize("who", ["approver", "forwards"])
async def test_runs_approve_each_other_from_steps_and_from_workflow_code(office: Any, who: str) -> None:
    async with office.working():
        run = await start(office.hooking.approve, "a")
        await office.hook("a")
        other = await start(getattr(office.hooking, who), "a")

        assert await other.result(20) == run.id
        assert (await run.result(20)).by == {"approver": "a step", "forwards": "a workflow"}[who]


async def test_a_thousand_payloads_from_many_sides_arrive_once_each(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.collect, "a", 200)
        await office.hook("a")
        sent = [(str(number), office.models.Approval(True, str(number))) for number in range(200)]
        await asyncio.gather(*(resume_hook("a", payload, key=key) for key, payload in sent for _ in range(5)))

        assert sorted(given.by for given in await run.result(40)) == sorted(key for key, _ in sent)


async def test_workflow_code_that_sends_a_payload_sends_it_once_even_if_its_process_dies_in_between(
    office: Any,
) -> None:
    async with office.working():
        run = await start(office.hooking.approve, "a")
        await office.hook("a")
        metadata = StepMetadata(
            run_id="wrun_SENDER",
            step_id="step_000001",
            name="step//workflow_runtime//send_payload",
            attempt=1,
            started_at=datetime.now(UTC),
        )
    token = current_step.set(metadata)
    sent = [await send_payload("a", {"ok": True, "by": "ada"}, None) for _ in range(2)]
    current_step.reset(token)

    assert sent == [run.id, run.id]
    assert (await office.kinds(run.id)).count(EventKind.HOOK_RECEIVED) == 1
    await send_payload("a", {"ok": True, "by": "bob"}, None)  # by whoever else: each one counts
    await send_payload("a", {"ok": True, "by": "bob"}, None)
    assert (await office.kinds(run.id)).count(EventKind.HOOK_RECEIVED) == 3


async def test_a_payload_follows_a_token_that_goes_to_another_run_just_now(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with office.working():
        first = await start(office.hooking.approve, "a")
        await office.hook("a")
        stale, look = await office.world.hook_by_token("a"), office.world.hook_by_token
        await first.cancel()
        looks = [stale]

        async def looked(token: str) -> Any:
            return looks.pop() if looks else await look(token)

        monkeypatch.setattr(office.world, "hook_by_token", looked)
        with pytest.raises(HookNotFoundError):
            await resume_hook("a", {"ok": True, "by": "ada"})
        second = await start(office.hooking.approve, "a")
        await office.hook("a")
        looks.append(stale)

        assert await resume_hook("a", {"ok": True, "by": "ada"}) == second
        assert (await second.result(20)).by == "ada"
