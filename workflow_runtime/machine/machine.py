"""The machine: a workflow's coroutine on a deterministic loop, fed with events, yielding commands.

How it works. ``feed`` takes the log's events one by one, in slot order, live and on replay alike:

- ``run_created`` says what to run, and ``run_started`` starts the workflow's coroutine, with its time on the clock.
- A *fact* (a step's outcome, an elapsed wait, a hook's payload) moves the clock to its time, resolves what the workflow
  awaits, and runs the loop until nothing is ready. What the workflow decides on the way is queued in ``commands``.
- A *decision* in the log (``step_created``, ``wait_created`` …) must be the first of ``commands``; it is confirmed and
  leaves the queue. Anything else in its place is a divergence: the code went another way than the log says. Only a hook's
  confirmation tells the workflow something, since the token may be another's. It hears of it once the queue is empty:
  what was decided together stands in the log together, and may not be taken back in between.
- Events that only tell how a step is run are passed over.

Because decisions are appended only at the exact prefix that they were decided from, feeding a log always meets them in
the order in which they were queued. A commit has its facts first, then the decisions that they led to, so that a live
machine is fed in the order of the log. The clock moves with facts alone, never with decisions: a decision is given its
time when it is committed, and the code that decided has read the clock before that.

When the workflow's function ends, what it decided but did not yet see in the log is withdrawn, and only the end
remains. Facts may still land before that end does; they change nothing any more.
"""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import Mapping
from contextvars import Context
from functools import cached_property
from random import Random
from types import FrameType

from workflow_runtime.errors import CorruptedEventLogError, SerializationError, WorkflowError
from workflow_runtime.events import RUN_ENDS, Event, EventKind, Json, is_neutral
from workflow_runtime.ids import child_run_id, origin_of
from workflow_runtime.machine.chance import SecretRandom
from workflow_runtime.machine.commands import Command, ContinueAsNew, Program
from workflow_runtime.machine.current import entered
from workflow_runtime.machine.hooks import HookState
from workflow_runtime.machine.ledger import Ledger
from workflow_runtime.machine.loop import WorkflowLoop, WorkflowTask
from workflow_runtime.values import decode_call, decode_error, encode, encode_error
from workflow_runtime.values.error_data import tell_place

_TOKEN_BYTES = 16
_PUT_BACK = 60.0
"""Seconds between two events that clocks of processes do not differ by: more than that back, and the clock was put back."""


