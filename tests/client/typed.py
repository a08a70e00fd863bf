"""What type checkers know of the client: `make check` has mypy read this file, to which an ignore that is not needed is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workflow_runtime import (
    Hook,
    HookDefinition,
    Run,
    Webhook,
    WebhookRequest,
    create_hook,
    create_webhook,
    define_hook,
    start,
)

from .office import families, hooking
from .office.models import Approval

if TYPE_CHECKING:
    from typing import assert_type

    async def _starting() -> None:
        run = await start(families.double, 2)
        assert_type(run, Run[int])
        assert_type(await run.result(), int)
        assert_type(await start.options(key="k", delay="1 h")(hooking.approve, token="t"), Run[Approval])
        await start(families.double, "2")  # type: ignore[arg-type]  # the promise
        await start(families.double)  # type: ignore[call-arg]  # the promise
        await start.options(key="k")(families.double, 1, 2)  # type: ignore[call-arg]  # the promise
        await start(families.fibonacci, nmber=2)  # type: ignore[call-arg]  # the promise

    async def _hooks() -> None:
        assert_type(create_hook(Approval), Hook[Approval])
        assert_type(await create_hook(Approval), Approval)
        assert_type(create_hook(token="a"), Hook[Any])
        assert_type(create_hook(list[int]), Hook[list[int]])
        assert_type(create_hook(Approval | None), Hook[Any])
        async for given in create_hook(Approval):
            assert_type(given, Approval)
        with create_hook(Approval) as hook:
            assert_type(await hook, Approval)
        defined = define_hook(Approval)
        assert_type(defined, HookDefinition[Approval])
        assert_type(await defined.create(token="a"), Approval)
        await defined.resume("a", Approval(True, "me"))
        await defined.resume("a", "yes")  # type: ignore[arg-type]  # the promise
        assert_type(await create_webhook(respond="manual"), WebhookRequest)
        with create_webhook() as webhook:
            assert_type(webhook, Webhook)
        create_webhook(respond="automatic")  # type: ignore[arg-type]  # the promise
