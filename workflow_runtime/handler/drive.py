"""Driving one run as far as it goes in one invocation: the eager loop.

The loop of design §6: feed the machine, commit what it decided together with the facts that made it decide so, run the
steps that this message owns, and go on with the live machine as their outcomes arrive. The machine only ever runs ahead
of the log by the facts that the next commit carries; when that commit is refused, the machine is dropped and rebuilt
from the log as it is, and the facts are fed again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from workflow_runtime import clock
from workflow_runtime.errors import EventLimitError, WorkflowError
from workflow_runtime.events import Event, EventKind, is_neutral
from workflow_runtime.handler.inline import InlineSteps
from workflow_runtime.handler.live import LiveMachine
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.handler.patience import goes_on, patiently
from workflow_runtime.handler.plan import Plan, child, failure, successor
from workflow_runtime.handler.steps import Attempt, StepRunner
from workflow_runtime.handler.view import LogView, StepView
from workflow_runtime.ids import new_message_id, wait_key
from workflow_runtime.logs import runtime_logger
from workflow_runtime.machine.machine import Machine
from workflow_runtime.metrics import counting
from workflow_runtime.tracing import stamped, stamped_runs
from workflow_runtime.values import decode_error
from workflow_runtime.worlds.base import Committed, Delivery, Log, Message, Refused, UnstorableError, World

logger = runtime_logger("handler")

PAGE = 5000
"""How many events are loaded at once."""


async def load_whole(world: World, run_id: str) -> Log:
    """The run and all of its events, read page by page."""
    log = await world.load(run_id, limit=PAGE)
    events = list(log.events)
    while events and events[-1].slot < log.run.slot:
        log = await world.load(run_id, events[-1].slot, limit=PAGE)
        events += log.events
    return Log(log.run, tuple(events))


class RunDriver:
    """One invocation's work on one run."""

    def __init__(
        self,
        world: World,
        delivery: Delivery,
        log: Log,
        runner: StepRunner,
        machine: Callable[[], Machine],
        options: HandlerOptions,
        *,
        begins_steps: Callable[[], bool],
    ) -> None:
        self._world = world
        self._delivery = delivery
        self._run = log.run
        self._run_id = log.run.id
        self._runner = runner
        self._options = options
        self._begins_steps = begins_steps
        self._log: list[Event] = []
        self._view = LogView()
        self._facts: list[Event] = []
        self._facts_fed = 0
        self._doomed: WorkflowError | None = None
        """Why the run can only fail: what it decided is nothing that a storage could hold, or nothing that a replay decides too."""
        self._inline = InlineSteps(world, log.run.id)
        self._live = LiveMachine(log.run.id, machine, check_replay=options.check_replay)
        self._over = None if options.budget is None else time.monotonic() + options.budget
        self._take(log.events)

    async def drive(self) -> None:
        """Go on until the run has ended, or waits for nothing that runs here; then the message is acked."""
        try:
            while not await self._settle():
                if not await self._outcome_arrives():
                    return
        finally:
            self._live.drop()
            await self._inline.call_off()

    async def _settle(self) -> bool:
        """Commit all that is known and decided now. True when the message is done with."""
        while not self._view.ended:
            try:
                if self._doomed is not None:
                    raise self._doomed
                plan = self._plan(self._new_facts())
            except WorkflowError as error:
                self._forget_machine()  # it was fed half of what it should have been
                plan = failure(error, clock.now())
            lasts = not plan.ends and bool(self._inline or plan.starts)
            early = 0.0 if plan.ends or lasts else self._woke_too_early()
            acks = not (lasts or early or plan.tells)
            if plan.events:
                try:
                    answer = await self._commit(plan, acks=acks)
                except UnstorableError as error:
                    if self._doomed is not None:
                        raise
                    self._doomed = error
                    continue
                if isinstance(answer, Refused):
                    self._catch_up(answer.missed)
                    continue
                self._land(plan, answer.events)
                if plan.tells or self._doomed is not None:
                    continue
            elif acks:
                await self._delivery.ack()
            if early:
                await self._delivery.again(early)
            return not lasts
        await self._delivery.ack()
        return True

    async def _commit(self, plan: Plan, *, acks: bool) -> Committed | Refused:
        ack = self._delivery if acks else None
        after = len(self._log)
        answer = await patiently(
            lambda: self._world.commit(
                self._run_id, after, plan.events, sends=stamped(plan.sends), ack=ack, runs=stamped_runs(plan.runs)
            )
        )
        if isinstance(answer, Refused):
            landed = answer.missed[: len(plan.events)]
            if [replace(event, slot=0) for event in landed] == plan.events:  # the first answer was an error, wrongly
                if ack is not None:
                    await ack.ack()
                return Committed(landed)
        return answer

    def _new_facts(self) -> list[Event]:
        """The facts that are not in the log yet and that it has room for, each fed to the machine."""
        now = clock.now()
        if not (self._view.started or self._facts):
            self._facts.append(Event(EventKind.RUN_STARTED, now))
        self._facts += self._inline.outcomes()
        due = sorted((until, wait) for wait, until in self._view.waits.items() if until <= now)
        known = {fact.entity for fact in self._facts}
        self._facts += [Event(EventKind.WAIT_COMPLETED, now, wait) for _, wait in due if wait not in known]
        self._facts = [fact for fact in self._facts if self._view.accepts(fact)]
        machine = self._live.get(self._log)
        while self._facts_fed < len(self._facts) and not machine.ended:
            self._live.feed(self._facts[self._facts_fed])
            self._facts_fed += 1
        # When the machine has ended, the rest concerns nobody; but it is kept, for the commit may be refused, and then
        # the machine may end otherwise.
        return self._facts[: self._facts_fed]

    def _plan(self, facts: Sequence[Event]) -> Plan:
        """What to commit: the facts, what the machine decided, and the starts of the steps that are run here."""
        machine = self._live.get(self._log)
        now = clock.now()
        plan = Plan(events=list(facts), ends=machine.ended)
        plan.sends += [self._retry(fact) for fact in facts if fact.kind is EventKind.STEP_RETRYING and not plan.ends]
        commands = machine.commands
        if facts or any(command.kind is not EventKind.WAIT_CANCELLED for command in commands):
            plan.decisions = [command.event(now) for command in commands]
        plan.events += plan.decisions
        if not plan.ends:
            self._take_over(plan, now, {fact.entity for fact in facts} | {e.entity for e in plan.decisions})
        for event in plan.decisions:
            self._arrange(plan, event, now)
        if not plan.ends and len(self._log) + len(plan.events) > self._options.event_limit:
            return failure(EventLimitError(self._run_id, self._options.event_limit), now)
        return plan

    def _take_over(self, plan: Plan, now: float, settled: set[str]) -> None:
        """Start again what this very message had started before: its former handler died."""
        for step_id, step in self._view.steps.items():
            if step.owner == self._delivery.message.id and step_id not in self._inline and step_id not in settled:
                plan.events.append(self._started(step_id, step.attempt + 1, now))
                plan.starts.append(step_id)

    def _arrange(self, plan: Plan, event: Event, now: float) -> None:
        """See to it that something happens with what was just decided."""
        match event.kind:
            case EventKind.WAIT_CREATED:
                key = wait_key(self._run_id, event.entity)
                plan.sends.append(Message(new_message_id(), self._run_id, key=key, due=event.data["until"]))
            case EventKind.STEP_CREATED if self._runs_here(plan, event.data["step"]):
                plan.events.append(self._started(event.entity, 1, now))
                plan.starts.append(event.entity)
            case EventKind.STEP_CREATED:
                plan.sends.append(self._queued(event.entity, event.data["step"]))
            case EventKind.HOOK_CREATED:
                plan.tells = True
            case EventKind.CHILD_CREATED:
                plan.runs.append(child(self._run, self._view.created, event))
            case EventKind.RUN_CONTINUED:
                attributes = self._view.attributes_after(plan.decisions)
                plan.runs.append(successor(self._run, self._view.created, attributes, event))

    def _runs_here(self, plan: Plan, name: str) -> bool:
        """Whether this invocation runs the step itself. One with a limit waits for its turn in the queue."""
        return self._has_room(plan) and self._runner.knows(name) and self._runner.limit_of(name) is None

    def _queued(self, step_id: str, name: str, due: float = 0.0) -> Message:
        return Message(new_message_id(), self._run_id, step_id, name, due=due, limit=self._runner.limit_of(name))

    def _has_room(self, plan: Plan) -> bool:
        in_time = self._over is None or time.monotonic() < self._over
        return in_time and self._begins_steps() and len(self._inline) + len(plan.starts) < self._options.inline_steps

    def _started(self, step_id: str, attempt: int, now: float) -> Event:
        return Event(EventKind.STEP_STARTED, now, step_id, {"attempt": attempt, "message": self._delivery.message.id})

    def _retry(self, fact: Event) -> Message:
        return self._queued(fact.entity, self._view.steps[fact.entity].name, fact.data["retry_at"])

    def _land(self, plan: Plan, events: Sequence[Event]) -> None:
        """The commit stands: take it in, tell the machine, start the steps and call off those that are not wanted any more."""
        self._facts, self._facts_fed = [], 0
        self._take(events)
        if self._view.ended:
            self._log_end(events[-1])
            return
        decided = {(event.kind, event.entity) for event in plan.decisions}
        try:
            for planned, event in zip(plan.events, events, strict=True):
                if (planned.kind, planned.entity) in decided:
                    self._live.feed(event)
        except WorkflowError as error:  # to try it again could hide it: another replay may agree by chance
            self._doomed = error
            return
        for step_id in plan.starts:
            attempt = self._attempt(step_id, self._view.steps[step_id])
            self._inline.start(step_id, partial(self._runner.run, attempt))
        self._inline.cancel_all_but(self._view.steps)

    def _log_end(self, end: Event) -> None:
        counting.run_ended(self._run.workflow, end.kind.removeprefix("run_"))
        if end.kind is EventKind.RUN_FAILED:
            error = decode_error(end.data["error"])
            logger.error("run %s failed: %s: %s", self._run_id, type(error).__name__, error, exc_info=error)
        else:
            logger.info("run %s ended: %s", self._run_id, end.kind.removeprefix("run_"))

    def _attempt(self, step_id: str, step: StepView) -> Attempt:
        return Attempt(self._run_id, step_id, step.name, step.input, step.attempt, step.failures, step.retryings)

    def _take(self, events: Sequence[Event]) -> None:
        self._log += events
        self._view.apply(events)

    def _catch_up(self, missed: Sequence[Event]) -> None:
        """The log went on without us: the machine was fed something else, and goes, unless it need not hear of this."""
        self._take(missed)
        self._inline.cancel_all_but(self._view.steps)
        if any(not is_neutral(event) for event in missed) or not all(self._view.accepts(fact) for fact in self._facts):
            self._forget_machine()

    def _forget_machine(self) -> None:
        self._live.drop()
        self._facts_fed = 0

    def _woke_too_early(self) -> float:
        """Seconds until this message's wait is due, when it is not due by this machine's clock; else 0."""
        key = self._delivery.message.key or ""
        until = self._view.waits.get(key.removeprefix(f"{self._run_id}:"))
        return 0.0 if until is None else max(0.0, until - clock.now())

    async def _outcome_arrives(self) -> bool:
        """Wait until a step that runs here is done. False when the handler is told to let go."""
        while not await self._inline.one_is_done(self._options.extend_every):
            if not await goes_on(self._delivery):
                return await self._let_go()
            # Another handler of this run may have called steps off that run here.
            news = await patiently(lambda: self._world.load(self._run_id, len(self._log)))
            if news.events:
                self._catch_up(news.events)
        return True

    async def _let_go(self) -> bool:
        """The run has ended, or the message is another handler's now: only in the first case is it ours to ack."""
        self._take((await self._world.load(self._run_id, len(self._log))).events)
        if self._view.ended:
            await self._delivery.ack()
        return False
