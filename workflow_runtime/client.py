"""Starting runs, and what one can ask of a run, from outside of workflow code."""

from __future__ import annotations

import inspect
import secrets
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, ParamSpec, TypeVar

from workflow_runtime.errors import RunCancelledError, RunFailedError, WorkflowError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.ids import new_message_id, new_run_id
from workflow_runtime.machine.current import running_machine
from workflow_runtime.marking import is_step, workflow_id
from workflow_runtime.process import process_world, warn_of_idle_handlers
from workflow_runtime.project import bundle_hash_of, workflow_of_script
from workflow_runtime.values import PROCESS_CLASSES, decode, decode_error, encode_call, return_hint
from workflow_runtime.values.classes import ScriptClasses
from workflow_runtime.worlds.base import Message, RunInfo, RunStatus

P = ParamSpec("P")
R = TypeVar("R")


class Run(Generic[R]):
    """One execution of a workflow. It holds no connection; each method asks the process's world."""

    def __init__(self, run_id: str, hint: object = Any) -> None:
        self.id = run_id
        self._hint = hint

    def __repr__(self) -> str:
        return f"Run({self.id!r})"

    async def status(self) -> RunStatus:
        """Where the run stands. Raises ``RunNotFoundError``."""
        return (await self.info()).status

    async def info(self) -> RunInfo:
        """The run's status, workflow and times. Raises ``RunNotFoundError``."""
        world = await process_world()
        return (await world.load(self.id, after=2**62)).run

    async def result(self, timeout: float | None = None) -> R:
        """Wait for the end, and give what the workflow returned.

        Raises ``RunFailedError``, whose ``__cause__`` is the workflow's own exception, ``RunCancelledError``,
        ``RunNotFoundError``, and ``TimeoutError`` when the run has not ended after ``timeout`` seconds.
        """
        world = await process_world()
        info = await world.wait_for_end(self.id, timeout)
        (end,) = (await world.load(self.id, after=info.slot - 1)).events
        if end.kind is EventKind.RUN_COMPLETED:
            value: R = decode(end.data["output"], self._hint, where=f"result of {self.id}")
            return value
        if end.kind is EventKind.RUN_CANCELLED:
            raise RunCancelledError(self.id, end.data.get("reason"))
        cause = decode_error(end.data["error"])
        raise RunFailedError(self.id, f"{type(cause).__name__}: {cause}") from cause


async def start(function: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs) -> Run[R]:
    """Start a workflow. When this returns, the run is stored, and it will end whatever happens to this process.

    Raises ``WorkflowNotRegisteredError`` when no imported ``_workflow`` package has the workflow, ``TypeError`` when
    the arguments do not fit its signature, ``SerializationError`` when one can not be stored, ``WorldError`` when the
    storage fails.
    """
    if running_machine() is not None:
        raise WorkflowError("start() was called in workflow code; call it in a step")
    body = inspect.unwrap(function)
    if is_step(body):
        raise WorkflowError(f"{body.__qualname__} is a step; start() takes a workflow, which calls the step")
    workflow, classes = workflow_id(body), PROCESS_CLASSES
    if body.__module__ == "__main__":
        workflow = workflow_of_script(body.__qualname__, getattr(sys.modules["__main__"], "__file__", None)) or workflow
        classes = ScriptClasses(workflow.split("//")[1])
    bundle = bundle_hash_of(workflow)
    inspect.signature(body).bind(*args, **kwargs)
    data = {
        "workflow": workflow,
        "bundle": bundle,
        "seed": secrets.token_hex(16),
        "input": encode_call(args, kwargs, classes, where=body.__qualname__),
    }
    run_id = new_run_id()
    world = await process_world()
    await world.create_run(
        run_id, Event(EventKind.RUN_CREATED, time.time(), "", data), Message(new_message_id(), run_id)
    )
    warn_of_idle_handlers(run_id)
    return Run(run_id, return_hint(body))


def get_run(run_id: str) -> Run[Any]:
    """The run with that id. Nothing is looked up until something is asked of it."""
    return Run(run_id)
