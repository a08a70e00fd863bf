"""Random workflows on several handlers that are cancelled, crash, and are woken for nothing: every run still ends
rightly.

Time is made up: the loop jumps to the next timer whenever nothing is ready, and fails at once when there is none, so
that a run which would wait for ever is seen, not waited for. A case is told by its seed alone: ``play(seed)`` repeats
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import selectors
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import Story, bundle_of
from tests.runtime.random_workflows import SOURCE, fits, program
from workflow_runtime import RetryableError, TooEarlyError, get_step_metadata, step
from workflow_runtime.errors import WorldError
from workflow_runtime.events import STEP_ENDS, Event, EventKind
from workflow_runtime.handler.ends import wake_up
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.project import Project, Registrations, register_project
from workflow_runtime.values import decode, encode_call
from workflow_runtime.worlds.base import Delivery, Message, RunStatus
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.memory_store import MemoryStore

CASES = 240
BEGINNING = 1_700_000_000.0


class MadeUpTime(selectors.SelectSelector):
    """A selector that does not wait: it moves the clock. Nothing to wait for means that a run is stuck."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nothing will ever happen any more, and the runs have not ended"
        self.now += max(0.0, timeout)
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: MadeUpTime) -> None:
        self._clock = clock
        super().__init__(clock)

    def time(self) -> float:
        return self._clock.now


@dataclass
class Bodies:
    """What step bodies did: none may run twice at once unless its process is dead, nor more often than there are
    reasons.
    """

    dice: random.Random
    limits: Mapping[str, Any]
    """What ``@step`` is given."""
    running: dict[tuple[str, str], Process] = field(default_factory=dict)
    begun: Counter[tuple[str, str]] = field(default_factory=Counter)
    interrupted: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def step_of(self, process: Process) -> Callable[[Any], Coroutine[Any, Any, str]]:
        async def a(call: Any) -> str:
            metadata = get_step_metadata()
            body = (metadata.run_id, metadata.step_id)
            other = self.running.get(body)
            if other is not None and other.alive:
                self.wrong.append(f"{body} runs twice at once")
            self.running[body] = process
            at_once = sum(process.alive for process in self.running.values())
            if at_once > self.limits.get("concurrency", at_once):
                self.wrong.append(f"{at_once} bodies run at once, where {self.limits} holds")
            self.begun[body] += 1
            try:
                return await self._work(body, *call)
            except asyncio.CancelledError:
                self.interrupted[body] += 1
                for _ in range(self.dice.randrange(3)):  # it cleans up
                    await asyncio.sleep(self.dice.choice([0, 0.05]))
                raise
            finally:
                if self.running.get(body) is process:
                    del self.running[body]

        return step(**self.limits)(a) if self.limits else a

    async def _work(self, body: tuple[str, str], name: str, failures: int, seconds: float) -> str:
        await asyncio.sleep(seconds)
        if failures == 9:
            raise ValueError(f"{name} is broken")
        if self.begun[body] - self.interrupted[body] <= failures:
            raise self.dice.choice(
                [RetryableError("no", retry_after=0), RetryableError("no", retry_after=0.3), TooEarlyError("no")]
            )
        return f"done {name}"


class JitteryWorld(MemoryWorld):
    """A world whose every method takes a while, and fails now and then, before or after it has done its work."""

    def __init__(self, store: MemoryStore, dice: random.Random, failing: float) -> None:
        super().__init__(store)
        self._dice, self._failing = dice, failing

    async def _jitter(self) -> None:
        for _ in range(self._dice.choice([0, 0, 1, 3])):
            await asyncio.sleep(self._dice.choice([0, 0, 0, 0.01]))

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Any:
        await self._jitter()
        log = await super().load(run_id, after, limit)
        await self._jitter()
        return log

    async def commit(self, *args: Any, **kwargs: Any) -> Any:
        return await self._unsure(super().commit(*args, **kwargs))

    async def record(self, *args: Any, **kwargs: Any) -> Any:
        return await self._unsure(super().record(*args, **kwargs))

    async def start_step(self, *args: Any) -> Any:
        return await self._unsure(super().start_step(*args))

    async def ack(self, claim: Any) -> None:
        await self._unsure(super().ack(claim))

    async def _unsure(self, work: Coroutine[Any, Any, Any]) -> Any:
        try:
            await self._jitter()
            if self._dice.random() < self._failing:
                raise WorldError("the disk is away")
            answer = await work
        finally:
            work.close()
        await self._jitter()
        if self._dice.random() < self._failing:
            raise WorldError("the disk went away")
        return answer


