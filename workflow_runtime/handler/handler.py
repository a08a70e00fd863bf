"""What happens with one message, whatever brought it: a worker that pulls, or a queue that pushes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from workflow_runtime import (
    Run,  # noqa: F401 - with one public name come all: the steps and the classes of ours that runs' logs name
    clock,
)
from workflow_runtime.errors import RunNotFoundError, WorkflowError, WorkflowNotRegisteredError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.drive import RunDriver, load_whole
from workflow_runtime.handler.ends import cancel_children, tell_end, wake_up
from workflow_runtime.handler.inline import InlineSteps
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.handler.patience import LONGEST_BACKOFF, goes_on, hand_back, patiently
from workflow_runtime.handler.steps import Attempt, StepRunner, Steps
from workflow_runtime.ids import new_message_id, origin_of
from workflow_runtime.logs import log_fields, runtime_logger
from workflow_runtime.machine.machine import Machine
from workflow_runtime.metrics import counting
from workflow_runtime.project import run_limit_of
from workflow_runtime.publishing import find_bundle
from workflow_runtime.sandbox.program import load_program
from workflow_runtime.slots import current_slot
from workflow_runtime.tracing import invocation, stamped
from workflow_runtime.values import encode_error
from workflow_runtime.worlds.base import Delivery, Limit, Log, Message, StartStatus, StepStart, World

logger = runtime_logger("handler")

_RENAMED = "was it renamed or removed? Put it back under that name, or cancel the run"
_PRUNED = "was the bundle removed? Deploy it again, or cancel the run"
_LEAVING, _LEAVING_WAIT = 300.0, 5.0
"""Seconds for which a message that is called off is handed back again and again, and how many of them its caller waits."""
_LACKED_LIMIT = 10_000  # messages to remember; forgetting only means more patience


class Handler:
    """The combined handler: replays runs and executes steps, in the same invocation where it can."""

    def __init__(self, world: World, steps: Steps, threads: Executor, options: HandlerOptions | None = None) -> None:
        self._world = world
        self._runner = StepRunner(world, steps, threads)
        self._options = options or HandlerOptions()
        self._lacked: dict[str, int] = {}
        """How often this process handed back each message for want of its code."""
        self.invocations = 0
        """How many messages have been handled."""
        self._draining = False
        self._leaving: set[asyncio.Task[None]] = set()

    def drain(self) -> None:
        """Begin no more steps: what runs decide from now on goes to the queue, for others."""
        self._draining = True

    def in_work(self) -> list[str]:
        """The attempts of steps that run now, in words."""
        return self._runner.in_work()

    async def handle(self, delivery: Delivery) -> None:
        """Handle one message. Whatever goes wrong, it is acked only when its work is recorded; else it comes again."""
        self.invocations += 1
        message = delivery.message
        with (
            log_fields(run_id=message.run_id, step=message.step_name, step_id=message.step_id),
            counting.message_in_work(delivery),
        ):
            await self._handle(delivery, message)

    async def _handle(self, delivery: Delivery, message: Message) -> None:
        try:
            try:
                await self._do(delivery, message)
            except RunNotFoundError as error:
                logger.error("message %s is dropped: %s", message.id, error)
                await delivery.ack()
        except asyncio.CancelledError:
            await self._leave(delivery)
            raise
        except Exception:  # the queue is the way out of every failure: hand the message back, later each time
            pause = min(LONGEST_BACKOFF, 0.1 * 2 ** min(delivery.count, 16))
            logger.exception("message %s of run %s failed; again in %.1f s", message.id, message.run_id, pause)
            await hand_back(delivery, pause)

    async def _do(self, delivery: Delivery, message: Message) -> None:
        if message.watch_id is not None:
            await tell_end(self._world, delivery)
        elif message.cancels_children:
            await cancel_children(self._world, delivery)
        elif message.limit is None and (limit := await self._limit_of_retried(message.run_id)) is not None:
            await self._send_with(limit, delivery)
        elif message.step_id is not None:
            with invocation(message):
                await self._step(delivery, message.step_id)
        else:
            await self._run(delivery)

    async def _leave(self, delivery: Delivery) -> None:
        """Called off: hand the message back. When the storage refuses for long, that is done without the caller, who has no time."""
        leaving = asyncio.create_task(asyncio.wait_for(hand_back(delivery, 0.0), _LEAVING))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._left)
        await asyncio.wait([leaving], timeout=_LEAVING_WAIT)

    def _left(self, leaving: asyncio.Task[None]) -> None:
        self._leaving.discard(leaving)
        if not leaving.cancelled() and leaving.exception() is not None:
            logger.error("a message was not handed back; it comes again when this process has ended")

    async def _limit_of_retried(self, run_id: str) -> Limit | None:
        """What holds the messages of a run that runs another again back until it has its workflow's place: unlike others, it has more than
        its first message before it has begun, and payloads may come.
        """
        if origin_of(run_id) == run_id:
            return None
        limit = run_limit_of((await self._world.load(run_id, after=2**62)).run.workflow)
        return None if limit is None or limit.concurrency is None else replace(limit, every=0.0)

    async def _send_with(self, limit: Limit, delivery: Delivery) -> None:
        """Put the message back so that it comes when the limit has room."""
        await self._world.send(replace(delivery.message, id=new_message_id(), limit=limit))
        await delivery.ack()

    async def _run(self, delivery: Delivery) -> None:
        log = delivery.log or await load_whole(self._world, delivery.message.run_id)
        if log.run.status.ended:
            await delivery.ack()
            return
        workflow, trace = log.run.workflow, log.events[0].data.get("trace")
        with log_fields(workflow=workflow), invocation(delivery.message, workflow, trace):
            try:
                machine = await self._machine_of(log)
            except WorkflowNotRegisteredError as error:
                await self._lacks_bundle(delivery, log, error)
                return
            await self._driver(delivery, log, machine).drive()

    def _driver(self, delivery: Delivery, log: Log, machine: Callable[[], Machine]) -> RunDriver:
        slot = current_slot.get()
        only_decides = slot is not None and slot.is_extra
        return RunDriver(
            *(self._world, delivery, log, self._runner, machine, self._options),
            begins_steps=lambda: not (only_decides or self._draining),
        )

    async def _machine_of(self, log: Log) -> Callable[[], Machine]:
        bundle, root = await find_bundle(self._world, log.run.workflow, log.run.bundle)
        return lambda: Machine(log.run.id, load_program(bundle, root, log.run.id))

    async def _lacks_bundle(self, delivery: Delivery, log: Log, error: WorkflowError) -> None:
        if await self._may_be_elsewhere(delivery):
            return
        failed = Event(EventKind.RUN_FAILED, clock.now(), "", {"error": encode_error(error)})
        if (await self._world.record(log.run.id, failed)).landed:
            counting.run_ended(log.run.workflow, "failed")
        await delivery.ack()

    async def _may_be_elsewhere(self, delivery: Delivery) -> bool:
        """Hand back what this process lacks the code for, for another one to take, unless that was tried often enough."""
        # Counted here and not by the message: deploys and crashes deliver it again, too, and are no reason to give up.
        tries = self._lacked.pop(delivery.message.id, 0)
        if tries >= self._options.patience:
            return False
        if len(self._lacked) >= _LACKED_LIMIT:
            self._lacked.clear()
        self._lacked[delivery.message.id] = tries + 1
        name, run_id = delivery.message.step_name, delivery.message.run_id
        what, advice = (name, _RENAMED) if name else ("its bundle", _PRUNED)
        pause = min(LONGEST_BACKOFF, 2**tries)
        logger.warning("run %s waits for a process that has %s; again in %.1f s; %s", run_id, what, pause, advice)
        await delivery.again(pause)
        return True

    async def _step(self, delivery: Delivery, step_id: str) -> None:
        """Execute one queued step, and wake its run in the same transaction that records the outcome."""
        message = delivery.message
        if not self._runner.knows(message.step_name or "") and await self._may_be_elsewhere(delivery):
            return
        limit = self._runner.limit_of(message.step_name or "")
        if limit is not None and (message.limit is None or message.limit.of_run):
            # Sent by a process that does not have the step, when it had no limit yet, or when its run had no place.
            await self._send_with(limit, delivery)
            return
        start = await self._world.start_step(message.run_id, step_id, message.id, clock.now())
        if start.status is StartStatus.ENDED:
            await delivery.ack()
        elif start.status is StartStatus.RUNNING:
            await delivery.again(1.0)
        elif start.status is StartStatus.TOO_EARLY:
            await delivery.again(max(0.0, start.retry_at - clock.now()))
        elif (outcome := await self._attempt(delivery, step_id, start)) is not None:
            sends = stamped([_next_message(message, outcome, limit)])
            await patiently(lambda: self._world.record(message.run_id, outcome, sends=sends, ack=delivery))
        else:
            # The run or the step has ended, or the message is another's: then neither of the two can do harm.
            await delivery.ack()

    async def _attempt(self, delivery: Delivery, step_id: str, start: StepStart) -> Event | None:
        """The attempt's outcome; None when it was called off: the run or step has ended, or another handler has the message."""
        message = delivery.message
        attempt = Attempt(
            message.run_id,
            step_id,
            message.step_name or "",
            start.input,
            start.attempt,
            start.failures,
            start.retryings,
        )
        inline = InlineSteps(self._world, message.run_id)
        with log_fields(workflow=start.workflow):  # which the body's task takes along
            inline.start(step_id, partial(self._runner.run, attempt))
        try:
            while not await inline.one_is_done(self._options.extend_every):
                if not await goes_on(delivery):
                    return None
            return inline.outcomes()[0]
        finally:
            # The message must not go back before the body has really ended: it would run twice.
            await inline.call_off()


def _next_message(message: Message, outcome: Event, limit: Limit | None) -> Message:
    """After a failure, the step's next attempt; after an outcome, a wake-up of its run: one is enough for many."""
    if outcome.kind is EventKind.STEP_RETRYING:
        step = (message.run_id, message.step_id, message.step_name)
        return Message(new_message_id(), *step, due=outcome.data["retry_at"], limit=limit)
    return wake_up(message.run_id)
