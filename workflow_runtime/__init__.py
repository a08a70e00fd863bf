"""Durable workflows inside the Python app that you already have.

The first of the names below that is asked for imports them all; a command that asks for none is spared that.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_runtime.attributes import set_attributes
    from workflow_runtime.background import iterate_sync, run_sync
    from workflow_runtime.client import start
    from workflow_runtime.context import (
        StepMetadata,
        WorkflowMetadata,
        get_step_metadata,
        get_workflow_metadata,
        step_cancelled,
    )
    from workflow_runtime.continuing import continue_as_new
    from workflow_runtime.errors import (
        CorruptedEventLogError,
        EventLimitError,
        FatalError,
        HookConflictError,
        HookDisposedError,
        HookNotFoundError,
        NondeterminismError,
        ReplayDivergenceError,
        RetryableError,
        RunCancelledError,
        RunFailedError,
        RunNotFoundError,
        SerializationError,
        StepNotRegisteredError,
        StepTimeoutError,
        StreamClosedError,
        TooEarlyError,
        WorkflowError,
        WorkflowNotRegisteredError,
        WorldError,
        WriterLostError,
    )
    from workflow_runtime.hooks import (
        Hook,
        HookDefinition,
        HookDetails,
        create_hook,
        define_hook,
        get_hook,
        resume_hook,
    )
    from workflow_runtime.marking import step, workflow
    from workflow_runtime.retries import NO_RETRY, constant, exponential, linear
    from workflow_runtime.runs import Run, cancel_runs, get_run, list_runs
    from workflow_runtime.sleeping import sleep
    from workflow_runtime.streams import Stream, StreamReader, get_writable
    from workflow_runtime.webhooks import Reply, Webhook, WebhookRequest, create_webhook
    from workflow_runtime.worlds.base import RunInfo, RunStatus

__all__ = [
    "NO_RETRY",
    "CorruptedEventLogError",
    "EventLimitError",
    "FatalError",
    "Hook",
    "HookConflictError",
    "HookDefinition",
    "HookDetails",
    "HookDisposedError",
    "HookNotFoundError",
    "NondeterminismError",
    "ReplayDivergenceError",
    "Reply",
    "RetryableError",
    "Run",
    "RunCancelledError",
    "RunFailedError",
    "RunInfo",
    "RunNotFoundError",
    "RunStatus",
    "SerializationError",
    "StepMetadata",
    "StepNotRegisteredError",
    "StepTimeoutError",
    "Stream",
    "StreamClosedError",
    "StreamReader",
    "TooEarlyError",
    "Webhook",
    "WebhookRequest",
    "WorkflowError",
    "WorkflowMetadata",
    "WorkflowNotRegisteredError",
    "WorldError",
    "WriterLostError",
    "cancel_runs",
    "constant",
    "continue_as_new",
    "create_hook",
    "create_webhook",
    "define_hook",
    "exponential",
    "get_hook",
    "get_run",
    "get_step_metadata",
    "get_workflow_metadata",
    "get_writable",
    "iterate_sync",
    "linear",
    "list_runs",
    "resume_hook",
    "run_sync",
    "set_attributes",
    "sleep",
    "start",
    "step",
    "step_cancelled",
    "workflow",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = _import_all()
        # Only what is not there: whoever has put something in a name's place wants to keep it.
        globals().update((known, found[known]) for known in __all__ if known not in globals())
        return globals()[name]

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})

    def _import_all() -> dict[str, object]:
        """Each public name with what it names. The imports are statements, so that tools that follow those find the modules."""
        from workflow_runtime import (
            attributes,
            background,
            client,
            context,
            continuing,
            errors,
            hooks,
            marking,
            retries,
            runs,
            sleeping,
            streams,
            webhooks,
        )
        from workflow_runtime.worlds import base

        homes = (
            *(attributes, background, client, context, continuing, errors, hooks, marking, retries, runs),
            *(sleeping, streams, webhooks, base),
        )
        return {name: vars(home)[name] for home in reversed(homes) for name in __all__ if name in vars(home)}
