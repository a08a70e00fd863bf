"""What type checkers must refuse: each line that ends with ``# error``, and no other. Nothing of it is run."""

from __future__ import annotations

from workflow_build.testing import AsyncWorkflows, Workflows
from workflow_runtime import Run, run_sync, start, step, workflow


@step(max_retries=5)
async def charge(card: str, cents: int) -> int:
    return cents


@step
def label(order: str) -> bytes:
    return order.encode()


@workflow
async def checkout(order: str, cents: int = 0) -> int:
    await charge(order)  # error
    await charge(order, "much")  # error
    await charge(card=order, cents=5, hurry=True)  # error
    label(5)  # error
    paid: str = await charge(order, cents)  # error
    print(paid)
    return cents


async def starts() -> None:
    await start(checkout)  # error
    await start(checkout, 5)  # error
    await start(checkout, "o", "much")  # error
    await start(checkout, order="o", color="red")  # error
    await start(label, "o")  # error
    await start.options(key=5)(checkout, "o")  # error
    await start.options(key="k")(checkout, 5)  # error
    run = await start(checkout, "o")
    wrong: Run[str] = run  # error
    result: str = await run.result()  # error
    await run.result("soon")  # error
    await run.cancel(5)  # error
    print(wrong, result)


def starts_in_sync_code() -> None:
    run_sync(start(checkout, 5))  # error
    result: str = run_sync(start(checkout, "o"))  # error
    print(result)


@workflow  # error
def not_async(order: str) -> int:
    return len(order)


@workflow(concurrency="two")  # error
async def limited(order: str) -> int:
    return len(order)


@workflow(rate="1/second")
async def slow(order: str) -> int:
    return len(order)


async def starts_what_is_limited() -> None:
    await start(slow, 5)  # error
    await start(slow)  # error
    result: str = await (await start(slow, "o")).result()  # error
    print(result)


@step(max_retries="many")  # error
async def many() -> None: ...


@step(timeout=[5])  # error
async def long() -> None: ...


@step(retries=5)  # error
async def misspelt() -> None: ...


def tests(workflows: Workflows) -> None:
    workflows.run(checkout, 5)  # error
    workflows.start(checkout)  # error
    result: str = workflows.run(checkout, "o")  # error
    workflows.fake(charge).returns("much")  # error
    workflows.fake(charge).raises("OSError")  # error
    workflows.fake(charge).calls(lambda: 5)  # error
    workflows.fake(label).calls(lambda order: 5)  # error
    workflows.options(crash=5)  # error
    print(result)


async def async_tests(workflows: AsyncWorkflows) -> None:
    await workflows.run(checkout, 5)  # error
    result: str = await workflows.run(checkout, "o")  # error
    print(result)
