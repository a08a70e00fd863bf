"""Starting runs, in workflow code and elsewhere."""

from __future__ import annotations

import inspect
import os
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

from workflow_runtime import clock
from workflow_runtime.attributes import checked_attributes
from workflow_runtime.context import current_step
from workflow_runtime.durations import Duration, when
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.identity import Callee, workflow_of
from workflow_runtime.ids import keyed_run_id, new_message_id, new_run_id
from workflow_runtime.limits import checked_priority
from workflow_runtime.machine.current import running_machine
from workflow_runtime.machine.machine import Machine
from workflow_runtime.process import process_world, warn_of_idle_handlers
from workflow_runtime.project import bundle_hash_of, run_limit_of
from workflow_runtime.runs import Run
from workflow_runtime.texts import checked_key
from workflow_runtime.tracing import starting
from workflow_runtime.values import encode_call, return_hint
from workflow_runtime.values.calls import bind
from workflow_runtime.worlds.base import Message, World

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Start:
    """``await start(workflow, *args, **kwargs)`` starts a run of it; ``start.options(…)(workflow, …)`` says more about how.

    When it returns, the run is stored, and it will end whatever happens to this process. In workflow code the run is a child: it is stored
    with the workflow's next decisions, and cancelled when its parent is.
    """

    _key: str | None = None
    _delay: Duration | None = None
    _attributes: Mapping[str, str] = field(default_factory=dict)
    _priority: int | None = None

    def options(
        self,
        *,
        key: str | None = None,
        delay: Duration | None = None,
        attributes: Mapping[str, str] | None = None,
        priority: int | None = None,
    ) -> Start:
        """A ``start`` that does so with these options.

        ``key``: started twice with the same key, a workflow has one run, and the second caller gets that one, whatever its arguments are
        and whether it has ended or not. ``delay``: how long the run waits before it begins, or until when. ``attributes``: what it is
        found by; see ``set_attributes``. ``priority``: from -100 to 100, 0 for a run that nobody has given one; what waits for a worker
        is taken up in the order of the priorities of its runs, and the runs that a run starts have its own. Raises ``ValueError`` and ``TypeError`` for what can be none of these.
        """
        if key is not None:
            checked_key("key", key)
        if delay is not None:
            when(delay, 0.0)
        known = {} if attributes is None else checked_attributes(attributes)
        return Start(key, delay, known, None if priority is None else checked_priority(priority))

    async def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Run[R]:
        """Start a workflow.

        Raises ``WorkflowNotRegisteredError`` when no imported ``_workflow`` package has the workflow, ``TypeError`` when the arguments do
        not fit its signature, ``SerializationError`` when one can not be stored, ``WorldError`` when the storage fails.
        """
        machine = running_machine()
        callee = workflow_of(function)
        hint = return_hint(callee.body)
        _check_call(callee, args, kwargs)
        call = encode_call(args, kwargs, callee.classes, where=callee.body.__qualname__)
        if machine is not None:
            return Run(self._start_child(machine, callee, call), hint)
        run_id = new_run_id() if self._key is None else keyed_run_id(callee.workflow, self._key)
        with starting(callee.workflow, run_id) as trace:
            await self._create(run_id, callee.workflow, call, trace)
        warn_of_idle_handlers(run_id)
        return Run(run_id, hint)

    async def _create(self, run_id: str, workflow: str, call: Json, trace: str | None) -> None:
        bundle = bundle_hash_of(workflow)
        world = await process_world()
        data = {"workflow": workflow, "bundle": bundle, "seed": secrets.token_hex(16), "input": call}
        data |= await _origin(world)
        if self._attributes:
            data["attributes"] = dict(self._attributes)
        if self._priority is not None:
            data["priority"] = self._priority
        if trace is not None:
            data["trace"] = trace
        now = clock.now()
        due = 0.0 if self._delay is None else when(self._delay, now)
        created = Event(EventKind.RUN_CREATED, now, "", data)
        message = Message(new_message_id(), run_id, due=due, trace=trace, limit=run_limit_of(workflow))
        await world.create_run(run_id, created, message)

    def _start_child(self, machine: Machine, callee: Callee, call: Json) -> str:
        if self._key is not None or self._delay is not None:
            raise WorkflowError(
                "start.options(key=…) and (delay=…) are not for workflow code: a child is started once anyway, since replays "
                "know it, and `await sleep(…)` delays it; to start a run that is no child, do it in a step"
            )
        return machine.start_child(callee.workflow, call, self._attributes, machine.here(), self._priority)


start = Start()


def _check_call(callee: Callee, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Raise ``TypeError`` when the arguments do not fit, with a word on those that are options of ``start``."""
    signature = inspect.signature(callee.body)
    try:
        bind(signature, args, kwargs, callee.body.__qualname__)
    except TypeError as error:
        options = [f"{name}=…" for name in inspect.signature(Start.options).parameters if name in kwargs]
        if not options or any(name[:-2] in signature.parameters for name in options):
            raise
        raise TypeError(f"{error}; did you mean start.options({', '.join(options)})(…)?") from None


async def _origin(world: World) -> dict[str, Json]:
    """Where the run comes from: the run whose step starts it, and what that one hands down: the base of the app's routes, its priority."""
    step = current_step.get()
    if step is None:
        url = os.environ.get("WORKFLOW_URL")
        return {"url": url.rstrip("/")} if url else {}
    log = await world.load(step.run_id, limit=1)
    inherited = {name: log.events[0].data[name] for name in ("url", "priority") if name in log.events[0].data}
    return {"parent": log.run.id, "root": log.run.root or log.run.id, **inherited}
