"""Workflows that wait for payloads."""

from __future__ import annotations

import asyncio

from workflow_runtime import (
    HookConflictError,
    Reply,
    SerializationError,
    create_hook,
    create_webhook,
    define_hook,
    get_hook,
    get_workflow_metadata,
    resume_hook,
    step,
    workflow,
)
from workflow_runtime import WebhookRequest as Request

from .models import Approval

approval = define_hook(Approval)


@workflow
async def approve(token: str) -> Approval:
    return await approval.create(token=token, metadata={"for": token})


@workflow
async def collect(token: str, count: int) -> list[Approval]:
    got: list[Approval] = []
    async with create_hook(Approval, token=token) as hook:
        async for given in hook:
            got.append(given)
            if len(got) == count:
                hook.dispose()
    return got


@workflow
async def first_of_both(token: str, gate: str) -> list[object]:
    """Awaits the gate before it awaits the other hook."""
    hook = create_hook(int, token=token)
    opened = await create_hook(token=gate)
    return [opened, await hook, await hook]


@workflow
async def patient(token: str, seconds: float) -> str:
    hook = create_hook(str, token=token)
    try:
        async with asyncio.timeout(seconds):
            return await hook
    except TimeoutError:
        return f"late: {await hook}"


@workflow
async def strict(token: str) -> list[str]:
    hook = create_hook(Approval, token=token)
    said = []
    try:
        await hook
    except SerializationError as error:
        said.append(str(error))
    return [*said, (await hook).by]


@workflow
async def freed(token: str, gate: str) -> str:
    with create_hook(token=token):
        await create_hook(token=f"{gate}:1")
    return str(await create_hook(token=f"{gate}:2"))


@workflow
async def own_token() -> list[str]:
    tokens = [create_hook().token for _ in range(2)]
    await asyncio.sleep(0.01)
    return tokens


@workflow
async def clash(token: str) -> str:
    try:
        await create_hook(token=token)
    except HookConflictError as error:
        return f"{error.token} is {error.run_id}'s"
    return "mine"


@workflow
async def adopt(token: str) -> str:
    """A mutex: the second to come has the first one's result."""
    hook = create_hook(str, token=token)
    owner = await hook.conflict()
    if owner is not None:
        return f"adopted {await owner.result()}"
    return await hook


@workflow
async def signal(token: str) -> str:
    """A mutex: the second to come tells the first."""
    hook = create_hook(str, token=token)
    owner = await hook.conflict()
    if owner is None:
        return f"told {await hook}"
    run = await resume_hook(token, "about me", key="once")
    return "told the owner" if run == owner else "told somebody else"


@workflow
async def supersede(token: str) -> str:
    """A mutex: the last to come has it."""
    hook = create_hook(str, token=token)
    while (owner := await hook.conflict()) is not None:
        await owner.cancel("superseded")
        hook = create_hook(str, token=token)
    return await hook


@workflow
async def looks(token: str) -> list[object]:
    details = await get_hook(token)
    return [details.token, details.metadata, details.is_webhook, await details.run.status()]


@step
async def answer(request: Request) -> bool:
    return await request.respond(Reply.json({"got": request.json()}, status=201))


@workflow
async def webhook(token: str | None, respond: str) -> dict[str, object]:
    how = {"fixed": Reply(402, {"x-why": "money"}, "pay first"), "status": 204, "manual": "manual"}
    made = create_webhook(token=token, respond=how.get(respond, 202))  # type: ignore[arg-type]  # a dict of all kinds
    request = await made
    answered = [await answer(request), await request.respond(Reply())] if respond == "manual" else []
    return {"method": request.method, "text": request.text(), "answered": answered, "url": made.url}


@workflow
async def identity() -> str:
    return get_workflow_metadata().run_id


@workflow
async def again(token: str) -> list[str]:
    """One token after the other, each time a new hook."""
    said = []
    for _ in range(3):
        with create_hook(str, token=token) as hook:
            said.append(await hook)
    return said


@workflow
async def twice(token: str) -> str:
    first = create_hook(str, token=token)
    owner = await create_hook(str, token=token).conflict()
    return f"{owner is not None and owner.id == get_workflow_metadata().run_id} {await first}"


@workflow
async def race(token: str, seconds: float) -> str:
    hook = create_hook(str, token=token)
    timer = asyncio.create_task(asyncio.sleep(seconds, "late"))
    done, _ = await asyncio.wait([asyncio.ensure_future(hook), timer], return_when=asyncio.FIRST_COMPLETED)
    return done.pop().result()


@workflow
async def both(token: str) -> list[str]:
    """Payloads go to those who wait, in the order in which they came to wait."""
    hook = create_hook(str, token=token)

    async def one() -> str:
        return await hook

    return list(await asyncio.gather(one(), one(), one()))


@step
async def approve_in_step(token: str) -> str:
    return (await approval.resume(token, Approval(True, "a step"))).id


@workflow
async def approver(token: str) -> str:
    return await approve_in_step(token)


@workflow
async def forwards(token: str) -> str:
    """Its payload is of a class that only workflow code knows, and goes on through a step of the runtime's own."""
    return (await approval.resume(token, Approval(True, "a workflow"))).id
