"""Workflow code as text, run by the machine alone: no world, no clock."""

from __future__ import annotations

import asyncio
import itertools
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.events import RUN_ENDS, STEP_ENDS, Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.handler.threads import StepThreads
from workflow_runtime.machine.machine import Machine
from workflow_runtime.project import Project, Registrations, register_project
from workflow_runtime.sandbox.program import load_program
from workflow_runtime.values import decode, decode_error, encode, encode_call, encode_error
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Log, Message, RunInfo, World
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld

HEADER = """
import asyncio, datetime, random, secrets, time, uuid
from workflow_runtime import sleep

@__workflow_step__("step//app//a")
async def a(x): ...

@__workflow_step__("step//app//b")
async def b(x): ...
"""


def bundle_of(source: str, *, stateless: bool = False, header: str = HEADER) -> Bundle:
    text = header + textwrap.dedent(source)
    return Bundle("workflow//app//main", stateless, (), (BundleModule("app", "app.py", False, text),))


@dataclass
class Story:
    """A run told by hand: the machine, its log, and what each step answers."""

    bundle: Bundle
    arguments: tuple[object, ...] = ()
    answers: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    run_id: str = "wrun_TEST"
    now: float = 1_000_000.0
    log: list[Event] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)
    """The tokens that other runs have."""

    def __post_init__(self) -> None:
        self.machine = self.new_machine()
        call = {"args": [encode(value) for value in self.arguments]}
        data = {"workflow": self.bundle.workflow, "bundle": self.bundle.hash, "input": call, "seed": "s"}
        self.append(Event(EventKind.RUN_CREATED, self.now, "", data))
        self.append(Event(EventKind.RUN_STARTED, self.now))

    def new_machine(self) -> Machine:
        return Machine(self.run_id, load_program(self.bundle, Path("/nowhere")))

    def append(self, event: Event) -> None:
        """The log's next event, fed to the live machine."""
        landed = Event(event.kind, event.time, event.entity, event.data, len(self.log) + 1)
        self.log.append(landed)
        self.machine.feed(landed)

    def commit(self) -> list[Event]:
        """Put what was decided into the log."""
        decided = [self.landed(command.event(self.now)) for command in self.machine.commands]
        for event in decided:
            if event.kind in RUN_ENDS:
                self.log.append(event)
            else:
                self.append(event)
        return decided

    def landed(self, event: Event) -> Event:
        """As the world has it: a hook whose token is taken lands as a conflict."""
        owner = self.taken.get(event.data.get("token", ""))
        if event.kind is not EventKind.HOOK_CREATED or owner is None:
            return event
        return Event(EventKind.HOOK_CONFLICT, event.time, event.entity, {"token": event.data["token"], "run": owner})

    def complete(self, step: str, output: object = None) -> None:
        self.now += 1
        self.append(Event(EventKind.STEP_COMPLETED, self.now, step, {"attempt": 1, "output": encode(output)}))

    def fail(self, step: str, error: BaseException) -> None:
        self.now += 1
        self.append(Event(EventKind.STEP_FAILED, self.now, step, {"attempt": 1, "error": encode_error(error)}))

    def elapse(self, wait: str) -> None:
        until = next(e.data["until"] for e in self.log if e.kind is EventKind.WAIT_CREATED and e.entity == wait)
        self.now = max(self.now, until)
        self.append(Event(EventKind.WAIT_COMPLETED, self.now, wait))

    def receive(self, hook: str, payload: object, key: str | None = None) -> None:
        self.now += 1
        self.append(Event(EventKind.HOOK_RECEIVED, self.now, hook, {"payload": encode(payload), "key": key}))

    def end(self, watch: str, **outcome: object) -> None:
        self.now += 1
        self.append(Event(EventKind.WATCH_COMPLETED, self.now, watch, outcome))

    def play(self) -> Any:
        """Answer steps in the order of their making and let waits elapse, soonest first, until the end; gives the result or raises."""
        while not self.machine.ended:
            self.commit()
            settled = {e.entity for e in self.log if e.kind in STEP_ENDS}
            steps = [e for e in self.log if e.kind is EventKind.STEP_CREATED and e.entity not in settled]
            if steps:
                self._answer(steps[0])
            else:
                over = {e.entity for e in self.log if e.kind in (EventKind.WAIT_COMPLETED, EventKind.WAIT_CANCELLED)}
                waits = [e for e in self.log if e.kind is EventKind.WAIT_CREATED and e.entity not in over]
                self.elapse(min(waits, key=lambda e: e.data["until"]).entity)
        return self.result()

    def _answer(self, created: Event) -> None:
        name = created.data["step"].rpartition("//")[2]
        call = created.data["input"]
        try:
            output = self.answers[name](*[decode(value) for value in call["args"]])
        except Exception as error:  # noqa: BLE001 - what a step raises is its outcome
            self.fail(created.entity, error)
        else:
            self.complete(created.entity, output)

    def result(self) -> Any:
        if self.machine.commands:
            self.commit()
        end = self.log[-1]
        if end.kind is EventKind.RUN_FAILED:
            raise decode_error(end.data["error"], self.machine.program.classes)
        assert end.kind is EventKind.RUN_COMPLETED, end
        return decode(end.data["output"])

    def replay(self) -> None:
        """A fresh machine accepts the whole log, and after each prefix wants what comes next in it."""
        twin = self.new_machine()
        for event in self.log:
            if event.kind in RUN_ENDS and event.kind is not EventKind.RUN_CANCELLED:  # which nobody decides
                assert [command.kind for command in twin.commands] == [event.kind]
                assert twin.commands[0].matches(event)
            else:
                twin.feed(event)
        twin.drop()


