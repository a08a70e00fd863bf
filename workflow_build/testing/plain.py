"""What the fixture for plain tests gives: the same, for code that can not await."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, ParamSpec, TypeVar

from workflow_build.testing.errors import StuckError
from workflow_build.testing.host import CrashAt
from workflow_build.testing.workflows import AsyncWorkflows
from workflow_runtime.background import run_sync
from workflow_runtime.durations import Duration
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Event
from workflow_runtime.hooks import HookDetails
from workflow_runtime.runs import Run

P = ParamSpec("P")
R = TypeVar("R")

__tracebackhide__ = True  # a failed test shows its own lines, not ours


class Workflows:
    """The fixture ``workflows``: what ``AsyncWorkflows`` does, for tests that are plain functions.

    Steps run on an event loop in another thread, as those of sync apps do. In async tests its methods raise ``WorkflowError``.
    """

    def __init__(self, inner: AsyncWorkflows) -> None:
        self._inner = inner
        self.fake = inner.fake
        """See ``AsyncWorkflows.fake``."""

    @property
    def now(self) -> datetime:
        """See ``AsyncWorkflows.now``."""
        return self._inner.now

    def options(
        self,
        *,
        crash_at: CrashAt | None = None,
        key: str | None = None,
        delay: Duration | None = None,
        attributes: Mapping[str, str] | None = None,
        priority: int | None = None,
    ) -> Workflows:
        """See ``AsyncWorkflows.options``."""
        chosen = self._inner.options(crash_at=crash_at, key=key, delay=delay, attributes=attributes, priority=priority)
        return Workflows(chosen)

    def start(self, workflow: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs) -> Run[R]:
        """See ``AsyncWorkflows.start``."""
        return _wait(self._inner.start(workflow, *args, **kwargs))

    def run(self, workflow: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """See ``AsyncWorkflows.run``."""
        return _wait(self._inner.run(workflow, *args, **kwargs))

    def result(self, run: Run[R]) -> R:
        """See ``AsyncWorkflows.result``."""
        return _wait(self._inner.result(run))

    def advance(self, duration: Duration) -> None:
        """See ``AsyncWorkflows.advance``."""
        _wait(self._inner.advance(duration))

    def wait_for_sleep(self, run: Run[Any]) -> datetime:
        """See ``AsyncWorkflows.wait_for_sleep``."""
        return _wait(self._inner.wait_for_sleep(run))

    def wait_for_hook(self, run: Run[Any], token: str | None = None) -> HookDetails:
        """See ``AsyncWorkflows.wait_for_hook``."""
        return _wait(self._inner.wait_for_hook(run, token))

    def resume(self, hook: HookDetails | str, payload: object = None, *, key: str | None = None) -> None:
        """See ``AsyncWorkflows.resume``."""
        _wait(self._inner.resume(hook, payload, key=key))

    def events(self, run: Run[Any]) -> list[Event]:
        """See ``AsyncWorkflows.events``."""
        return self._inner.events(run)


def _wait(work: Coroutine[Any, Any, R]) -> R:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        work.close()
        raise WorkflowError(
            "the fixture `workflows` is for plain tests; in an async one, take `async_workflows`, and await what it gives"
        )
    try:
        return run_sync(work)
    except (StuckError, WorkflowError) as error:
        raise error.with_traceback(None) from error.__cause__  # the way through two threads tells nobody anything
