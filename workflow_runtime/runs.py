"""Runs: what one can ask of them, in workflow code and elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from workflow_runtime import builtin
from workflow_runtime.attributes import checked_attributes
from workflow_runtime.builtin import LIVE, ask
from workflow_runtime.errors import RunCancelledError, RunFailedError, RunNotFoundError
from workflow_runtime.events import EventKind, Json
from workflow_runtime.handler.ends import last_event
from workflow_runtime.identity import workflow_of
from workflow_runtime.machine.current import running_machine
from workflow_runtime.process import process_world
from workflow_runtime.slots import waiting_for_a_run
from workflow_runtime.streams import Stream, StreamReader
from workflow_runtime.values import PROCESS_CLASSES, Classes, decode, decode_error
from workflow_runtime.values.handles import HandleKind, register_handle
from workflow_runtime.worlds.base import RunInfo, RunStatus, StreamInfo
from workflow_runtime.worlds.encoding import storable

R = TypeVar("R")


class Run(Generic[R]):
    """One execution of a workflow. It holds no connection, and may be passed on: to steps, to other runs, in results.

    All its methods work in workflow code as well. There ``result()`` waits without holding anything, and each of the others is a
    step, so that a replay gives the same answer.
    """

    __slots__ = ("_hint", "id")

    def __init__(self, run_id: str, hint: object = Any) -> None:
        self.id = run_id
        self._hint = hint

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    async def status(self) -> RunStatus:
        """Where the run stands; ``CONTINUED`` when another one goes on in its place. Raises ``RunNotFoundError``."""
        return (await self.info()).status

    async def info(self) -> RunInfo:
        """The run's status, workflow, times, parent and attributes. Raises ``RunNotFoundError``."""
        info = await ask(builtin.find_run, self.id)
        if info is None:
            raise RunNotFoundError(self.id)
        return info

    async def result(self, timeout: float | None = None) -> R:
        """Wait for the end, and give what the workflow returned. When the run was continued, that is the last one's result.

        Raises ``RunFailedError``, whose ``__cause__`` is the workflow's own exception, ``RunCancelledError``,
        ``RunNotFoundError``, and ``TimeoutError`` when the run has not ended after ``timeout`` seconds.
        """
        machine = running_machine()
        if machine is None:
            return self._value(await _end_of_chain(self.id, timeout), PROCESS_CLASSES)
        if not storable(self.id) or "\0" in self.id:
            raise RunNotFoundError(self.id)  # no run is called so, and no log could hold that it is awaited
        try:
            async with asyncio.timeout(timeout):
                end = await machine.watch(self.id, machine.here())
        except TimeoutError:
            raise _has_not_ended(self.id, timeout) from None
        return self._value(end, machine.program.classes)

    async def successor(self) -> Run[R] | None:
        """The run that goes on in this one's place, when it was continued (``continue_as_new``); else None.

        That one may have been continued itself: ask it. Raises ``RunNotFoundError``.
        """
        if await self.status() is not RunStatus.CONTINUED:
            return None
        return Run(await ask(builtin.find_successor, self.id), self._hint)

    async def cancel(self, reason: str | None = None) -> bool:
        """Cancel the run, its steps, and the runs that its workflow has started. False when it has ended already.

        A run that was continued is cancelled where it goes on. ``reason`` is what ``RunCancelledError`` says of it. Raises
        ``RunNotFoundError``.
        """
        cancelled = await ask(builtin.cancel_run, self.id, _checked_reason(reason))
        if cancelled is None:
            raise RunNotFoundError(self.id)
        return cancelled

    async def retry(self, *, current_code: bool = False) -> Run[R]:
        """Run it again from where it failed, or was cancelled: gives a new run, which has all that this one completed. Asked again, the same.

        ``current_code``: by the workflow's code as it is built now, and not as it was when this run started: when that was the fault. Raises
        ``RunNotFoundError``; ``WorkflowError`` when the run has not failed, or would only fail again; ``WorkflowNotRegisteredError`` when
        this process has not its code; ``ReplayDivergenceError`` when the code decides otherwise than this run did before it failed.
        """
        retried = await ask(builtin.retry_run, self.id, current_code)
        if retried is None:
            raise RunNotFoundError(self.id)
        return Run(retried, self._hint)

    def stream(self, name: str = "default", start: int = 0) -> StreamReader:
        """The values that the run's steps write to that stream, from index ``start`` on: ``async for value in run.stream()``.

        Negative counts from the end. Raises ``NondeterminismError`` in workflow code, where a step has to read it.
        """
        return Stream(self.id, name).read(start)

    async def streams(self) -> list[StreamInfo]:
        """The run's streams, by name. Raises ``RunNotFoundError``."""
        found = await ask(builtin.find_streams, self.id)
        if found is None:
            raise RunNotFoundError(self.id)
        return found

    def _value(self, end: Mapping[str, Json], classes: Classes) -> R:
        run_id = end["run"]
        if end["status"] == RunStatus.COMPLETED:
            value: R = decode(end["output"], self._hint, classes, where=f"result of {run_id}")
            return value
        if end["status"] == RunStatus.CANCELLED:
            raise RunCancelledError(run_id, end.get("reason"))
        cause = decode_error(end["error"], classes)
        if isinstance(cause, RunNotFoundError) and cause.run_id == run_id:
            raise cause  # it did not fail of that: it is not there
        raise RunFailedError(run_id, f"{type(cause).__name__}: {cause}") from cause


