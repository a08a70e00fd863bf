"""Every error of the runtime, one tree.

    Exception
    └── WorkflowError                  anything that this package raises
        ├── FatalError                 raised by steps: do not retry
        ├── RetryableError             raised by steps: retry, after a time of their choosing
        ├── TooEarlyError              raised by steps: come back later, not counted as a retry
        ├── StepTimeoutError           an attempt of a step took longer than its ``timeout``
        ├── RunFailedError             a run ended with an error; ``__cause__`` is the user's own exception
        ├── RunCancelledError          a run was cancelled
        ├── RunNotFoundError           no run has that id
        ├── HookNotFoundError          no live hook has that token
        ├── HookConflictError          another run has the hook's token
        ├── HookDisposedError          workflow code awaited a hook that it has disposed of
        ├── StreamClosedError          a stream that takes no more chunks
        ├── WriterLostError            an attempt that runs no more tried to write to a stream
        ├── EventLimitError            a run's log has grown too long
        ├── StepNotRegisteredError     a step that no imported module provides
        ├── WorkflowNotRegisteredError a workflow that no imported ``_workflow`` package provides
        ├── NondeterminismError        workflow code did what only a step may do
        ├── ReplayDivergenceError      workflow code decided otherwise than its log says
        ├── CorruptedEventLogError     a log that can not be right
        ├── SerializationError         a value that can not cross a step or workflow boundary
        └── WorldError                 the storage failed, or was asked for what it does not have

The type says whose fault it is: the first three are the user's steps speaking to the runtime, ``NondeterminismError``
and ``SerializationError`` are the user's code, ``WorldError`` is the storage, ``CorruptedEventLogError`` is data.
Messages say what happened, where, and what to do.
"""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = [
    "CorruptedEventLogError",
    "EventLimitError",
    "FatalError",
    "HookConflictError",
    "HookDisposedError",
    "HookNotFoundError",
    "NondeterminismError",
    "ReplayDivergenceError",
    "RetryableError",
    "RunCancelledError",
    "RunFailedError",
    "RunNotFoundError",
    "SerializationError",
    "StepNotRegisteredError",
    "StepTimeoutError",
    "StreamClosedError",
    "TooEarlyError",
    "WorkflowError",
    "WorkflowNotRegisteredError",
    "WorldError",
    "WriterLostError",
]


class WorkflowError(Exception):
    """Base of everything that the runtime raises."""


class FatalError(WorkflowError):
    """Raise it in a step, or derive from it, to fail the step at once, without retries."""


class RetryableError(WorkflowError):
    """Raise it in a step to be retried after ``retry_after`` (seconds, a timedelta, a datetime, or "5 minutes").

    The attempt counts. Without ``retry_after`` the step's own policy decides.
    """

    def __init__(self, *args: object, retry_after: float | str | timedelta | datetime | None = None) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class TooEarlyError(WorkflowError):
    """Raise it in a step to be run again after ``retry_after`` seconds. The attempt does not count as a retry."""

    def __init__(self, *args: object, retry_after: float = 1.0) -> None:
        super().__init__(*args)
        self.retry_after = retry_after


class RunFailedError(WorkflowError):
    """A run ended with an error. ``__cause__`` is the user's own exception, ``run_id`` the run."""

    def __init__(self, run_id: str, message: str) -> None:
        super().__init__(f"run {run_id} failed: {message}")
        self.run_id = run_id


class RunCancelledError(WorkflowError):
    """A run was cancelled. ``reason`` is what the caller of ``cancel`` gave, if anything."""

    def __init__(self, run_id: str, reason: str | None = None) -> None:
        super().__init__(f"run {run_id} was cancelled" + (f": {reason}" if reason else ""))
        self.run_id = run_id
        self.reason = reason


class RunNotFoundError(WorkflowError):
    """No run has that id in the world that was asked."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"no run {run_id!r} in this world; check the id and WORKFLOW_WORLD")
        self.run_id = run_id


class StepTimeoutError(WorkflowError):
    """An attempt of a step took longer than the ``timeout`` of its ``@step``. It counts as a failure like any other."""


class HookNotFoundError(WorkflowError):
    """No live hook has that token: its run has not come that far yet, has disposed of it, or has ended; or nobody ever opens one."""

    def __init__(self, token: str) -> None:
        super().__init__(
            f"no live hook has the token {token!r}: its run has not opened it yet, has disposed of it, or has ended"
        )
        self.token = token


class HookConflictError(WorkflowError):
    """Another hook has the token. ``run_id`` is its run: ``get_run(error.run_id)`` can be awaited, or the token chosen otherwise."""

    def __init__(self, token: str, run_id: str) -> None:
        super().__init__(f"the token {token!r} belongs to run {run_id} until that run ends or disposes of its hook")
        self.token = token
        self.run_id = run_id


class HookDisposedError(WorkflowError):
    """Workflow code awaited a payload of a hook that it has disposed of. ``async for`` ends there instead."""

    def __init__(self, token: str) -> None:
        super().__init__(f"the hook {token!r} was disposed of, and no payload can come any more")
        self.token = token


class StreamClosedError(WorkflowError):
    """The stream is closed, or its run has ended: it takes no more chunks."""

    def __init__(self, run_id: str, name: str) -> None:
        super().__init__(f"stream {name!r} of run {run_id} is closed and takes no more chunks")
        self.run_id = run_id
        self.name = name


class WriterLostError(WorkflowError):
    """An attempt of a step wrote to a stream after it was taken for dead, or its step had ended: nothing was written."""

    def __init__(self, run_id: str, step_id: str) -> None:
        super().__init__(f"{step_id} of run {run_id} wrote to a stream, but that attempt does not run any more")
        self.run_id = run_id
        self.step_id = step_id


class EventLimitError(WorkflowError):
    """The run's log has reached its limit; ``continue_as_new`` starts a fresh one, child runs have logs of their own."""

    def __init__(self, run_id: str, limit: int) -> None:
        super().__init__(
            f"the log of run {run_id} has reached {limit:,} events; go on with continue_as_new(), move work into child "
            "runs, or raise WORKFLOW_EVENT_LIMIT"
        )
        self.run_id = run_id
        self.limit = limit


class StepNotRegisteredError(WorkflowError):
    """A workflow called a step that this process does not provide, or whose module failed to import (``__cause__``)."""

    def __init__(self, step: str, detail: str = "run workflow-build and deploy its output with the code") -> None:
        super().__init__(f"{step} {'are' if ', ' in step else 'is'} not registered in this process; {detail}")
        self.step = step


class WorkflowNotRegisteredError(WorkflowError):
    """A workflow that no imported ``_workflow`` package provides."""

    def __init__(self, workflow: str, detail: str | None = None) -> None:
        advice = (
            detail or "import your project's _workflow package first, and run workflow-build if it lacks the workflow"
        )
        super().__init__(f"{workflow} is not registered in this process; {advice}")
        self.workflow = workflow


class NondeterminismError(WorkflowError):
    """Workflow code did something whose result replay could not repeat. Move it into a step."""


class ReplayDivergenceError(WorkflowError):
    """Workflow code decided otherwise than its log says; the message names both sides and the source line."""


class CorruptedEventLogError(WorkflowError):
    """A log that can not be right: an unknown event for its prefix, or an outcome that nobody asked for."""


class SerializationError(WorkflowError):
    """A value that can not cross a boundary. The message has the path to it, as in ``order.lines[2].price``."""


class WorldError(WorkflowError):
    """The storage failed. Transient unless its message says otherwise; a handler answers with a later redelivery."""
