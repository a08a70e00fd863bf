"""What running code can ask about itself."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from workflow_runtime.errors import WorkflowError
from workflow_runtime.machine.current import running_machine


@dataclass(frozen=True, slots=True)
class StepMetadata:
    """The step that is running. ``attempt`` counts executions from 1."""

    run_id: str
    step_id: str
    """The correlation id, unique within the run and the same for every attempt: with ``run_id`` it makes an idempotency
    key.
    """
    name: str
    attempt: int
    started_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowMetadata:
    """The run whose workflow code is running."""

    run_id: str
    started_at: datetime
    """When the run was created."""


current_step: ContextVar[StepMetadata | None] = ContextVar("workflow_runtime_step", default=None)


def get_step_metadata() -> StepMetadata:
    """The step that is running. Raises ``WorkflowError`` outside of one, as when a step is called outside of a
    workflow.
    """
    metadata = current_step.get()
    if metadata is None or running_machine() is not None:
        raise WorkflowError("get_step_metadata() was called outside of a step that a workflow runs")
    return metadata


def get_workflow_metadata() -> WorkflowMetadata:
    """The run that is executing, in workflow code. Raises ``WorkflowError`` elsewhere."""
    machine = running_machine()
    if machine is None:
        raise WorkflowError(
            "get_workflow_metadata() was called outside of workflow code; in a step, use get_step_metadata()"
        )
    return WorkflowMetadata(machine.run_id, datetime.fromtimestamp(machine.created_at, UTC))