register_handle(
    HandleKind(
        cls=Run,
        tag="Run",
        write=lambda run: {"id": run.id},
        read=lambda data, argument: Run(_text(data["id"]), argument),
    )
)


def get_run(run_id: str) -> Run[Any]:
    """The run with that id. Nothing is looked up until something is asked of it."""
    return Run(_text(run_id))


async def list_runs(
    *,
    status: RunStatus | Collection[RunStatus] | None = None,
    workflow: str | Callable[..., Any] | None = None,
    parent: Run[Any] | None = None,
    attributes: Mapping[str, str] | None = None,
    before: Run[Any] | None = None,
    limit: int = 100,
) -> list[RunInfo]:
    """Runs that fit all that is given, newest first, at most ``limit``; with ``before``, those that are older than that one.

    ``workflow`` is the function, or its id; ``attributes`` fit a run that has each of them. Raises ``RunNotFoundError`` when ``before`` is
    not there.
    """
    return await ask(
        builtin.find_runs,
        None if status is None else _statuses(status),
        _workflow(workflow),
        None if parent is None else parent.id,
        None if attributes is None else checked_attributes(attributes),
        None if before is None else before.id,
        limit,
    )


async def cancel_runs(
    *,
    status: RunStatus | Collection[RunStatus] | None = None,
    workflow: str | Callable[..., Any] | None = None,
    attributes: Mapping[str, str] | None = None,
    reason: str | None = None,
    limit: int | None = None,
) -> int:
    """Cancel the runs that fit all that is given, newest first, at most ``limit`` if that is given; how many were cancelled.

    ``status`` is pending, running or both, which is what it is when left out. Raises ``ValueError`` when nothing says which runs: to cancel all
    that live, give both statuses.
    """
    if status is None and workflow is None and not attributes:
        raise ValueError(
            "cancel_runs() was not told which runs; give workflow=, attributes= or status= "
            "(status=(RunStatus.PENDING, RunStatus.RUNNING) for all that live)"
        )
    wanted = LIVE if status is None else _statuses(status)
    if ended := [one.value for one in wanted if one.ended]:
        raise ValueError(f"a run that is {' or '.join(ended)} can not be cancelled; status may be pending or running")
    found = None if attributes is None else checked_attributes(attributes)
    return await ask(builtin.cancel_runs, wanted, _workflow(workflow), found, _checked_reason(reason), limit)


async def _end_of_chain(run_id: str, timeout: float | None) -> Mapping[str, Json]:
    """What ``watch_completed`` says, from the log itself."""
    world = await process_world()
    deadline = None if timeout is None else time.monotonic() + timeout
    last = run_id
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            with waiting_for_a_run():
                info = await world.wait_for_end(last, left)
        except TimeoutError:
            raise _has_not_ended(run_id, timeout) from None
        end = await last_event(world, info)
        if end.kind is not EventKind.RUN_CONTINUED:
            return {"run": last, "status": info.status.value, **end.data}
        last = end.data["run"]


def _has_not_ended(run_id: str, timeout: float | None) -> TimeoutError:
    unit = "second" if timeout == 1 else "seconds"
    return TimeoutError(f"run {run_id} has not ended within {timeout:g} {unit}; it goes on")


def _statuses(status: RunStatus | Collection[RunStatus]) -> Sequence[RunStatus]:
    return [RunStatus(one) for one in ([status] if isinstance(status, str) else status)]


def _workflow(workflow: str | Callable[..., Any] | None) -> str | None:
    if isinstance(workflow, str) and not workflow.startswith("workflow//"):
        raise ValueError(
            f"{workflow!r} is no workflow's id; give the function, or its id, as in workflow//shop.orders//checkout"
        )
    return workflow if workflow is None or isinstance(workflow, str) else workflow_of(workflow).workflow


def _checked_reason(reason: object) -> str | None:
    if reason is not None and not isinstance(reason, str):
        raise TypeError(f"the reason of a cancellation is text, not {reason!r}")
    return reason


def _text(run_id: object) -> str:
    if not isinstance(run_id, str):
        raise TypeError(f"the id of a run is text, not {run_id!r}")
    return run_id
