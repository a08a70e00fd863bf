"""The little shop, written down by hand: logs with fixed times, so that what is shown of them is the same each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from workflow_runtime.events import Event, EventKind
from workflow_runtime.values import encode, encode_call
from workflow_runtime.worlds.base import Log, Message, World
from workflow_runtime.worlds.entities import CHANGES_THE_RUN, new_run, run_after, run_at

START = 1_795_339_516.0
"""22 November 2026, 09:25:16 UTC."""


def error(kind: str, message: str, **more: Any) -> dict[str, Any]:
    """An encoded error."""
    return {"type": kind, "message": message, "bases": ["builtins.Exception"], "args": [message], **more}


STACK = """  File "/srv/shop/payments.py", line 41, in charge_card
    answer = await gateway.charge(card, cents)
             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/venv/lib/python3.12/site-packages/gateway/client.py", line 977, in charge
    raise Declined(answer)
"""


@dataclass
class Scribe:
    """Writes a run's log down, event by event."""

    run_id: str
    workflow: str = "workflow//shop.orders//checkout"
    arguments: tuple[object, ...] = ()
    at: float = START
    created: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    _count: int = 0
    _together: float | None = None
    _starts: list[str] | None = None

    def __post_init__(self) -> None:
        call = encode_call(self.arguments, {}, where="call")
        data = {"workflow": self.workflow, "bundle": "b" * 16, "seed": "s", "input": call, **self.created}
        self.add(EventKind.RUN_CREATED, **data)

    def add(self, kind: EventKind, entity: str = "", **data: Any) -> None:
        time = self.at if self._together is None else self._together
        self.events.append(Event(kind, time, entity, data, len(self.events) + 1))

    def later(self, seconds: float) -> Scribe:
        """Let time pass."""
        self.at += seconds
        return self

    @contextmanager
    def commit(self) -> Iterator[None]:
        """What is decided inside is decided together."""
        self._together, self._starts = self.at, []
        yield
        self._together, starts = None, self._starts
        self._starts = None
        for entity in starts:
            self.start(entity)

    def begin(self) -> Scribe:
        self.add(EventKind.RUN_STARTED)
        return self

    def next_id(self, kind: str) -> str:
        """The correlation id of what is decided next."""
        self._count += 1
        return f"{kind}_{self._count:06d}"

    def call(self, name: str, *arguments: object, start: bool = True) -> str:
        """Decide on a step and, unless told otherwise, start it."""
        entity = self.next_id("step")
        step = name if "//" in name else f"step//shop.payments//{name}"
        self.add(EventKind.STEP_CREATED, entity, step=step, input=encode_call(arguments, {}, where="call"))
        if start and self._starts is not None:
            self._starts.append(entity)
        elif start:
            self.start(entity)
        return entity

    def start(self, entity: str, attempt: int = 1) -> None:
        self.add(EventKind.STEP_STARTED, entity, attempt=attempt, message="wmsg_1")

    def complete(self, entity: str, output: object = None, attempt: int = 1) -> None:
        self.add(EventKind.STEP_COMPLETED, entity, attempt=attempt, output=encode(output))

    def fail(self, entity: str, failure: object, attempt: int = 1) -> None:
        self.add(EventKind.STEP_FAILED, entity, attempt=attempt, error=failure)

    def retry(self, entity: str, failure: object, attempt: int, pause: float = 1.0, *, counted: bool = True) -> None:
        self.add(
            EventKind.STEP_RETRYING, entity, attempt=attempt, error=failure, retry_at=self.at + pause, counted=counted
        )

    def sleep(self, seconds: float) -> str:
        entity = self.next_id("wait")
        self.add(EventKind.WAIT_CREATED, entity, until=self.at + seconds)
        return entity

    def hook(self, token: str, metadata: object = None, webhook: object = None) -> str:
        entity = self.next_id("hook")
        self.add(EventKind.HOOK_CREATED, entity, token=token, metadata=encode(metadata), webhook=webhook)
        return entity

    def receive(self, entity: str, payload: object) -> None:
        self.add(EventKind.HOOK_RECEIVED, entity, payload=encode(payload), key=None)

    def child(self, run_id: str, workflow: str, *arguments: object) -> str:
        entity = self.next_id("child")
        call = encode_call(arguments, {}, where="call")
        self.add(EventKind.CHILD_CREATED, entity, run=run_id, workflow=workflow, input=call, attributes={})
        return entity

    def watch(self, run_id: str) -> str:
        entity = self.next_id("watch")
        self.add(EventKind.WATCH_CREATED, entity, run=run_id)
        return entity

    def log(self) -> Log:
        """The log, with the run that a world would have made of it."""
        run = new_run(self.run_id, self.events[0])
        for event in self.events[1:]:
            if event.kind in CHANGES_THE_RUN:
                run = run_after(run, event)
        return Log(run_at(run, len(self.events)), tuple(self.events))

    async def put(self, world: World) -> None:
        """Have the world hold the run."""
        first, *rest = self.events
        await world.create_run(self.run_id, first, Message(f"m/{self.run_id}", self.run_id))
        if rest:
            await world.commit(self.run_id, 1, [Event(e.kind, e.time, e.entity, e.data) for e in rest])


