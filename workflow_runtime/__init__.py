"""Durable workflows inside the Python app that you already have."""

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
