"""``continue_as_new``: a run that goes on for ever, in logs that do not."""

from __future__ import annotations

import inspect
from typing import Any, NoReturn

from workflow_runtime.errors import WorkflowError
from workflow_runtime.machine.commands import ContinueAsNew
from workflow_runtime.machine.current import running_machine
from workflow_runtime.values import encode_call
from workflow_runtime.values.calls import bind


def continue_as_new(*args: Any, **kwargs: Any) -> NoReturn:
    """End the run here, and have a new one of the same workflow go on in its place, with these arguments and an empty log.

    Whoever awaits the run's result gets the result of the last one. The new run has this one's attributes and parent, and the
    workflow's code as it is built then; open hooks, steps and waits are let go. Call it in the workflow's own function, not in a
    task. It never returns: it raises what only ``except BaseException`` would stop. Raises ``WorkflowError`` outside of workflow
    code, ``TypeError`` when the arguments do not fit the workflow, ``SerializationError`` when one can not be stored.
    """
    machine = running_machine()
    if machine is None:
        raise WorkflowError("continue_as_new() was called outside of workflow code; elsewhere, start() a new run")
    entry = machine.program.entry
    bind(inspect.signature(entry), args, kwargs, f"continue_as_new() of {entry.__qualname__}")
    raise ContinueAsNew(
        encode_call(args, kwargs, machine.program.classes, where=f"continue_as_new() of {entry.__qualname__}")
    )
