"""Promises about hooks and their tokens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    Harness,
    append,
    event,
    fresh,
    held,
    hook_created,
    hook_received,
    kinds,
    new_run,
    run_cancelled,
    run_completed,
    run_continued,
    step_created,
)
from workflow_runtime.worlds.base import (
    Committed,
    HookInfo,
    Message,
    Recorded,
    Refused,
    RunInfo,
    UnstorableError,
    World,
)

_HOOK = "hook_000001"
_STRANGE_TEXTS = ["", "NUL \0 inside", "\0", "ü 😀 \u2028", "%_*?'\"`;--", " a ", "x" * 5000, "A", "a"]


async def _hooked(world: World, token: str) -> RunInfo:
    run = await new_run(world)
    await append(world, run.id, hook_created(_HOOK, token))
    return run


class HookPromises:
    """``hook_created``, ``hook_received``, ``hook_disposed``, ``hook_by_token``, ``list_hooks``."""

    async def test_a_hook_is_found_by_its_token_with_what_its_workflow_says_about_it(
        self, world: World, other: World
    ) -> None:
        run, token = await new_run(world), fresh("token")
        made = event(
            EventKind.HOOK_CREATED, _HOOK, time=7.0, token=token, metadata={"a": ["\ud800", 1]}, webhook={"status": 202}
        )
        [landed] = (await append(world, run.id, made)).events
        assert (landed.kind, landed.entity, landed.data) == (EventKind.HOOK_CREATED, _HOOK, made.data)
        wanted = HookInfo(token, run.id, _HOOK, {"a": ["\ud800", 1]}, {"status": 202}, 7.0)
        for place in (world, other):
            assert await place.hook_by_token(token) == wanted
            assert await place.list_hooks(run.id) == [wanted]

    async def test_a_token_that_nobody_has_finds_nothing(self, world: World) -> None:
        await _hooked(world, "token")
        for token in ("nobody's", "Token", "token ", "token\0", "\ud800", ""):
            assert await world.hook_by_token(token) is None
        assert await world.list_hooks("wrun_nobody") == []

    async def test_hooks_are_listed_in_the_order_in_which_they_were_created(self, world: World) -> None:
        run, bystander = await new_run(world), await new_run(world)
        tokens = [fresh("token") for _ in range(4)]
        await append(world, run.id, hook_created("hook_3", tokens[0]), hook_created("hook_1", tokens[1]))
        await append(world, bystander.id, hook_created("hook_1", tokens[2]))
        await append(world, run.id, step_created("step_000001"), hook_created("hook_2", tokens[3]))
        listed = await world.list_hooks(run.id)
        assert [(hook.hook_id, hook.token) for hook in listed] == [
            ("hook_3", tokens[0]),
            ("hook_1", tokens[1]),
            ("hook_2", tokens[3]),
        ]

    async def test_a_hook_shares_no_object_with_its_writers_and_readers(self, world: World) -> None:
        run, token, metadata = await new_run(world), fresh("token"), [1]
        await append(world, run.id, hook_created(_HOOK, token, metadata))
        metadata.append(2)
        for _ in range(2):
            hook: Any = await world.hook_by_token(token)
            assert hook.metadata == [1]
            hook.metadata.append(3)

    @pytest.mark.parametrize("text", _STRANGE_TEXTS, ids=range(len(_STRANGE_TEXTS)))
    async def test_tokens_and_keys_are_what_they_are(self, world: World, text: str) -> None:
        run = await new_run(world)
        decoys = [other for other in _STRANGE_TEXTS if other != text]
        await append(world, run.id, *(hook_created(f"decoy_{n}", token) for n, token in enumerate(decoys)))
        [landed] = (await append(world, run.id, hook_created(_HOOK, text))).events
        assert landed.kind is EventKind.HOOK_CREATED
        hook = await world.hook_by_token(text)
        assert hook is not None
        assert (hook.token, hook.hook_id) == (text, _HOOK)
        for key in decoys:
            assert await world.record(run.id, hook_received(_HOOK, key)) == Recorded(True)
        assert await world.record(run.id, hook_received(_HOOK, text)) == Recorded(True)
        assert await world.record(run.id, hook_received(_HOOK, text)) == Recorded(False, repeated=True)

    async def test_text_that_is_none_is_refused(self, world: World) -> None:
        run = await _hooked(world, token := fresh("token"))
        with pytest.raises(UnstorableError):
            await world.commit(run.id, 2, [hook_created("hook_000002", "\ud800")])
        with pytest.raises(UnstorableError):
            await world.commit(run.id, 2, [event(EventKind.HOOK_CREATED, "hook_000002", token=7)])
        with pytest.raises(UnstorableError):
            await world.record(run.id, hook_received(_HOOK, "\udfff"))
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED, EventKind.HOOK_CREATED]
        assert [hook.token for hook in await world.list_hooks(run.id)] == [token]

    async def test_a_token_that_another_hook_has_lands_as_a_conflict_that_names_the_owner(self, world: World) -> None:
        owner, run, token = await new_run(world), await new_run(world), fresh("token")
        await append(world, owner.id, hook_created(_HOOK, token))
        answer = await append(
            world, run.id, step_created("step_1"), hook_created("hook_2", token, time=9.0), step_created("step_3")
        )
        assert [logged.kind for logged in answer.events] == [
            EventKind.STEP_CREATED,
            EventKind.HOOK_CONFLICT,
            EventKind.STEP_CREATED,
        ]
        conflict = answer.events[1]
        assert (conflict.entity, conflict.time, conflict.slot) == ("hook_2", 9.0, 3)
        assert conflict.data == {"token": token, "run": owner.id}
        assert (await world.load(run.id, after=1)).events == answer.events
        assert await world.list_hooks(run.id) == []
        assert await world.record(run.id, hook_received("hook_2")) == Recorded(False)
        found = await world.hook_by_token(token)
        assert found is not None
        assert (found.run_id, found.hook_id) == (owner.id, _HOOK)

    async def test_a_runs_own_hook_is_another_hook_too(self, world: World) -> None:
        run, token = await new_run(world), fresh("token")
        answer = await append(world, run.id, hook_created("hook_1", token), hook_created("hook_2", token))
        assert [logged.kind for logged in answer.events] == [EventKind.HOOK_CREATED, EventKind.HOOK_CONFLICT]
        assert answer.events[1].data["run"] == run.id

    async def test_disposing_of_a_hook_in_conflict_leaves_the_owner_alone(self, world: World) -> None:
        owner, run = await _hooked(world, token := fresh("token")), await new_run(world)
        await append(world, run.id, hook_created("hook_2", token), event(EventKind.HOOK_DISPOSED, "hook_2"))
        found = await world.hook_by_token(token)
        assert found is not None
        assert found.run_id == owner.id

    async def test_of_many_that_want_a_token_at_once_one_gets_it(self, world: World, other: World) -> None:
        runs, token = [await new_run(world) for _ in range(8)], fresh("token")
        answers = await asyncio.gather(
            *((world, other)[n % 2].commit(run.id, 1, [hook_created(_HOOK, token)]) for n, run in enumerate(runs))
        )
        landed = [answer.events[0] for answer in answers if isinstance(answer, Committed)]
        [winner] = [n for n, one in enumerate(landed) if one.kind is EventKind.HOOK_CREATED]
        assert [one.data["run"] for one in landed if one.kind is EventKind.HOOK_CONFLICT] == [runs[winner].id] * 7
        found = await world.hook_by_token(token)
        assert found is not None
        assert found.run_id == runs[winner].id

    async def test_a_refused_commit_takes_no_token(self, world: World) -> None:
        run, token = await new_run(world), fresh("token")
        assert isinstance(await world.commit(run.id, 0, [hook_created(_HOOK, token)]), Refused)
        assert await world.hook_by_token(token) is None

    async def test_a_disposed_hook_has_no_token_and_takes_no_payload(self, world: World) -> None:
        run, token = await _hooked(world, fresh("token")), fresh("token")
        await append(world, run.id, hook_created("hook_2", token))
        await append(world, run.id, event(EventKind.HOOK_DISPOSED, "hook_2"))
        assert await world.hook_by_token(token) is None
        assert [hook.hook_id for hook in await world.list_hooks(run.id)] == [_HOOK]
        assert await world.record(run.id, hook_received("hook_2")) == Recorded(False)
        assert await world.record(run.id, hook_received(_HOOK)) == Recorded(True)
        [again] = (await append(world, run.id, hook_created("hook_3", token))).events
        assert again.kind is EventKind.HOOK_CREATED

    async def test_a_token_can_be_handed_on_in_one_commit(self, world: World) -> None:
        run = await _hooked(world, token := fresh("token"))
        await append(world, run.id, event(EventKind.HOOK_DISPOSED, _HOOK), hook_created("hook_2", token))
        assert [(hook.hook_id, hook.token) for hook in await world.list_hooks(run.id)] == [("hook_2", token)]

    @pytest.mark.parametrize(
        "end", [run_completed(), run_continued("wrun_next"), run_cancelled()], ids=lambda e: e.kind
    )
    async def test_the_end_of_a_run_frees_its_tokens(self, world: World, end: Any) -> None:
        run, bystander = await _hooked(world, token := fresh("token")), await _hooked(world, kept := fresh("token"))
        if end.kind is EventKind.RUN_CANCELLED:
            await world.record(run.id, end)
        else:
            await append(world, run.id, hook_created("hook_2", second := fresh("token")), end)
            assert await world.hook_by_token(second) is None
        assert await world.hook_by_token(token) is None
        assert await world.list_hooks(run.id) == []
        assert await world.record(run.id, hook_received(_HOOK)) == Recorded(False)
        assert [hook.token for hook in await world.list_hooks(bystander.id)] == [kept]
        [again] = (await append(world, (await new_run(world)).id, hook_created(_HOOK, token))).events
        assert again.kind is EventKind.HOOK_CREATED

    async def test_a_payload_lands_with_its_sends_for_a_hook_that_lives(self, world: World, harness: Harness) -> None:
        run = await _hooked(world, fresh("token"))
        sent = Message(fresh("msg"), run.id)
        for payload in ({"a": 1}, {"a": 1}):
            answer = await world.record(run.id, hook_received(_HOOK, payload=payload), sends=[sent])
            assert answer == Recorded(True)
        events = (await world.load(run.id, after=2)).events
        assert [(logged.kind, logged.entity, logged.data["payload"]) for logged in events] == [
            (EventKind.HOOK_RECEIVED, _HOOK, {"a": 1})
        ] * 2
        assert await harness.stored_messages(run.id) == [sent.id]

    async def test_a_payload_with_a_key_that_has_landed_is_dropped_with_its_sends_but_acked(
        self, world: World, harness: Harness
    ) -> None:
        run = await _hooked(world, fresh("token"))
        assert await world.record(run.id, hook_received(_HOOK, "key", 1)) == Recorded(True)
        mine = await held(world, run.id)
        again = hook_received(_HOOK, "key", 2)
        answer = await world.record(run.id, again, sends=[Message(fresh("msg"), run.id)], ack=mine)
        assert answer == Recorded(False, repeated=True)
        assert [e.data["payload"] for e in (await world.load(run.id, after=2)).events] == [1]
        assert await harness.stored_messages(run.id) == []

    async def test_a_key_is_one_hooks_own(self, world: World) -> None:
        run, other = await _hooked(world, fresh("token")), await _hooked(world, fresh("token"))
        await append(world, run.id, hook_created("hook_2", fresh("token")))
        for run_id, hook_id in ((run.id, _HOOK), (run.id, "hook_2"), (other.id, _HOOK)):
            assert await world.record(run_id, hook_received(hook_id, "key")) == Recorded(True)

    async def test_of_payloads_with_one_key_at_once_one_lands(self, world: World, other: World) -> None:
        run = await _hooked(world, fresh("token"))
        answers = await asyncio.gather(
            *((world, other)[n % 2].record(run.id, hook_received(_HOOK, "key", n)) for n in range(8))
        )
        assert answers.count(Recorded(True)) == 1
        assert answers.count(Recorded(False, repeated=True)) == 7

    async def test_that_a_payload_was_repeated_is_known_after_the_hooks_end_too(self, world: World) -> None:
        disposed, ended = await _hooked(world, fresh("token")), await _hooked(world, fresh("token"))
        for run in (disposed, ended):
            await world.record(run.id, hook_received(_HOOK, "key"))
        await append(world, disposed.id, event(EventKind.HOOK_DISPOSED, _HOOK))
        await append(world, ended.id, run_completed())
        for run in (disposed, ended):
            assert await world.record(run.id, hook_received(_HOOK, "key")) == Recorded(False, repeated=True)
            assert await world.record(run.id, hook_received(_HOOK, "new")) == Recorded(False)

    async def test_a_payload_for_no_hook_is_dropped(self, world: World) -> None:
        run = await new_run(world)
        assert await world.record(run.id, hook_received("unknown", "key")) == Recorded(False)
        assert await world.record(run.id, hook_received("unknown", "key")) == Recorded(False)