class Machine:
    """One run's live workflow."""

    def __init__(self, run_id: str, program: Program) -> None:
        self.run_id = run_id
        self.origin = origin_of(run_id)
        """The run whose decisions are repeated: another one when this run runs that again."""
        self.program = program
        self.clock = 0.0
        self.created: Mapping[str, Json] = {}
        """The data of the run's first event."""
        self.created_at = 0.0
        self.attributes: dict[str, str] = {}
        """The run's attributes as its start and its workflow have set them; what steps set is not known here."""
        self._loop = WorkflowLoop(self)  # type: ignore[abstract]  # the methods that are missing in the class's text are set by name below it
        self._main: WorkflowTask[object] | None = None
        self._ledger = Ledger(run_id)
        self._hooks: dict[str, HookState] = {}
        self._timers: dict[int, str] = {}
        self._dropped = False
        self._closed = False
        self.replaying = False
        """Whether workflow code only repeats what it has done before: it is fed a log that was there already."""
        self.ended = False
        """Whether the workflow's function has ended. Its end is a decision like any other: the log may not have it yet.
        """

    @cached_property  # most workflows roll no dice, and to begin a generator takes as long as a decision
    def random(self) -> Random:
        """What ``random`` draws from: the same in every replay."""
        return Random(self.origin)

    @cached_property
    def secrets(self) -> Random:
        """What ``secrets`` and ``uuid`` draw from: the same in every replay, and nothing that anybody could foretell."""
        return SecretRandom(f"{self.origin}:{self.created.get('seed', '')}")

    @property
    def commands(self) -> tuple[Command, ...]:
        """The decisions that are not in the log yet, in order."""
        return tuple(self._ledger.commands)

    def feed(self, event: Event, *, replaying: bool = False) -> None:
        """Apply the log's next event and run the workflow as far as it goes.

        Raises ``ReplayDivergenceError`` when the event is a decision that the code did not make,
        ``CorruptedEventLogError`` when it can not stand at this place at all.
        """
        if is_neutral(event):
            return
        if self._closed:
            raise CorruptedEventLogError(
                f"run {self.run_id} has ended, but slot {event.slot} has {event.kind} {event.entity}"
            )
        self.replaying = replaying
        self.program.take_place()
        match event.kind:
            case EventKind.RUN_CREATED:
                self._create(event)
            case EventKind.RUN_STARTED:
                self._begin(event)
            case (
                EventKind.STEP_COMPLETED | EventKind.STEP_FAILED | EventKind.WAIT_COMPLETED | EventKind.WATCH_COMPLETED
            ):
                self._take_fact(event)
            case EventKind.HOOK_RECEIVED:
                self._take_fact(event, lasts=True)
            case EventKind.RUN_CANCELLED:
                self._closed = True
                self._finish(None)
            case _:
                self._confirm(event)
        if self._main is not None and not self.ended and self._loop.is_idle and self._ledger.nothing_is_open:
            self._finish(self._failure(_stuck()))

    def drop(self) -> None:
        """Forget the workflow. Nothing that its ``finally`` blocks try sends a command."""
        if not self._dropped:
            self._dropped = self.replaying = True  # what its finally blocks say is no news
            self.program.take_place()
            with entered(self):
                self._loop.abandon()
            self._ledger.end(None)
            self._hooks.clear()
            self.program.release()

    # What workflow code asks for, while it runs.

    async def step(self, step: str, call: Json, where: str) -> Json:
        """Decide to run a step; gives its encoded output, or raises the error that it failed with.

        When the task that waits for it is cancelled, so is the step.
        """
        future: asyncio.Future[Json] = self._loop.create_future()
        if self._is_over:
            await future  # the coroutine is being closed, and gets no further; an error here could be caught, for ever
        entity = self._ledger.next_id("step")
        data = {"step": step, "input": call}

        def settle(event: Event) -> None:
            if future.done():
                return
            if event.kind is EventKind.STEP_COMPLETED:
                future.set_result(event.data.get("output"))
            else:
                future.set_exception(decode_error(event.data["error"], self.program.classes))

        self._ledger.decide(Command(EventKind.STEP_CREATED, entity, data, where), settle)
        try:
            return await future
        except asyncio.CancelledError:
            self._give_up(EventKind.STEP_CANCELLED, entity)
            raise

    def start_child(
        self, workflow: str, call: Json, attributes: Mapping[str, str], where: str, priority: int | None = None
    ) -> str:
        """Decide to start a run of another workflow; gives its id. ``priority``: this run's own, unless it is given."""
        entity = self._ledger.next_id("child")
        run_id: str = self.created.get("children", {}).get(entity) or child_run_id(self.run_id, entity)
        data = {"run": run_id, "workflow": workflow, "input": call, "attributes": dict(attributes)}
        if priority is not None:
            data["priority"] = priority
        if not self._is_over:
            self._ledger.decide(Command(EventKind.CHILD_CREATED, entity, data, where))
        return run_id

    async def watch(self, run_id: str, where: str) -> Mapping[str, Json]:
        """Wait for the end of a run; gives the data of ``watch_completed``."""
        future: asyncio.Future[Mapping[str, Json]] = self._loop.create_future()
        if self._is_over:
            await future
        entity = self._ledger.next_id("watch")

        def settle(event: Event) -> None:
            if not future.done():
                future.set_result(event.data)

        self._ledger.decide(Command(EventKind.WATCH_CREATED, entity, {"run": run_id}, where), settle)
        return await future

    def open_hook(self, token: str | None, metadata: Json, webhook: Json, where: str) -> HookState:
        """Decide to reserve a token, 128 random bits when it is None; gives what its payloads come through."""
        if token is None:
            token = base64.urlsafe_b64encode(self.secrets.randbytes(_TOKEN_BYTES)).rstrip(b"=").decode("ascii")
        entity = self._ledger.next_id("hook")
        hook = HookState(entity, token, self._loop, lambda entity: self._give_up(EventKind.HOOK_DISPOSED, entity))
        if not self._is_over:
            self._hooks[entity] = hook
            data = {"token": token, "metadata": metadata, "webhook": webhook}
            command = Command(EventKind.HOOK_CREATED, entity, data, where)
            self._ledger.decide(command, lambda event: hook.deliver(event.data["payload"]))
        return hook

    def set_attributes(self, attributes: Mapping[str, str | None], where: str) -> None:
        """Decide to set attributes of the run."""
        if not self._is_over:
            entity, data = self._ledger.next_id("attributes"), {"attributes": dict(attributes)}
            merged = {**self.attributes, **attributes}
            self.attributes = {name: value for name, value in merged.items() if value is not None}
            self._ledger.decide(Command(EventKind.ATTRIBUTES_SET, entity, data, where))

    def timer_set(self, handle: asyncio.TimerHandle) -> None:
        """Decide to wait until the handle's time."""
        if self._is_over:
            return
        entity = self._timers[id(handle)] = self._ledger.next_id("wait")

        def settle(_: Event) -> None:
            del self._timers[id(handle)]
            self._loop.run_handle(handle)

        command = Command(EventKind.WAIT_CREATED, entity, {"until": handle.when()}, self.here())
        self._ledger.decide(command, settle)

    def timer_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Decide that a wait is not wanted any more."""
        entity = self._timers.pop(id(handle), None)
        if entity is not None:
            self._give_up(EventKind.WAIT_CANCELLED, entity)

    def here(self) -> str:
        """``path:line`` of the user's code that is running; empty when none is."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if place := self.program.describe(frame.f_code.co_filename, frame.f_lineno):
                return place
            frame = frame.f_back
        return ""

    @property
    def _is_over(self) -> bool:
        return self._dropped or self.ended

    def _give_up(self, kind: EventKind, entity: str) -> None:
        if not self._is_over:
            self._ledger.give_up(kind, entity, self.here())

    # What events do.

    def _create(self, event: Event) -> None:
        if self.created:
            raise CorruptedEventLogError(f"run {self.run_id} was created twice: again in slot {event.slot}")
        self.created = event.data
        self.attributes = dict(event.data.get("attributes") or {})
        self.clock = self.created_at = event.data.get("began", event.time)

    def _begin(self, event: Event) -> None:
        if self._main is not None or not self.created:
            raise CorruptedEventLogError(f"run {self.run_id} can not have started in slot {event.slot}")
        self._tell_time(event.time)
        self._main = self._loop.create_task(self._workflow(self.created["input"]), name="workflow", context=Context())
        self._run()

    async def _workflow(self, call: Json) -> Json:
        entry, classes = self.program.entry, self.program.classes
        name = entry.__qualname__
        args, kwargs = decode_call(call, entry, classes, where=f"input of workflow {name}")
        result = await entry(*args, **kwargs)
        try:
            return encode(result, classes, where=f"result of workflow {name}")
        except SerializationError as error:
            tell_place(error, entry)
            raise

    def _take_fact(self, event: Event, *, lasts: bool = False) -> None:
        settle = self._ledger.fact(event, lasts=lasts)
        if self.ended:
            return  # it landed before the end did, of which the log does not know yet
        self._tell_time(event.time)
        if settle is not None:
            settle(event)
        self._run()

    def _tell_time(self, now: float) -> None:
        """Processes' clocks differ a little, and time does not run backwards; but when the clock was put right, so is ours: the next sleep
        would take as much longer as it was wrong.
        """
        if now > self.clock or now < self.clock - _PUT_BACK:
            self.clock = now

    def _confirm(self, event: Event) -> None:
        self._ledger.confirm(event)
        if event.kind in RUN_ENDS:
            self._closed = True
            return
        if (hook := self._hooks.get(event.entity)) is not None and event.kind is not EventKind.HOOK_DISPOSED:
            hook.confirm(event.data["run"] if event.kind is EventKind.HOOK_CONFLICT else None)
        if not (self._ledger.commands or self._loop.is_idle):
            self._run()

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
        if isinstance(error, ContinueAsNew):
            data = {"run": child_run_id(self.run_id, "continued"), "input": error.call}
            return Command(EventKind.RUN_CONTINUED, "", data)
        return self._failure(error)

    def _failure(self, error: BaseException) -> Command:
        data = self.program.readable(encode_error(error, self.program.classes))
        return Command(EventKind.RUN_FAILED, "", {"error": data})

    def _finish(self, end: Command | None) -> None:
        self.ended = self.replaying = True
        self._ledger.end(end)
        with entered(self):
            self._loop.abandon()
        self._hooks.clear()
        self._timers.clear()


def _stuck() -> WorkflowError:
    return WorkflowError(
        "the workflow waits for something that nothing will ever bring: no step, no sleep, no hook and no run is open; "
        "does it await a future, an event or a queue that nobody fills?"
    )
