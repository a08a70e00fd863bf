"""Driving one run as far as it goes in one invocation: the eager loop.

The loop of design §6: feed the machine, commit what it decided together with the facts that made it decide so, run the
steps that this message owns, and go on with the live machine as their outcomes arrive. The machine only ever runs ahead
of the log by the facts that the next commit carries; when that commit is refused, the machine is dropped and rebuilt
from the log as it is, and the facts are fed again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from workflow_runtime.errors import ReplayDivergenceError, WorkflowError
from workflow_runtime.events import NEUTRAL, Event, EventKind
from workflow_runtime.handler.patience import goes_on, patiently
from workflow_runtime.handler.steps import Attempt, StepRunner
from workflow_runtime.handler.view import LogView, StepView
from workflow_runtime.ids import new_message_id
from workflow_runtime.machine.machine import Machine
from workflow_runtime.values import decode_error, encode_error
from workflow_runtime.worlds.base import Committed, Delivery, Log, Message, Refused, World

logger = logging.getLogger("workflow_runtime.handler")


@dataclass(frozen=True, slots=True)
class HandlerOptions:
    """How a handler works."""

    inline_steps: int = 64
    """How many steps of one run are executed at once in one invocation at most; the rest goes through the queue."""
    extend_every: float = 5.0
    """Seconds between two signs of life while steps run."""
    patience: int = 8
    """How many deliveries are handed back for want of a bundle or a step: during a deploy, another process may have it."""
    check_replay: bool = False
    """Rebuild the machine after each event, and insist that it decides the same. For tests: n events cost n²."""


@dataclass(slots=True)
class Plan:
    """One commit in the making. ``events`` begins with the facts; ``decisions`` are what the machine sees confirmed."""

    events: list[Event] = field(default_factory=list)
    decisions: list[Event] = field(default_factory=list)
    sends: list[Message] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    ends: bool = False


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
        pushed: bool,
    ) -> None:
        self._world = world
        self._delivery = delivery
        self._pushed = pushed
        self._run_id = log.run.id
        self._runner = runner
        self._new_machine = machine
        self._options = options
        self._log: list[Event] = []
        self._view = LogView()
        self._facts: list[Event] = []
        self._facts_fed = 0
        self._fed: list[Event] = []
        self._running: dict[str, asyncio.Task[Event]] = {}
        self._machine: Machine | None = None
        self._take(log.events)

    async def drive(self) -> None:
        """Go on until the run has ended, or waits for nothing that runs here; then the message is acked."""
        try:
            while not await self._settle():
                if not await self._outcome_arrives():
                    return
        finally:
            if self._machine is not None:
                self._machine.drop()
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _settle(self) -> bool:
        """Commit all that is known and decided now. True when the message is done with."""
        while not self._view.ended:
            try:
                plan = self._plan(self._new_facts())
            except WorkflowError as error:
                self._forget_machine()  # it was fed half of what it should have been
                plan = _failure(error)
            lasts = not plan.ends and bool(self._running or plan.starts)
            early = 0.0 if plan.ends or lasts else self._woke_too_early()
            acks = not (lasts or early)
            if plan.events:
                answer = await self._commit(plan, acks=acks)
                if isinstance(answer, Refused):
                    self._catch_up(answer.missed)
                    continue
                self._land(plan, answer.events)
            elif acks:
                await self._delivery.ack()
            if early:
                await self._delivery.again(early)
            return not lasts
        await self._delivery.ack()
        return True

    async def _commit(self, plan: Plan, *, acks: bool) -> Committed | Refused:
        ack = self._delivery if acks and not self._pushed else None
        after = len(self._log)
        answer = await patiently(
            lambda: self._world.commit(self._run_id, after, plan.events, sends=plan.sends, ack=ack)
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
        for step_id, task in list(self._running.items()):
            if task.done():
                del self._running[step_id]
                self._facts.append(task.result())
        now = time.time()
        due = sorted((until, wait) for wait, until in self._view.waits.items() if until <= now)
        known = {fact.entity for fact in self._facts}
        self._facts += [Event(EventKind.WAIT_COMPLETED, now, wait) for _, wait in due if wait not in known]
        self._facts = [fact for fact in self._facts if self._view.accepts(fact)]
        machine = self._live_machine()
        while self._facts_fed < len(self._facts) and not machine.ended:
            self._feed(machine, self._facts[self._facts_fed])
            self._facts_fed += 1
        # When the machine has ended, the rest concerns nobody; but it is kept, for the commit may be refused, and then
        # the machine may end otherwise.
        return self._facts[: self._facts_fed]

    def _plan(self, facts: Sequence[Event]) -> Plan:
        """What to commit: the facts, what the machine decided, and the starts of the steps that are run here."""
        machine = self._live_machine()
        now = time.time()
        plan = Plan(events=list(facts), ends=machine.ended)
        if not self._view.started:
            plan.events.insert(0, Event(EventKind.RUN_STARTED, now))
        plan.sends += [self._retry(fact) for fact in facts if fact.kind is EventKind.STEP_RETRYING and not plan.ends]
        commands = machine.commands
        if facts or any(command.kind is not EventKind.WAIT_CANCELLED for command in commands):
            plan.decisions = [command.event(now) for command in commands]
        plan.events += plan.decisions
        if not plan.ends:
            self._take_over(plan, now, {fact.entity for fact in facts})
            for event in plan.decisions:
                self._arrange(plan, event, now)
        return plan

    def _take_over(self, plan: Plan, now: float, settled: set[str]) -> None:
        """Start again what this very message had started before: its former handler died."""
        for step_id, step in self._view.steps.items():
            if step.owner == self._delivery.message.id and step_id not in self._running and step_id not in settled:
                plan.events.append(self._started(step_id, step.attempt + 1, now))
                plan.starts.append(step_id)

    def _arrange(self, plan: Plan, event: Event, now: float) -> None:
        """See to it that something happens with what was just decided."""
        if event.kind is EventKind.WAIT_CREATED:
            key = f"{self._run_id}:{event.entity}"
            plan.sends.append(Message(new_message_id(), self._run_id, key=key, due=event.data["until"]))
        elif event.kind is EventKind.STEP_CREATED:
            has_room = len(self._running) + len(plan.starts) < self._options.inline_steps
            if has_room and self._runner.knows(event.data["step"]):
                plan.events.append(self._started(event.entity, 1, now))
                plan.starts.append(event.entity)
            else:
                plan.sends.append(Message(new_message_id(), self._run_id, event.entity, event.data["step"]))

    def _started(self, step_id: str, attempt: int, now: float) -> Event:
        return Event(EventKind.STEP_STARTED, now, step_id, {"attempt": attempt, "message": self._delivery.message.id})

    def _retry(self, fact: Event) -> Message:
        name = self._view.steps[fact.entity].name
        return Message(new_message_id(), self._run_id, fact.entity, name, due=fact.data["retry_at"])

    def _land(self, plan: Plan, events: Sequence[Event]) -> None:
        """The commit stands: take it in, tell the machine, start the steps."""
        self._facts, self._facts_fed = [], 0
        self._take(events)
        if self._view.ended:
            self._log_end(events[-1])
            return
        machine = self._live_machine()
        confirmed = {(event.kind, event.entity) for event in plan.decisions}
        for event in events:
            if (event.kind, event.entity) in confirmed:
                self._feed(machine, event)
        for step_id in plan.starts:
            attempt = self._attempt(step_id, self._view.steps[step_id])
            self._running[step_id] = asyncio.create_task(self._runner.run(attempt))

    def _log_end(self, end: Event) -> None:
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
        if any(event.kind not in NEUTRAL for event in missed) or not all(
            self._view.accepts(fact) for fact in self._facts
        ):
            self._forget_machine()

    def _forget_machine(self) -> None:
        if self._machine is not None:
            self._machine.drop()
        self._machine, self._fed, self._facts_fed = None, [], 0

    def _live_machine(self) -> Machine:
        if self._machine is None:
            self._machine = machine = self._new_machine()
            for event in self._log:
                self._feed(machine, event)
        return self._machine

    def _feed(self, machine: Machine, event: Event) -> None:
        machine.feed(event)
        if self._options.check_replay:
            self._fed.append(event)
            self._compare_with_replay(machine)

    def _compare_with_replay(self, machine: Machine) -> None:
        twin = self._new_machine()
        try:
            for event in self._fed:
                twin.feed(event)
            if twin.commands != machine.commands:
                raise ReplayDivergenceError(
                    f"run {self._run_id}: live and replay disagree after {len(self._fed)} events: "
                    f"{machine.commands} and {twin.commands}"
                )
        finally:
            twin.drop()

    def _woke_too_early(self) -> float:
        """Seconds until this message's wait is due, when it is not due by this machine's clock; else 0."""
        key = self._delivery.message.key or ""
        until = self._view.waits.get(key.removeprefix(f"{self._run_id}:"))
        return 0.0 if until is None else max(0.0, until - time.time())

    async def _outcome_arrives(self) -> bool:
        """Wait until a step that runs here is done. False when the handler is told to let go."""
        while True:
            done, _ = await asyncio.wait(
                self._running.values(), timeout=self._options.extend_every, return_when=asyncio.FIRST_COMPLETED
            )
            if done:
                return True
            if not await goes_on(self._delivery):
                return await self._let_go()

    async def _let_go(self) -> bool:
        """The run has ended, or the message is another handler's now: only in the first case is it ours to ack."""
        self._take((await self._world.load(self._run_id, len(self._log))).events)
        if self._view.ended:
            await self._delivery.ack()
        return False


def _failure(error: WorkflowError) -> Plan:
    return Plan(events=[Event(EventKind.RUN_FAILED, time.time(), "", {"error": encode_error(error)})], ends=True)