DECLINED = error("gateway.Declined", "gateway answered 503", stack=STACK)


def checkout(run_id: str = "wrun_01M8195YATS2SJN40EYK605V7H") -> Scribe:
    """An order that went well: four steps at once, one of them at the third attempt, a sleep, an approval, a child."""
    run = Scribe(run_id, arguments=({"id": "ord_1001", "cents": 12900},), created={"attributes": {"tenant": "acme"}})
    run.later(0.05).begin()
    with run.commit():
        validate = run.call("validate_order", {"id": "ord_1001"})
    run.later(0.19).complete(validate, True)
    with run.commit():
        charge, lamp = run.call("charge_card", "card_1", 12900, start=False), run.call("reserve_stock", "lamp-01")
        desk, quote = run.call("reserve_stock", "desk-07"), run.call("quote_shipping", "10115")
    run.start(charge)
    run.later(0.3).retry(charge, DECLINED, 1)
    run.later(0.25).complete(lamp, {"sku": "lamp-01"})
    run.later(0.24).complete(quote, 490)
    run.later(0.26).complete(desk, {"sku": "desk-07"})
    run.later(0.25).start(charge, 2)
    run.later(0.4).retry(charge, DECLINED, 2, 2.0)
    run.later(2.0).start(charge, 3)
    run.later(0.26).complete(charge, "rcpt_8F2K", 3)
    wait = run.sleep(4)
    run.later(4.02).add(EventKind.WAIT_COMPLETED, wait)
    hook = run.hook("approve:ord_1001", {"by": "ada"})
    run.later(3.69).receive(hook, {"approved": True})
    run.child("wrun_01M8196A000000000000000000", "workflow//shop.orders//fulfil", "ord_1001")
    watch = run.watch("wrun_01M8196A000000000000000000")
    run.later(2.55).add(
        EventKind.WATCH_COMPLETED, watch, run="wrun_01M8196A000000000000000000", status="completed", output="sent"
    )
    run.add(EventKind.RUN_COMPLETED, output={"receipt": "rcpt_8F2K"})
    return run


def refund(run_id: str = "wrun_01M8197F000000000000000000") -> Scribe:
    """A run that failed for good while a sibling still ran."""
    run = Scribe(run_id, "workflow//shop.orders//refund", ("ord_1003",), created={"attributes": {"tenant": "acme"}})
    run.begin()
    with run.commit():
        charge, quote = run.call("charge_back", "ord_1003"), run.call("quote_shipping", "ord_1003")
        slow = run.call("restock", "ord_1003")
    run.later(0.5).fail(charge, DECLINED)
    run.later(0.1).complete(quote, 1)
    assert slow
    run.add(
        EventKind.RUN_FAILED,
        error=error("shop.RefundError", "could not refund ord_1003", cause=DECLINED, notes=["see the runbook"]),
    )
    return run


def contract(run_id: str = "wrun_01M8198W000000000000000000") -> Scribe:
    """A run that waits for an approval, for two days at most."""
    run = Scribe(run_id, "workflow//shop.contracts//contract", ("ct_9",))
    run.begin()
    step = run.call("draft", "ct_9")
    run.later(0.17).complete(step, "draft-1")
    run.hook("contract:ct_9")
    with run.commit():
        run.sleep(2 * 86400)
    return run


def import_rows(count: int, run_id: str = "wrun_01M8199R000000000000000000") -> Scribe:
    """Very many steps of one name."""
    run = Scribe(run_id, "workflow//shop.rows//import_rows", (count,))
    run.begin()
    for at in range(0, count, 50):
        with run.commit():
            steps = [run.call("step//shop.rows//row", f"row-{n}") for n in range(at, min(count, at + 50))]
        for step in steps:
            run.later(0.01).complete(step)
    run.add(EventKind.RUN_COMPLETED, output=count)
    return run
