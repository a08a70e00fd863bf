"""What type checkers must refuse of hooks, streams and waits: each line that ends with ``# error``, and no other."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_runtime import (
    Hook,
    Reply,
    RunStatus,
    cancel_runs,
    constant,
    create_hook,
    create_webhook,
    define_hook,
    exponential,
    get_run,
    get_writable,
    list_runs,
    resume_hook,
    set_attributes,
    sleep,
)


@dataclass
class Decision:
    approved: bool


decision = define_hook(Decision)


async def hooks() -> None:
    hook = create_hook(Decision)
    wrong: str = await hook  # error
    other: Hook[str] = hook  # error
    create_hook(Decision, "token")  # error
    create_hook(Decision, token=5)  # error
    async for payload in hook:
        print(payload.refused)  # error
    await decision.resume("t", True)  # error
    await decision.resume("t")  # error
    await resume_hook(5, True)  # error
    texts = create_hook(list[str])
    numbers: list[int] = await texts  # error
    print(wrong, other, numbers)


async def webhooks() -> None:
    create_webhook(respond="sometimes")  # error
    with create_webhook() as webhook:
        request = await webhook
        print(request.payload)  # error
        await request.respond("yes")  # error
    Reply(status="ok")  # error


async def waits() -> None:
    await sleep(["2 days"])  # error
    sleep.for_days(2)  # error
    constant(None)  # error
    exponential("1 s", factor="2")  # error


async def runs() -> None:
    get_run(5)  # error
    await list_runs(status=5)  # error
    await cancel_runs(status="running", reason=5)  # error
    status: RunStatus = await get_run("r").info()  # error
    for value in get_run("r").stream():  # error
        print(value)
    get_run("r").stream(start="first")  # error
    await get_writable(5).write("x")  # error
    await set_attributes({"a": 5})  # error
    print(status)
