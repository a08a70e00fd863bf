"""The machine: a workflow's coroutine on a deterministic loop, fed with events, yielding commands.

How it works. ``feed`` takes the log's events one by one, in slot order, live and on replay alike:

- ``run_created`` starts the workflow's coroutine.
- A *fact* (a step's outcome, an elapsed wait) moves the clock to its time, resolves what the workflow awaits, and runs
  the loop until nothing is ready. What the workflow decides on the way is queued in ``commands``.
- A *decision* in the log (``step_created``, ``wait_created`` …) must be the first of ``commands``; it is confirmed and
  leaves the queue. Anything else in its place is a divergence: the code went another way than the log says.
- Events that only tell how a step is run are passed over.

Because decisions are appended only at the exact prefix that they were decided from, feeding a log always meets them in
the order in which they were queued. The clock moves with facts alone, never with decisions: a live machine may hear of
a fact before its own decision is confirmed, while the log has them the other way round, and both must read the same
time.

When the workflow's function ends, what it decided but did not yet see in the log is withdrawn, and only the end
remains. Facts may still land before that end does; they change nothing any more.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import deque
from collections.abc import Mapping
from contextvars import Context
from types import FrameType
from typing import Any

from workflow_runtime.errors import CorruptedEventLogError, ReplayDivergenceError, WorkflowError
from workflow_runtime.events import NEUTRAL, RUN_ENDS, STEP_ENDS, Event, EventKind, Json
from workflow_runtime.machine.chance import SecretRandom
from workflow_runtime.machine.commands import Command, Program
from workflow_runtime.machine.current import entered
from workflow_runtime.machine.loop import WorkflowLoop, WorkflowTask
from workflow_runtime.values import decode_call, decode_error, encode, encode_error


class Machine:
    """One run's live workflow."""

    def __init__(self, run_id: str, program: Program) -> None:
        self.run_id = run_id
        self.program = program
        self.clock = 0.0
        self.created_at = 0.0
        self.random = random.Random(run_id)
        self.secrets = random.Random()
        self._loop = WorkflowLoop(self)  # type: ignore[abstract]  # the methods that are missing in the class's text are set by name below it
        self._main: WorkflowTask[object] | None = None
        self._commands: deque[Command] = deque()
        self._count = 0
        self._steps: dict[str, asyncio.Future[Json]] = {}
        self._waits: dict[str, asyncio.TimerHandle] = {}
        self._timers: dict[int, str] = {}
        self._confirmed: set[str] = set()
        self._dropped = False
        self._closed = False
        self.ended = False
        """Whether the workflow's function has ended. Its end is a decision like any other: the log may not have it yet.
        """

    @property
    def commands(self) -> tuple[Command, ...]:
        """The decisions that are not in the log yet, in order."""
        return tuple(self._commands)

    def feed(self, event: Event) -> None:
        """Apply the log's next event and run the workflow as far as it goes.

        Raises ``ReplayDivergenceError`` when the event is a decision that the code did not make,
        ``CorruptedEventLogError`` when it can not stand at this place at all.
        """
        if event.kind in NEUTRAL:
            return
        if self._closed:
            raise CorruptedEventLogError(
                f"run {self.run_id} has ended, but slot {event.slot} has {event.kind} {event.entity}"
            )
        if event.kind is EventKind.RUN_CREATED:
            self._begin(event)
        elif event.kind in STEP_ENDS:
            self._settle_step(event)
        elif event.kind is EventKind.WAIT_COMPLETED:
            self._settle_wait(event)
        elif event.kind is EventKind.RUN_CANCELLED:
            self._closed = True
            self._finish(None)
        else:
            self._confirm(event)
        if not self.ended and self._nothing_is_open():
            self._finish(self._failure(_stuck()))

    def drop(self) -> None:
        """Forget the workflow. Nothing that its ``finally`` blocks try sends a command."""
        if not self._dropped:
            self._dropped = True
            with entered(self):
                self._loop.abandon()
            self._steps.clear()
            self._waits.clear()
            self._commands.clear()
            self.program.release()

    # What workflow code asks for, while it runs.

    async def step(self, step: str, call: Json, where: str) -> Json:
        """Decide to run a step; gives its encoded output, or raises the error that it failed with."""
        future = self._loop.create_future()
        if self._dropped or self.ended:
            await future  # the coroutine is being closed, and gets no further; an error here could be caught, for ever
        entity = self._decide(EventKind.STEP_CREATED, "step", {"step": step, "input": call}, where)
        self._steps[entity] = future
        return await future

    def timer_set(self, handle: asyncio.TimerHandle) -> None:
        """Decide to wait until the handle's time."""
        if self._dropped or self.ended:
            return
        entity = self._decide(EventKind.WAIT_CREATED, "wait", {"until": handle.when()}, self._where())
        self._waits[entity] = handle
        self._timers[id(handle)] = entity

    def timer_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Decide that a wait is not wanted any more; one that the log has not seen is simply withdrawn."""
        entity = self._timers.pop(id(handle), None)
        if entity is None or self._dropped or self.ended:
            return
        del self._waits[entity]
        if entity in self._confirmed:
            self._commands.append(Command(EventKind.WAIT_CANCELLED, entity, {}, self._where()))
        else:
            self._withdraw(entity)

    def _decide(self, kind: EventKind, prefix: str, data: Mapping[str, Json], where: str) -> str:
        self._count += 1
        entity = f"{prefix}_{self._count:06d}"
        self._commands.append(Command(kind, entity, data, where))
        return entity

    # What events do.

    def _begin(self, event: Event) -> None:
        if self._main is not None:
            raise CorruptedEventLogError(f"run {self.run_id} was created twice: again in slot {event.slot}")
        self.clock = self.created_at = event.time
        self.secrets = SecretRandom(f"{self.run_id}:{event.data.get('seed', '')}")
        self._main = self._loop.create_task(self._workflow(event.data["input"]), name="workflow", context=Context())
        self._run()

    async def _workflow(self, call: Json) -> Json:
        classes = self.program.classes
        args, kwargs = decode_call(call, self.program.entry, classes, where="workflow input")
        return encode(await self.program.entry(*args, **kwargs), classes, where="workflow result")

    def _settle_step(self, event: Event) -> None:
        self._expect(event)
        if self.ended:
            return  # it landed before the end did, of which the log does not know yet
        self._advance(event)
        future = self._steps.pop(event.entity)
        if not future.done():
            if event.kind is EventKind.STEP_COMPLETED:
                future.set_result(event.data.get("output"))
            else:
                future.set_exception(decode_error(event.data["error"], self.program.classes))
        self._run()

    def _settle_wait(self, event: Event) -> None:
        self._expect(event)
        if self.ended:
            return
        self._advance(event)
        handle = self._waits.pop(event.entity, None)
        if handle is None:  # the workflow cancelled it, and the log had already moved on
            self._withdraw(event.entity)
        else:
            del self._timers[id(handle)]
            self._loop.run_handle(handle)
        self._run()

    def _withdraw(self, entity: str) -> None:
        for command in self._commands:
            if command.entity == entity:
                self._commands.remove(command)
                return
        raise CorruptedEventLogError(f"run {self.run_id}: {entity} elapsed after it was cancelled")

    def _expect(self, event: Event) -> None:
        """A fact must be about something that the log has seen created and not yet settled."""
        if event.entity not in self._confirmed:
            raise CorruptedEventLogError(
                f"run {self.run_id}: slot {event.slot} has {event.kind} for {event.entity}, "
                "which nothing before it created or which had already ended"
            )
        self._confirmed.discard(event.entity)

    def _confirm(self, event: Event) -> None:
        command = self._commands.popleft() if self._commands else None
        if command is None or not command.matches(event):
            raise ReplayDivergenceError(_divergence(self.run_id, event, command))
        if event.kind in RUN_ENDS:
            self._closed = True
            return
        if event.kind is EventKind.WAIT_CANCELLED:
            self._confirmed.discard(event.entity)
        else:
            self._confirmed.add(event.entity)

    def _nothing_is_open(self) -> bool:
        """Whether the log has nothing open but waits that the workflow has cancelled, and nothing else was decided."""
        return len(self._confirmed) == len(self._commands) and all(
            command.kind is EventKind.WAIT_CANCELLED for command in self._commands
        )

    def _advance(self, event: Event) -> None:
        self.clock = max(self.clock, event.time)

    # Running, and the end.

    def _run(self) -> None:
        failure: WorkflowError | None = None
        with entered(self):
            try:
                self._loop.run()
            except WorkflowError as error:
                failure = error
        if failure is not None:
            self._finish(self._failure(failure))
        elif self._main is not None and self._main.done():
            self._finish(self._outcome(self._main))

    def _outcome(self, main: WorkflowTask[Json]) -> Command:
        error = asyncio.CancelledError() if main.cancelled() else main.exception()
        if error is None:
            return Command(EventKind.RUN_COMPLETED, "", {"output": main.result()})
        return self._failure(error)

    def _failure(self, error: BaseException) -> Command:
        data = self.program.readable(encode_error(error, self.program.classes))
        return Command(EventKind.RUN_FAILED, "", {"error": data})

    def _finish(self, end: Command | None) -> None:
        self.ended = True
        self._commands.clear()
        if end is not None:
            self._commands.append(end)
        with entered(self):
            self._loop.abandon()
        self._steps.clear()
        self._waits.clear()
        self._timers.clear()

    def _where(self) -> str:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if place := self.program.describe(frame.f_code.co_filename, frame.f_lineno):
                return place
            frame = frame.f_back
        return ""


def _stuck() -> WorkflowError:
    return WorkflowError(
        "the workflow waits for something that nothing will ever bring: no step and no sleep is open; "
        "does it await a future, an event or a queue that nobody fills?"
    )


def _divergence(run_id: str, event: Event, command: Command | None) -> str:
    def side(kind: str, entity: str, data: Mapping[str, Any]) -> str:
        return " ".join(part for part in (kind, entity, str(data.get("step", ""))) if part)

    log = side(event.kind, event.entity, event.data)
    if command is None:
        code = "the code decided nothing here"
    else:
        code = f"the code decided {side(command.kind, command.entity, command.data)}" + (
            f" at {command.where}" if command.where else ""
        )
        if (command.kind, command.entity) == (event.kind, event.entity):
            code += f" with {dict(command.data)!r:.300} where the log has {dict(event.data)!r:.300}"
    return (
        f"run {run_id}: in slot {event.slot} the log has {log}, but {code}; "
        "workflow code must decide the same on each replay"
    )
