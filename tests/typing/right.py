"""What type checkers must accept, and which types they must see. Nothing of it is run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn, TypeVar, assert_type

from workflow_build.testing import AsyncWorkflows, Workflows
from workflow_runtime import (
    NO_RETRY,
    Hook,
    HookDetails,
    Reply,
    Run,
    RunInfo,
    RunStatus,
    Stream,
    WebhookRequest,
    cancel_runs,
    constant,
    continue_as_new,
    create_hook,
    create_webhook,
    define_hook,
    exponential,
    get_hook,
    get_run,
    get_step_metadata,
    get_workflow_metadata,
    get_writable,
    iterate_sync,
    list_runs,
    resume_hook,
    run_sync,
    set_attributes,
    sleep,
    start,
    step,
    workflow,
)

T = TypeVar("T")


@dataclass
class Order:
    """What is bought."""

    id: str
    cents: int


@dataclass
class Receipt:
    """What was paid."""

    paid: int


@step
async def charge(card: str, cents: int = 0, *, hurry: bool = False) -> Receipt:
    """A step without options."""
    assert_type(get_step_metadata().started_at, datetime)
    assert_type(get_step_metadata().idempotency_key, str)
    return Receipt(cents)


@step(max_retries=5, retry={OSError: NO_RETRY, Exception: exponential("1 s", cap=timedelta(minutes=1))}, timeout="30 s")
async def reserve(items: list[str]) -> int:
    """A step with options."""
    return len(items)


@step(retry=constant(2))
def label(order: Order) -> bytes:
    """A step that runs in a thread."""
    get_writable("labels").write_sync(order.id)
    return order.id.encode()


class Depot:
    """Steps that are methods."""

    def __init__(self, name: str) -> None:
        self.name = name

    @step
    async def fetch(self, item: str) -> str:
        """An instance's."""
        return f"{item} from {self.name}"

    @staticmethod
    @step(max_retries=0)
    async def count(item: str) -> int:
        """Nobody's."""
        return len(item)

    @classmethod
    @step
    async def close(cls, hour: int) -> str:
        """The class's."""
        return f"{cls.__name__} closes at {hour}"


@step
async def first_of(items: list[T]) -> T:
    """A generic step."""
    return items[0]


@workflow
async def checkout(order: Order, *, gift: bool = False) -> Receipt:
    """Steps keep their signatures and results."""
    charging = charge("card", 5, hurry=gift)
    assert_type(await charging, Receipt)
    assert_type(await reserve(["tea"]), int)
    assert_type(await asyncio.to_thread(label, order), bytes)
    assert_type(await Depot("north").fetch("tea"), str)
    assert_type(await Depot.count("tea"), int)
    assert_type(await Depot.close(5), str)
    assert_type(await first_of([order]), Order)
    receipt, count = await asyncio.gather(charge("card"), reserve([]))
    assert_type(receipt, Receipt)
    assert_type(count, int)
    await sleep("2 days")
    await sleep(timedelta(days=2))
    assert_type(get_workflow_metadata().run_id, str)
    await set_attributes({"order": order.id, "old": None})
    return receipt


@workflow
async def approve(order: Order) -> bool:
    """Hooks give what they were created for."""
    with create_hook(Receipt, token="t", metadata={"order": order.id}) as hook:
        assert_type(hook, Hook[Receipt])
        assert_type(await hook, Receipt)
        async for payload in hook:
            assert_type(payload, Receipt)
        assert_type(await hook.conflict(), Run[Any] | None)
    assert_type(create_hook(), Hook[Any])
    assert_type(await create_hook(list[str]), list[str])
    either: Hook[int | str] = create_hook(int | str)
    assert_type(await either, int | str)
    async with decision.create(token="d") as decided:
        assert_type(await decided, Order)
    return True


decision = define_hook(Order)


@workflow
async def listen() -> str:
    """Webhooks give requests."""
    with create_webhook(respond="manual") as webhook:
        assert_type(webhook.url, str)
        request = await webhook
        assert_type(request, WebhookRequest)
        assert_type(await request.respond(Reply.json({"ok": True})), bool)
    with create_webhook(respond=Reply(204)) as other:
        return (await other).text()


@workflow
async def family(order: Order) -> int:
    """Children are runs."""
    run = await start(checkout, order)
    assert_type(run, Run[Receipt])
    assert_type(await run.result(), Receipt)
    if order.cents:
        continue_as_new(order)
    return 1


