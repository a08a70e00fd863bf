"""Whatever is done to them, the memory world and the SQLite world answer alike."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.testing.harness import (
    WORKFLOW,
    child_created,
    created,
    event,
    hook_created,
    hook_received,
    run_completed,
    run_continued,
    step_completed,
    step_created,
    step_retrying,
    watch_created,
)
from workflow_runtime.worlds.base import Delivery, Limit, Message, NewRun, RunStatus, StreamWriter, World
from workflow_runtime.worlds.delivery import HeldMessage
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld

RUNS = st.sampled_from(["run_a", "run_b", "run_d"])
ANY_RUNS = st.sampled_from(["run_a", "run_b", "run_d", "run_nobody"])
STEPS = st.sampled_from(["s1", "s2"])
IDS = st.sampled_from(["m1", "m2", "m3"])
LIMITS = st.none() | st.builds(
    Limit,
    st.sampled_from(["l1", "l2"]),
    st.sampled_from([1, 1, 2, None]),
    st.sampled_from([0.0, 0.0, 1e9]),  # nothing in between: the two worlds do not look at the clock at the same time
    st.booleans(),
)
MESSAGES = st.builds(
    Message, IDS, RUNS, key=st.sampled_from([None, None, "k"]), due=st.sampled_from([0.0, 1.0, 1e12]), limit=LIMITS
)
WORKFLOWS = st.sampled_from([WORKFLOW, "workflow//other"])
ATTEMPTS = st.integers(1, 3)
HOOKS = st.sampled_from(["h1", "h2"])
TOKENS = st.sampled_from(["t1", "t2", "t\0"])
WATCHES = st.sampled_from(["v1", "v2"])
NAMES = st.sampled_from(["s", "s\0", ""])
ATTRIBUTES = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]), max_size=2)
CHANGES = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2", None]), max_size=2)
CREATED = st.builds(
    lambda parent, attributes, workflow, priority: created(
        parent=parent, root=parent, attributes=attributes, workflow=workflow, priority=priority
    ),
    st.sampled_from([None, "run_a"]),
    ATTRIBUTES,
    WORKFLOWS,
    st.sampled_from([0, 0, 5, -5]),
)
NEW_RUNS = st.builds(NewRun, RUNS, CREATED, MESSAGES)
WRITERS = st.none() | st.builds(StreamWriter, RUNS, STEPS, ATTEMPTS)
FACTS = st.one_of(
    st.builds(step_completed, STEPS, ATTEMPTS, st.text(max_size=3)),
    st.builds(step_retrying, STEPS, ATTEMPTS, st.sampled_from([0.0, 5.0]), counted=st.booleans()),
    st.builds(lambda step, attempt: event(EventKind.STEP_FAILED, step, attempt=attempt), STEPS, ATTEMPTS),
    st.just(event(EventKind.WAIT_COMPLETED, "w1")),
    st.just(event(EventKind.RUN_STARTED, time=3.0)),
    st.just(event(EventKind.RUN_CANCELLED, reason=None)),
    st.builds(hook_received, HOOKS, st.sampled_from([None, "k1", "k2"]), st.text(max_size=3)),
    st.builds(hook_received, HOOKS, st.sampled_from([None, "k1", "k2"]), st.text(max_size=3)),
    st.builds(lambda watch: event(EventKind.WATCH_COMPLETED, watch, run="run_a", status="failed"), WATCHES),
    st.builds(lambda step, new: event(EventKind.ATTRIBUTES_SET, step=step, attributes=new), STEPS, CHANGES),
)
DECISIONS = st.one_of(
    st.builds(step_created, STEPS, st.text(max_size=3)),
    st.builds(
        lambda step, attempt: event(EventKind.STEP_STARTED, step, attempt=attempt, message="m1"), STEPS, ATTEMPTS
    ),
    st.just(event(EventKind.WAIT_CREATED, "w1", until=1.0)),
    st.just(event(EventKind.WAIT_CANCELLED, "w1")),
    st.just(run_completed(7.0)),
    st.builds(run_continued, ANY_RUNS),
    st.builds(lambda step: event(EventKind.STEP_CANCELLED, step), STEPS),
    st.builds(hook_created, HOOKS, TOKENS, st.text(max_size=3)),
    st.builds(hook_created, HOOKS, TOKENS, st.text(max_size=3)),
    st.builds(lambda hook: event(EventKind.HOOK_DISPOSED, hook), HOOKS),
    st.builds(watch_created, WATCHES, ANY_RUNS),
    st.builds(watch_created, WATCHES, ANY_RUNS),
    st.builds(child_created, st.just("c1"), RUNS),
    st.builds(lambda new: event(EventKind.ATTRIBUTES_SET, attributes=new), CHANGES),
    FACTS,
)


def comparable(answer: Any) -> Any:
    """The answer without what may differ between worlds."""
    if isinstance(answer, Exception):
        return type(answer)
    if isinstance(answer, HeldMessage):
        return answer.message, answer.count
    return [comparable(one) for one in answer] if isinstance(answer, list) else answer


class Agreement(RuleBasedStateMachine):
    """Each rule does the same to both worlds, and compares the answers."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="worlds-agree-"))
        self.loop = asyncio.new_event_loop()
        self.worlds: tuple[World, World] = (MemoryWorld(), SqliteWorld(self.folder / "world.db"))
        self.in_hand: list[Sequence[Delivery]] = []
        for world in self.worlds:
            self.loop.run_until_complete(world.open())

    def teardown(self) -> None:
        for world in self.worlds:
            self.loop.run_until_complete(world.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.folder)

    def both(self, *calls: Coroutine[Any, Any, Any]) -> Any:
        memory, sqlite = (self.loop.run_until_complete(answer(call)) for call in calls)
        assert comparable(memory) == comparable(sqlite)
        return memory, sqlite

    def held(self, number: int) -> Sequence[Delivery | None]:
        return self.in_hand[number % len(self.in_hand)] if self.in_hand and number else (None, None)

    @initialize(parent=CREATED, child=CREATED, watch=st.builds(watch_created, WATCHES, ANY_RUNS))
    def begin(self, parent: Event, child: Event, watch: Event) -> None:
        """Two runs in which something is under way, so that most of what is done to them means something."""
        for run, made in (("run_a", parent), ("run_b", child)):
            self.both(*(world.create_run(run, made, Message(f"first_{run}", run)) for world in self.worlds))
            batch = [step_created("s1"), hook_created("h1", "t1"), child_created("c1", "run_d"), watch]
            self.both(*(world.commit(run, 1, batch) for world in self.worlds))
            self.both(*(world.start_step(run, "s1", f"first_{run}", 1.0) for world in self.worlds))

    @rule(new=NEW_RUNS, log=st.lists(DECISIONS, max_size=3), sends=st.lists(MESSAGES, max_size=2))
    def create(self, new: NewRun, log: list[Event], sends: list[Message]) -> None:
        self.both(*(w.create_run(new.id, new.created, new.message, log=log, sends=sends) for w in self.worlds))

    @rule(workflow=WORKFLOWS, pauses=st.booleans())
    def pause(self, workflow: str, pauses: bool) -> None:
        self.both(*((world.pause if pauses else world.unpause)(workflow) for world in self.worlds))
        self.both(*(world.paused() for world in self.worlds))

    @rule(before=st.sampled_from([5.0, 1e12]), limit=st.sampled_from([1, 100]))
    def delete(self, before: float, limit: int) -> None:
        self.both(*(world.delete_ended(before, limit) for world in self.worlds))

    @rule(run=RUNS, back=st.sampled_from([0, 0, 0, 1]), batch=st.lists(DECISIONS, max_size=3), sends=st.lists(MESSAGES, max_size=2), ack=st.integers(0, 3), runs=st.lists(NEW_RUNS, max_size=1))  # fmt: skip
    def commit(
        self, run: str, back: int, batch: list[Event], sends: list[Message], ack: int, runs: list[NewRun]
    ) -> None:
        log = self.loop.run_until_complete(answer(self.worlds[0].load(run)))
        slot = 0 if isinstance(log, Exception) else log.run.slot - back
        acks = self.held(ack)
        self.both(
            *(w.commit(run, slot, batch, sends=sends, ack=a, runs=runs) for w, a in zip(self.worlds, acks, strict=True))
        )

    @rule(run=RUNS, fact=FACTS, sends=st.lists(MESSAGES, max_size=2), ack=st.integers(0, 3))
    def record(self, run: str, fact: Event, sends: list[Message], ack: int) -> None:
        acks = self.held(ack)
        self.both(*(w.record(run, fact, sends=sends, ack=a) for w, a in zip(self.worlds, acks, strict=True)))

    @rule(run=RUNS, step=STEPS, message=IDS, now=st.sampled_from([1.0, 9.0]))
    def start(self, run: str, step: str, message: str, now: float) -> None:
        self.both(*(world.start_step(run, step, message, now) for world in self.worlds))

    @rule(message=MESSAGES)
    def send(self, message: Message) -> None:
        self.both(*(world.send(message) for world in self.worlds))

    @rule(limit=st.integers(1, 3))
    def receive(self, limit: int) -> None:
        due = f"due{len(self.in_hand)}"
        # Something is always due, so that nobody waits: the answer shows in which order the rest came.
        self.both(*(world.send(Message(due, "run_c", due=2.0)) for world in self.worlds))
        memory, sqlite = self.both(*(world.receive(limit) for world in self.worlds))
        self.in_hand += zip(memory, sqlite, strict=True)

    @rule(number=st.integers(1, 5), what=st.sampled_from(["ack", "again", "extend"]))
    def handle(self, number: int, what: str) -> None:
        if self.in_hand:
            self.both(*(getattr(delivery, what)() for delivery in self.held(number)))

    @rule(message=IDS)
    def take(self, message: str) -> None:
        memory, sqlite = self.both(*(world.take(message) for world in self.worlds))
        if memory is not None:
            self.in_hand.append((memory, sqlite))

    @rule(run=RUNS, name=NAMES, chunks=st.lists(st.binary(max_size=3), max_size=3), writer=WRITERS)
    def write(self, run: str, name: str, chunks: list[bytes], writer: StreamWriter | None) -> None:
        self.both(*(world.write_chunks(run, name, chunks, writer=writer) for world in self.worlds))

    @rule(run=RUNS, name=NAMES, writer=WRITERS)
    def close(self, run: str, name: str, writer: StreamWriter | None) -> None:
        self.both(*(world.close_stream(run, name, writer=writer) for world in self.worlds))

    @rule(run=RUNS, name=NAMES, start=st.integers(-4, 4), limit=st.integers(1, 3))
    def read(self, run: str, name: str, start: int, limit: int) -> None:
        self.both(*(world.read_chunks(run, name, start, limit=limit) for world in self.worlds))
        self.both(*(world.list_streams(run) for world in self.worlds))

    @rule(run=RUNS, token=TOKENS)
    def look_at_hooks(self, run: str, token: str) -> None:
        self.both(*(world.list_hooks(run) for world in self.worlds))
        self.both(*(world.hook_by_token(token) for world in self.worlds))

    @rule(
        status=st.none() | st.sampled_from(RunStatus) | st.lists(st.sampled_from(RunStatus), max_size=3),
        parent=st.sampled_from([None, "run_a"]),
        attributes=st.none() | ATTRIBUTES,
        prefix=st.sampled_from(["", "run_", "run_a", "x"]),
        since=st.sampled_from([None, 100.0, 100.5]),
        before=st.none() | ANY_RUNS,
        limit=st.integers(0, 3),
    )
    def list(self, **wanted: Any) -> None:
        self.both(*(world.list_runs(**wanted) for world in self.worlds))

    @rule(workflow=st.none() | WORKFLOWS, attributes=st.none() | ATTRIBUTES, until=st.sampled_from([None, 100.0]), at_most=st.integers(0, 2))  # fmt: skip
    def count(self, **wanted: Any) -> None:
        self.both(*(world.count_runs(**wanted) for world in self.worlds))

    @rule(run=RUNS, after=st.integers(0, 4), limit=st.none() | st.integers(0, 4))
    def look(self, run: str, after: int, limit: int | None) -> None:
        self.both(*(world.load(run, after, limit) for world in self.worlds))
        self.both(*(world.list_runs() for world in self.worlds))
        self.both(*(world.queue_depth() for world in self.worlds))
        memory, sqlite = (self.loop.run_until_complete(answer(world.list_messages())) for world in self.worlds)
        assert [replace(queued, ready_at=0.0) for queued in memory] == [
            replace(queued, ready_at=0.0) for queued in sqlite
        ]


async def answer(call: Coroutine[Any, Any, Any]) -> Any:
    """What the call answers or raises."""
    try:
        return await asyncio.wait_for(call, 10.0)
    except WorkflowError as error:
        return error


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
