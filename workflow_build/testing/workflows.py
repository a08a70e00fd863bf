"""What the fixture for async tests gives: runs of the test's own, and what one does with them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Any, ParamSpec, TypeVar, overload

from workflow_build.testing.clock import moment_of
from workflow_build.testing.errors import StuckError
from workflow_build.testing.fakes import Fake, Fakes
from workflow_build.testing.host import CrashAt, Host
from workflow_build.testing.telling import pending, why_not_ended
from workflow_runtime.client import Start, start
from workflow_runtime.durations import Duration, when
from workflow_runtime.errors import WorkflowNotRegisteredError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.hooks import HookDetails, get_hook, resume_hook
from workflow_runtime.ids import wait_key
from workflow_runtime.runs import Run
from workflow_runtime.worlds.base import RunInfo

P = ParamSpec("P")
R = TypeVar("R")

__tracebackhide__ = True  # a failed test shows its own lines, not ours


class AsyncWorkflows:
    """The fixture ``async_workflows``: runs in the memory world, in which time stands still but for those who wait.

    Steps run on the test's own event loop. ``start``, ``run.result()``, ``resume_hook`` and their like work too.
    """

    def __init__(self, host: Host, fakes: Fakes, start: Start = start, crash_at: CrashAt | None = None) -> None:
        self._host = host
        self._fakes = fakes
        self._start = start
        self._crash_at = crash_at

    @property
    def now(self) -> datetime:
        """What time it is for the runs, in UTC. It begins with the real time, to the second, and moves when time is skipped."""
        return moment_of(self._host.clock.time)

    def options(
        self,
        *,
        crash_at: CrashAt | None = None,
        key: str | None = None,
        delay: Duration | None = None,
        attributes: Mapping[str, str] | None = None,
        priority: int | None = None,
    ) -> AsyncWorkflows:
        """The same, whose ``start`` and ``run`` do so with these options.

        ``crash_at``: as soon as that event is in the run's log, the worker dies as by ``kill -9``, with all that it has in hand, and another
        one takes its place: the kind of an event, as in "step_completed", for the first such, or a number for the n-th event. The others
        are those of ``start.options``. Raises ``ValueError`` for an event that there is not.
        """
        if isinstance(crash_at, str):
            crash_at = EventKind(crash_at)
        elif crash_at is not None and crash_at < 1:
            raise ValueError(f"the events of a run are counted from 1, so it can not crash at {crash_at}")
        chosen = start.options(key=key, delay=delay, attributes=attributes, priority=priority)
        return AsyncWorkflows(self._host, self._fakes, chosen, crash_at)

    async def start(
        self, workflow: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Run[R]:
        """Start a run. Raises what ``workflow_runtime.start`` raises."""
        try:
            with self._host.crashing(self._crash_at):
                return await self._start(workflow, *args, **kwargs)
        except WorkflowNotRegisteredError as error:
            raise WorkflowNotRegisteredError(
                error.workflow, "it is not among what was compiled for this session"
            ) from None

    async def run(self, workflow: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Start a run and give its result; see ``result``."""
        return await self.result(await self.start(workflow, *args, **kwargs))

    async def result(self, run: Run[R]) -> R:
        """Skip time until the run has ended, and give what its workflow returned.

        Raises what ``run.result()`` raises, and ``StuckError``, which says what the run waits for, when nothing will bring it to its end.
        """

        def found() -> RunInfo | None:
            info = self._host.run(self._host.last_of_chain(run.id))
            return info if info.status.ended else None

        await self._host.until(found, lambda: self._why(run.id), at_once=True)
        if (missed := self._host.crashes.pop(run.id, None)) is not None:
            raise StuckError(
                f"run {run.id} ended before it crashed at {missed!r}: that is not among its {len(self.events(run))} events"
            )
        return await run.result()

    async def advance(self, duration: Duration) -> None:
        """Let time go on by so much, or until then. What is due on the way happens in its order, and is done when this returns."""
        await self._host.advance(when(duration, self._host.clock.time), self._why_all)

    async def wait_for_sleep(self, run: Run[Any]) -> datetime:
        """Go on until the run sleeps, and nothing else happens; gives when it will wake.

        Raises ``StuckError`` when it never sleeps, whether it ends or not.
        """
        return moment_of(await self._host.until(lambda: self._sleeps_until(run.id), lambda: self._why(run.id)))

    async def wait_for_hook(self, run: Run[Any], token: str | None = None) -> HookDetails:
        """Go on until the run has a hook, the one with that ``token`` if it is given, and nothing else happens; gives the hook.

        Of several, that is the first that has had no payload. Raises ``StuckError`` when it never has one, whether it ends or not.
        """
        found = await self._host.until(lambda: self._hook_of(run.id, token), lambda: self._why(run.id))
        return await get_hook(found)

    async def resume(self, hook: HookDetails | str, payload: object = None, *, key: str | None = None) -> None:
        """Send a payload to a hook, or to the one with that token. Raises what ``resume_hook`` raises."""
        await resume_hook(hook if isinstance(hook, str) else hook.token, payload, key=key)

    @overload
    def fake(self, step: Callable[P, Coroutine[Any, Any, R]], /) -> Fake[P, R]: ...

    @overload
    def fake(self, step: Callable[P, R], /) -> Fake[P, R]: ...

    def fake(self, step: Callable[..., Any], /) -> Fake[..., Any]:
        """Until the test's end, have calls of ``step`` do something else: ``fake(charge).returns(5)``, ``.raises(…)`` or ``.calls(…)``.

        Raises ``ValueError`` for what is no step of the project.
        """
        return self._fakes.of(step)

    def events(self, run: Run[Any]) -> list[Event]:
        """The run's log. Raises ``RunNotFoundError``."""
        return self._host.events(run.id)

    def _why(self, run_id: str) -> str:
        return why_not_ended(self._host.run(self._host.last_of_chain(run_id)), self._host.events)

    def _why_all(self) -> str:
        live = [run for run in list(self._host.store.runs.values()) if not run.status.ended]
        return "; ".join(why_not_ended(run, self._host.events) for run in live) or "no run is left"

    def _sleeps_until(self, run_id: str) -> float | None:
        """When the run wakes, if the next thing that its own messages bring is the end of a wait. Raises ``StuckError`` when it has ended."""
        run_id = self._host.last_of_chain(run_id)
        if self._host.run(run_id).status.ended:
            raise StuckError(f"it does not sleep: {self._why(run_id)}")
        waits = {
            wait_key(run_id, event.entity)
            for event in pending(self._host.events(run_id))
            if event.kind is EventKind.WAIT_CREATED
        }
        moment, message = next(iter(self._host.delayed(run_id)), (None, None))
        return moment if message is not None and message.key in waits else None

    def _hook_of(self, run_id: str, token: str | None) -> str | None:
        run_id = self._host.last_of_chain(run_id)
        log = self._host.events(run_id)
        if self._host.run(run_id).status.ended:
            raise StuckError(f"it has no hook{f' {token!r}' if token else ''}: {self._why(run_id)}")
        had = {event.entity for event in log if event.kind is EventKind.HOOK_RECEIVED}
        live = [event for event in pending(log) if event.kind is EventKind.HOOK_CREATED]
        if token is not None:
            return token if any(event.data["token"] == token for event in live) else None
        live.sort(key=lambda event: event.entity in had)
        return live[0].data["token"] if live else None