@step(concurrency=3, rate="10/second")
async def mail(to: str) -> int:
    """A step with limits."""
    return len(to)


@workflow(concurrency=2, rate="10/minute")
async def limited(order: Order, hours: int = 1) -> Receipt:
    """A workflow with options."""
    assert_type(await mail(order.id), int)
    return Receipt(hours)


@workflow
async def fan_out(orders: list[Order]) -> list[Receipt]:
    """Many at once."""
    runs = [await start(checkout, order, gift=True) for order in orders]
    return await asyncio.gather(*(run.result() for run in runs))


class Office:
    """Workflows that are methods."""

    @staticmethod
    @workflow
    async def open_at(hour: int) -> str:
        """Nobody's."""
        return f"open at {hour}"


async def unmarked(hour: int) -> bytes:
    """A workflow that is marked by its first statement."""
    "use workflow"
    return bytes(hour)


async def outside(order: Order) -> None:
    """What apps do."""
    run = await start(checkout, order, gift=True)
    assert_type(run, Run[Receipt])
    assert_type(await run.result(timeout=5), Receipt)
    assert_type(await run.status(), RunStatus)
    assert_type(await run.info(), RunInfo)
    assert_type(await run.cancel("enough"), bool)
    assert_type(await run.successor(), Run[Receipt] | None)
    assert_type(await start(Office.open_at, 5), Run[str])
    assert_type(await start(limited, order, hours=5), Run[Receipt])
    assert_type(await start(unmarked, hour=5), Run[bytes])
    keyed = await start.options(key="k", delay="1 h", attributes={"a": "b"})(approve, order)
    assert_type(keyed, Run[bool])
    assert_type(get_run(run.id), Run[Any])
    assert_type(await list_runs(workflow=checkout, status=RunStatus.RUNNING), list[RunInfo])
    assert_type(await cancel_runs(workflow=checkout, reason="enough"), int)
    assert_type(await resume_hook("t", Receipt(5), key="k"), Run[Any])
    assert_type(await decision.resume("d", order), Run[Any])
    assert_type(await get_hook("t"), HookDetails)
    assert_type(await charge("card", 5), Receipt)


async def reads(run: Run[Receipt]) -> None:
    """Streams."""
    async for value in run.stream("labels", start=-1):
        assert_type(value, Any)
    async for index, _ in run.stream().indexed():
        assert_type(index, int)
    assert_type(get_writable(), Stream)


def sync(order: Order) -> None:
    """What sync apps do."""
    run = run_sync(start(checkout, order))
    assert_type(run, Run[Receipt])
    assert_type(run_sync(run.result()), Receipt)
    for value in iterate_sync(run.stream()):
        assert_type(value, Any)


def never() -> NoReturn:
    """``continue_as_new`` does not return."""
    continue_as_new()


def steps_are_what_they_were() -> None:
    """A mark changes no type."""
    plain: Callable[[Order], bytes] = label
    assert_type(plain(Order("o", 1)), bytes)
    assert_type(label(Order("o", 1)), bytes)


def tests(workflows: Workflows, order: Order) -> None:
    """Plain tests of workflows."""
    assert_type(workflows.run(checkout, order, gift=True), Receipt)
    run = workflows.options(crash_at="step_created").start(checkout, order)
    assert_type(run, Run[Receipt])
    assert_type(workflows.result(run), Receipt)
    assert_type(workflows.wait_for_sleep(run), datetime)
    assert_type(workflows.wait_for_hook(run), HookDetails)
    workflows.fake(charge).returns(Receipt(5))
    workflows.fake(charge).calls(lambda card, cents=0, *, hurry=False: Receipt(cents))
    workflows.fake(label).returns(b"label")
    workflows.fake(label).calls(lambda order: order.id.encode())
    workflows.fake(Depot.count).raises(OSError)
    workflows.fake(reserve).raises(OSError("no"))


async def async_tests(workflows: AsyncWorkflows, order: Order) -> None:
    """Async tests of workflows."""
    assert_type(await workflows.run(checkout, order), Receipt)
    assert_type(await workflows.start(checkout, order), Run[Receipt])

    async def instead(items: list[str]) -> int:
        return 0

    workflows.fake(reserve).calls(instead)
