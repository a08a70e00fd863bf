"""What stands in a bundle where the user's code has a step: a function that asks the machine to run it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from workflow_runtime.errors import NondeterminismError, WorkflowError
from workflow_runtime.events import Json
from workflow_runtime.machine.current import require_machine, running_machine
from workflow_runtime.machine.machine import Machine
from workflow_runtime.values import Classes, decode, encode, encode_call, return_hint
from workflow_runtime.values.calls import bind, positional_counts

Captured = Callable[[], Mapping[str, object]]
"""Gives what a nested step reads of the functions around it, as it is when the step is called."""


def step_stub(
    step: str,
    classes: Classes,
    binder: Callable[[Callable[..., object]], Any] | None = None,
    captured: Captured | None = None,
) -> Callable[[Callable[..., object]], Any]:
    """A decorator that turns a bundle's bodiless step function into one whose call is a step of the run.

    The call is checked against the function's signature where it is made; arguments and result cross as encoded values.
    ``binder`` is ``staticmethod`` or ``classmethod`` for such a method, ``captured`` is given for a nested function,
    whose defaults are applied here.
    """

    def stub(function: Callable[..., object]) -> Any:
        signature = inspect.signature(function)
        takes = positional_counts(signature) if captured is None else range(0)

        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> Coroutine[Any, Any, object]:
            is_plain = not kwargs and len(args) in takes
            given = None if is_plain else bind(signature, args, kwargs, function.__qualname__)
            machine = require_machine(f"step {function.__qualname__}")
            if binder is classmethod:
                args = _without_class(function, args)
            if captured is not None and given is not None:
                given.apply_defaults()
                args, kwargs = given.args, given.kwargs
            encoded = encode_call(args, kwargs, classes, where=function.__qualname__)
            if captured is not None:
                encoded["captured"] = _encoded(captured(), classes, function.__qualname__)
            frame = sys._getframe(1)
            where = machine.program.describe(frame.f_code.co_filename, frame.f_lineno) or ""
            running = _run(machine, step, encoded, where, function, classes)
            # What Python's warning names when nobody awaits it.
            running.__qualname__ = f"step {function.__qualname__}"  # type: ignore[attr-defined]  # coroutine objects have one
            return running

        call.__workflow_stub__ = True  # type: ignore[attr-defined]  # how asyncio.to_thread knows that it may
        return call if binder is None else binder(call)

    return stub


def _without_class(function: Callable[..., object], args: tuple[object, ...]) -> tuple[object, ...]:
    """A class method's arguments. The step is taken from the class that defines it, and knows of no other."""
    owner, name = args[0], function.__qualname__.rpartition(".")[0]
    if isinstance(owner, type) and owner.__qualname__ != name:
        raise WorkflowError(
            f"step {function.__qualname__} was called on {owner.__qualname__}, but a step runs on the class that "
            f"defines it: call it on {name}, or define it in {owner.__qualname__} as well"
        )
    return args[1:]


def _encoded(values: Mapping[str, object], classes: Classes, where: str) -> dict[str, Json]:
    return {name: encode(value, classes, where=f"{where}: captured {name}") for name, value in values.items()}


async def _run(
    machine: Machine, step: str, call: Json, where: str, function: Callable[..., object], classes: Classes
) -> object:
    if running_machine() is not machine:
        raise NondeterminismError(f"step {step} was called in one run and awaited in another")
    output = await machine.step(step, call, where)
    return decode(output, return_hint(function), classes, where=f"result of {function.__qualname__}")
