"""What running code can ask about itself."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from workflow_runtime.errors import WorkflowError
from workflow_runtime.ids import origin_of
from workflow_runtime.machine.current import running_machine


@dataclass(frozen=True, slots=True)
class StepMetadata:
    """The step that is running. ``attempt`` counts executions from 1."""

    run_id: str
    step_id: str
    """The correlation id, unique within the run and the same for every attempt."""
    name: str
    attempt: int
    started_at: datetime
    first_key: str | None = None
    """The ``idempotency_key`` that this call had in the run that is run again, when it was made there; else None."""

    @property
    def idempotency_key(self) -> str:
        """Names this call of the step among all calls of all steps: ``run_id:step_id``, the same for every attempt, also when the run is
        retried and the call is made once more. A call that is made for the first time then has one of its own.
        """
        return self.first_key or f"{self.run_id}:{self.step_id}"


@dataclass(frozen=True, slots=True)
class WorkflowMetadata:
    """The run whose workflow code is running."""

    run_id: str
    """Of a run that runs another one again, that one's: its code decides as it did."""
    workflow: str
    """The id of the workflow, as in ``workflow//shop.orders//checkout``."""
    started_at: datetime
    """When the run was created."""
    parent_id: str | None
    """The run that started this one, from its workflow or from a step; None when no run did."""
    root_id: str
    """The first of the parents; the run itself when it has none."""
    url: str | None
    """Where the app is reachable from outside, as ``WORKFLOW_URL`` said where the first of the runs was started."""


current_step: ContextVar[StepMetadata | None] = ContextVar("workflow_runtime_step", default=None)


@dataclass(slots=True)
class CallOff:
    """Whether an attempt has been called off. Its thread may look at any time."""

    called: bool = False
    unwanted: bool = False
    """Whether nobody wants its outcome any more, either. When its time is up, its failure is still wanted."""


current_call_off: ContextVar[CallOff | None] = ContextVar("workflow_runtime_call_off", default=None)
"""Set once the attempt that is running is called off. A thread can be asked to stop, and no more than that."""


def get_step_metadata() -> StepMetadata:
    """The step that is running. Raises ``WorkflowError`` outside of one, as when a step is called outside of a
    workflow.
    """
    metadata = current_step.get()
    if metadata is None or running_machine() is not None:
        raise WorkflowError("get_step_metadata() was called outside of a step that a workflow runs")
    return metadata


def step_cancelled() -> bool:
    """Whether the step that is running was called off, so that what it does from here on counts for nothing.

    A step that is a plain function can not be stopped, only asked: look at this in long loops, and return early. False
    when a step is called outside of a workflow. Async steps get ``asyncio.CancelledError`` and need not ask.
    """
    call_off = current_call_off.get()
    return call_off is not None and call_off.called


def get_workflow_metadata() -> WorkflowMetadata:
    """The run that is executing, in workflow code. Raises ``WorkflowError`` elsewhere."""
    machine = running_machine()
    if machine is None:
        raise WorkflowError(
            "get_workflow_metadata() was called outside of workflow code; in a step, use get_step_metadata()"
        )
    created = machine.created
    return WorkflowMetadata(
        run_id=machine.origin,
        workflow=created["workflow"],
        started_at=datetime.fromtimestamp(machine.created_at, UTC),
        parent_id=origin_of(parent) if (parent := created.get("parent")) else None,
        root_id=origin_of(created.get("root") or machine.origin),
        url=created.get("url"),
    )
