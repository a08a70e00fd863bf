"""Durable workflows inside the Python app that you already have."""

from workflow_runtime.client import Run, get_run, start
from workflow_runtime.context import StepMetadata, WorkflowMetadata, get_step_metadata, get_workflow_metadata
from workflow_runtime.errors import (
    CorruptedEventLogError,
    FatalError,
    NondeterminismError,
    ReplayDivergenceError,
    RetryableError,
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    SerializationError,
    StepNotRegisteredError,
    TooEarlyError,
    WorkflowError,
    WorkflowNotRegisteredError,
    WorldError,
)
from workflow_runtime.marking import step, workflow
from workflow_runtime.sleeping import sleep
from workflow_runtime.worlds.base import RunStatus

__all__ = [
    "CorruptedEventLogError",
    "FatalError",
    "NondeterminismError",
    "ReplayDivergenceError",
    "RetryableError",
    "Run",
    "RunCancelledError",
    "RunFailedError",
    "RunNotFoundError",
    "RunStatus",
    "SerializationError",
    "StepMetadata",
    "StepNotRegisteredError",
    "TooEarlyError",
    "WorkflowError",
    "WorkflowMetadata",
    "WorkflowNotRegisteredError",
    "WorldError",
    "get_run",
    "get_step_metadata",
    "get_workflow_metadata",
    "sleep",
    "start",
    "step",
    "workflow",
]