class Process:
    """One worker that takes messages one by one, many at once, until it dies."""

    def __init__(self, case: Case) -> None:
        self.case, self.alive = case, True
        self.world = JitteryWorld(case.store, case.dice, case.failing)
        self.tasks: set[asyncio.Task[Any]] = set()
        self.handling: dict[Any, None] = {}
        steps = Registrations()
        steps.add("step//app//a", case.bodies.step_of(self))
        budget = case.dice.choice([None, None, 0.3])
        options = HandlerOptions(
            inline_steps=case.inline_steps, extend_every=0.5, budget=budget, check_replay=case.check_replay
        )
        self.handler = Handler(self.world, steps, case.threads, options)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def start(self) -> None:
        await self.world.open()
        self._spawn(self._pull())

    async def _pull(self) -> None:
        while True:
            for delivery in await self.world.receive(2):
                self._spawn(self._handle(delivery))

    async def _handle(self, delivery: Delivery) -> None:
        task = asyncio.current_task()
        self.handling[task] = None
        try:
            await self.handler.handle(delivery)
        finally:
            del self.handling[task]

    def cancel_one(self) -> None:
        """The worker lets go of a message, as when it is told to stop."""
        if self.handling:
            self.case.dice.choice(list(self.handling)).cancel()

    async def die(self) -> None:
        self.alive = False
        self.world.crash()
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


_serial = itertools.count(1)


