"""Workflows that start others, and that go on as others."""

from __future__ import annotations

import asyncio
from typing import Any

from workflow_runtime import (
    Run,
    RunCancelledError,
    RunFailedError,
    RunInfo,
    RunNotFoundError,
    RunStatus,
    WorkflowError,
    WorkflowMetadata,
    cancel_runs,
    continue_as_new,
    create_hook,
    get_run,
    get_workflow_metadata,
    list_runs,
    set_attributes,
    start,
    step,
    workflow,
)

from .models import Approval, OutOfPaper, Ticket


@workflow
async def double(number: int) -> int:
    return 2 * number


@workflow
async def parent(numbers: list[int]) -> list[int]:
    runs = [await start(double, number) for number in numbers]
    return list(await asyncio.gather(*(run.result() for run in runs)))


@step
async def feed_paper() -> None:
    raise OutOfPaper("tray 2")


@workflow
async def printing() -> None:
    await feed_paper()


@workflow
async def supervisor() -> str:
    run = await start(printing)
    try:
        await run.result()
    except RunFailedError as error:
        return f"{error.run_id == run.id} {isinstance(error.__cause__, OutOfPaper)} {error.__cause__}"
    return "printed"


@workflow
async def waiting(token: str) -> Approval:
    return await create_hook(Approval, token=token)


@workflow
async def canceller(token: str) -> list[object]:
    run = await start(waiting, token)
    await create_hook(token=f"{token}:go")
    cancelled = [await run.cancel("enough"), await run.cancel("again")]
    try:
        await run.result()
    except RunCancelledError as error:
        return [*cancelled, error.reason, await run.status()]
    return []


@workflow
async def keeper(token: str) -> Approval:
    """Its child waits for ever."""
    return await (await start(grandparent, token)).result()


@workflow
async def grandparent(token: str) -> Approval:
    return await (await start(waiting, token)).result()


@workflow
async def fibonacci(number: int) -> int:
    if number < 2:
        return number
    left, right = await start(fibonacci, number - 1), await start(fibonacci, number - 2)
    return sum(await asyncio.gather(left.result(), right.result()))


@workflow
async def count_down(number: int, gone: int = 0) -> str:
    if number == 0:
        return f"lift-off after {gone}"
    await asyncio.sleep(0)
    return continue_as_new(number - 1, gone=gone + 1)


@workflow
async def launch(number: int) -> str:
    return await (await start(count_down, number)).result()


@workflow
async def follower(run: Run[str]) -> Run[str] | None:
    return await run.successor()


@workflow
async def endless(token: str, round: int = 0) -> str:
    """Each round ends with a payload; ``stop`` ends it for good."""
    said = await create_hook(str, token=f"{token}:{round}")
    await set_attributes({"round": str(round)})
    if said == "stop":
        return f"stopped in round {round}"
    return continue_as_new(token, round + 1)


@workflow
async def impatient(token: str) -> str:
    run = await start(waiting, token)
    try:
        await run.result(timeout=0.05)
    except TimeoutError:
        return f"not yet: {await run.status()}"
    return "there"


@step
async def start_in_step(number: int) -> Run[int]:
    return await start(double, number)


@step
async def name_of(ticket: Ticket) -> list[str]:
    return [ticket.run.id, *(run.id for run in ticket.others)]


@workflow
async def passes(token: str) -> Ticket:
    """Runs go to and from steps, and are the result."""
    other = await start_in_step(21)
    assert await other.result() == 42
    ticket = Ticket(await start(waiting, token), [other])
    assert await name_of(ticket) == [ticket.run.id, other.id]
    return ticket


@workflow
async def reads(ticket: Ticket) -> list[object]:
    """A run that was given as an argument has a typed result in workflow code, too."""
    approval = await ticket.run.result()
    return [isinstance(approval, Approval), approval.by, [await run.result() for run in ticket.others]]


@step
async def tag_in_step(name: str) -> None:
    await set_attributes({"step": name, "old": None})


@workflow
async def tagged(name: str) -> str:
    await set_attributes({"workflow": name})
    await tag_in_step(name)
    return "done"


@workflow
async def too_many() -> str:
    try:
        await set_attributes({f"a{number}": "x" for number in range(64)})
    except ValueError as error:
        return str(error)
    return "fine"


@workflow
async def manager(token: str) -> list[object]:
    """Looks at other runs and cancels them, from workflow code."""
    found = [info.id for info in await list_runs(attributes={"of": token}, status=RunStatus.RUNNING)]
    cancelled = await cancel_runs(attributes={"of": token}, reason="cleaned up")
    status = [await get_run(run_id).status() for run_id in found]
    try:
        await get_run("wrun_NOBODY").status()
    except RunNotFoundError as error:
        return [len(found), cancelled, status, error.run_id]
    return []


@workflow
async def watches(run_id: str) -> object:
    return await get_run(run_id).result()


@workflow
async def starts(delay: bool) -> str:
    options = start.options(delay=1) if delay else start.options(key="k")
    try:
        await options(double, 1)
    except WorkflowError as error:
        return str(error)
    return "started"


@workflow
async def labelled() -> str:
    run = await start.options(attributes={"kind": "child"})(double, 4)
    return f"{run.id} {await run.result()}"


@workflow
async def fire_and_forget(number: int) -> Run[int]:
    """Ends with what it has only just decided."""
    run = await start(double, number)
    await set_attributes({"started": run.id})
    return run


@workflow
async def fire_and_fail(number: int) -> None:
    await start(double, number)
    raise OutOfPaper("after the start")


@step
async def state_of(run: Any) -> Any:
    return {"status": await run.status(), "info": await run.info(), "run": run}


@workflow
async def untyped() -> list[object]:
    told = await state_of(await start(double, 1))
    return [isinstance(told["status"], RunStatus), isinstance(told["info"], RunInfo), isinstance(told["run"], Run)]


@workflow
async def who(depth: int) -> list[WorkflowMetadata]:
    """What the run knows of itself, and what the runs below it know of themselves."""
    below = await (await start(who, depth - 1)).result() if depth else []
    return [get_workflow_metadata(), *below]