@pytest.fixture
def story() -> Callable[..., Story]:
    """``story(source, *arguments, a=…, b=…)``: a run of ``main`` in ``source``; ``a`` and ``b`` answer the steps of those names."""

    def make(source: str, *arguments: object, stateless: bool = False, **answers: Callable[..., Any]) -> Story:
        return Story(bundle_of(source, stateless=stateless), arguments, answers)

    return make


_serial = itertools.count(1)


class Host:
    """A process in small: a world, the steps, a handler, and a worker while ``working``."""

    def __init__(
        self, world: World, source: str, steps: Mapping[str, Callable[..., Any]], options: HandlerOptions
    ) -> None:
        self.world = world
        self.bundle = bundle_of(source)
        project = Project(
            f"test{next(_serial)}._workflow", Path("/nowhere"), "b", {}, (), {self.bundle.hash: lambda: self.bundle}
        )
        register_project(project)
        self.steps = Registrations()
        for name, function in steps.items():
            self.steps.add(f"step//app//{name}", function)
        self.threads = StepThreads(4)
        self.handler = Handler(world, self.steps, self.threads, options)

    async def start(self, *arguments: object, run_id: str | None = None) -> str:
        run_id = run_id or f"wrun_{next(_serial):06d}"
        data = {
            "workflow": self.bundle.workflow,
            "bundle": self.bundle.hash,
            "seed": "s",
            "input": encode_call(arguments, {}, where="main"),
        }
        created = Event(EventKind.RUN_CREATED, time.time(), "", data)
        await self.world.create_run(run_id, created, Message(f"wmsg_{run_id}", run_id))
        return run_id

    @asynccontextmanager
    async def working(self, **options: Any) -> AsyncIterator[None]:
        async with Worker(self.world, self.handler, **options).running():
            yield

    async def run(self, *arguments: object, timeout: float = 20) -> Any:
        """Start a run, work until it ends, give its result or raise its error."""
        run_id = await self.start(*arguments)
        async with self.working():
            await self.world.wait_for_end(run_id, timeout)
        return await self.result(run_id)

    async def result(self, run_id: str) -> Any:
        end = (await self.log(run_id)).events[-1]
        if end.kind is EventKind.RUN_FAILED:
            raise decode_error(end.data["error"])
        assert end.kind is EventKind.RUN_COMPLETED
        return decode(end.data["output"])

    async def log(self, run_id: str) -> Log:
        return await self.world.load(run_id)

    async def kinds(self, run_id: str) -> list[str]:
        return [event.kind.value for event in (await self.log(run_id)).events]

    async def has(self, run_id: str, kind: str) -> bool:
        return kind in await self.kinds(run_id)

    async def handle_one(self) -> RunInfo:
        """Take one message and handle it to its end."""
        (delivery,) = await asyncio.wait_for(self.world.receive(1), 10)
        await self.handler.handle(delivery)
        return (await self.world.load(delivery.message.run_id)).run


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """An open world of each kind."""
    made: World = MemoryWorld() if request.param == "memory" else SqliteWorld(tmp_path / "runs.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def host(world: World) -> Callable[..., Host]:
    """``host(source, a=…, b=…)``: a process whose workflow is ``main`` in ``source`` and whose steps are ``a`` and ``b``.

    Live and replay are compared after every event.
    """

    def make(source: str, *, options: HandlerOptions | None = None, **steps: Callable[..., Any]) -> Host:
        return Host(world, source, steps, options or HandlerOptions(check_replay=True))

    return make