class Case:
    """One seed's story: a few runs, a few processes, and what befalls them."""

    def __init__(self, seed: int, threads: ThreadPoolExecutor) -> None:
        self.dice = random.Random(seed)
        self.threads = threads
        self.calm = seed % 4 == 0
        self.failing = 0 if self.calm else self.dice.choice([0, 0.02, 0.1])
        self.check_replay = self.dice.random() < 0.3
        self.inline_steps = self.dice.choice([1, 2, 64])
        self.store = MemoryStore()
        limits: list[dict[str, Any]] = [
            {},
            {},
            {"concurrency": 1},
            {"concurrency": 3},
            {"rate": "20/s", "concurrency": 2},
        ]
        self.bodies = Bodies(self.dice, self.dice.choice(limits))
        self.limits_of_runs = self.dice.choice([{}, {}, {"rate": "5/second"}])
        self.bundle = bundle_of(SOURCE, stateless=self.dice.random() < 0.7)
        self.programs = {
            f"wrun_{seed}_{n}": self._maybe_again(program(self.dice, self.dice.choice([1, 2, 2, 3])))
            for n in range(self.dice.randint(1, 3))
        }
        self.processes: list[Process] = []
        self.payloads: Counter[str] = Counter()

    def _maybe_again(self, node: list[Any]) -> list[Any]:
        return ["again", self.dice.choice([1, 2]), node] if self.dice.random() < 0.3 else node

    async def play(self) -> None:
        await self._start_process()
        world = MemoryWorld(self.store)
        await world.open()
        for run_id, node in self.programs.items():
            call = encode_call((node,), {}, where="main")
            data = {"workflow": self.bundle.workflow, "bundle": self.bundle.hash, "seed": "s", "input": call}
            await world.create_run(run_id, Event(EventKind.RUN_CREATED, time.time(), "", data), Message(run_id, run_id))
        for _ in range(self.dice.randrange(3)):
            await self._start_process()
        for _ in range(0 if self.calm else self.dice.randint(3, 30)):
            await asyncio.sleep(self.dice.choice([0, 0, 0.01, 0.1, 0.5]))
            await self._strike()
            await self._ring(world)
        await world.unpause()
        await world.unpause(self.bundle.workflow)
        async with asyncio.timeout(10_000):
            while self.store.queue or not all(run.status.ended for run in self.store.runs.values()):
                await self._ring(world)
                await asyncio.sleep(1)
        for process in self.processes:
            await process.die()

    async def _ring(self, world: MemoryWorld) -> None:
        """Give each hook its next payload, now and then twice: with a key, so that it lands once."""
        for run_id in list(self.store.runs):
            for hook in await world.list_hooks(run_id):
                n = self.payloads[hook.token]
                data = {"payload": f"payload {n}", "key": f"k{n}"}
                fact = Event(EventKind.HOOK_RECEIVED, time.time(), hook.hook_id, data)
                for _ in range(self.dice.choice([1, 1, 2])):
                    self.payloads[hook.token] += (await world.record(run_id, fact, sends=[wake_up(run_id)])).landed

    async def _start_process(self) -> None:
        self.processes.append(Process(self))
        await self.processes[-1].start()

    async def _strike(self) -> None:
        process = self.dice.choice(self.processes)
        match self.dice.randrange(8):
            case 7:
                change = self.dice.choice([process.world.pause, process.world.unpause])
                await change(self.dice.choice(["", self.bundle.workflow]))
            case 6 if self.dice.random() < 0.2:
                run_id = self.dice.choice(list(self.programs))
                fact = Event(EventKind.RUN_CANCELLED, time.time(), "", {"reason": "struck"})
                with contextlib.suppress(WorldError):
                    await process.world.record(run_id, fact)
            case 0 | 1:
                process.cancel_one()
            case 2:
                await process.die()
                self.processes.remove(process)
                await self._start_process()
            case _:
                run_id = self.dice.choice(list(self.programs))
                key = self.dice.choice([None, f"{run_id}:wake"])
                with contextlib.suppress(WorldError):
                    await process.world.send(Message(f"extra{next(_serial)}", run_id, key=key))

    def check(self) -> None:
        assert self.bodies.wrong == []
        for run_id, node in self.programs.items():
            end = self._end_of(run_id)
            if end.kind is not EventKind.RUN_CANCELLED:
                assert end.kind is EventKind.RUN_COMPLETED, end
                assert fits(node, decode(end.data["output"])), (node, end)
        for run_id, run in self.store.runs.items():
            events = self.store.events(run_id, 0)
            assert [event.slot for event in events] == list(range(1, len(events) + 1))
            outcomes = Counter(event.entity for event in events if event.kind in STEP_ENDS)
            assert set(outcomes.values()) <= {1}
            if run.parent is not None and self.store.runs[run.parent].status is RunStatus.CANCELLED:
                assert run.status.ended
            if self.calm:
                self._check_that_no_body_ran_for_nothing(run_id, events)
            story = Story(self.bundle, run_id=run_id)
            story.log, story.machine = list(events), story.new_machine()
            story.replay()

    def _end_of(self, run_id: str) -> Event:
        end = self.store.events(run_id, 0)[-1]
        return self._end_of(end.data["run"]) if end.kind is EventKind.RUN_CONTINUED else end

    def _check_that_no_body_ran_for_nothing(self, run_id: str, events: tuple[Event, ...]) -> None:
        recorded = Counter(e.entity for e in events if e.kind in STEP_ENDS or e.kind is EventKind.STEP_RETRYING)
        ended = {e.entity for e in events if e.kind in STEP_ENDS}
        for (run, step_id), begun in self.bodies.begun.items():
            if run == run_id:
                reasons = recorded[step_id] + (step_id not in ended)  # the run may have ended first
                assert begun <= reasons, f"{step_id} ran {begun} times for {reasons} outcomes"


def play(seed: int, patch: pytest.MonkeyPatch) -> None:
    """One case, from its seed."""
    clock = MadeUpTime()
    with (
        ThreadPoolExecutor(1) as threads,
        asyncio.Runner(loop_factory=lambda: Loop(clock)) as runner,
        patch.context() as now,
    ):
        now.setattr(time, "time", lambda: BEGINNING + clock.now)
        now.setattr(time, "monotonic", lambda: clock.now)
        case = Case(seed, threads)
        bundle = case.bundle
        current = {bundle.workflow: bundle.hash}
        limits = {bundle.workflow: case.limits_of_runs}
        bundles = {bundle.hash: lambda: bundle}
        register_project(Project("interleavings._workflow", Path("/"), "b", current, (), bundles, limits))
        runner.run(case.play())
        case.check()


@pytest.mark.parametrize("part", range(4))
def test_every_run_ends_rightly_whatever_befalls_its_handlers(
    part: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    for seed in range(part, CASES, 4):
        try:
            play(seed, monkeypatch)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(4))
def test_every_run_ends_rightly_in_twenty_thousand_interleavings(
    part: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL")
    for seed in range(CASES + part, CASES + 20_000, 4):
        try:
            play(seed, monkeypatch)
        except BaseException as error:
            error.add_note(f"seed {seed}")
            raise
