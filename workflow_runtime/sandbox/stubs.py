"""What stands in a bundle where the user's code has a step: a function that asks the machine to run it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from workflow_runtime.errors import NondeterminismError
from workflow_runtime.events import Json
from workflow_runtime.machine.current import require_machine, running_machine
from workflow_runtime.machine.machine import Machine
from workflow_runtime.values import Classes, decode, encode_call, return_hint


def step_stub(step: str, classes: Classes) -> Callable[[Callable[..., object]], Callable[..., Any]]:
    """A decorator that turns a bundle's bodiless step function into one whose call is a step of the run.

    The call is checked against the function's signature where it is made; arguments and result cross as encoded values.
    """

    def stub(function: Callable[..., object]) -> Callable[..., Any]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def call(*args: object, **kwargs: object) -> Coroutine[Any, Any, object]:
            signature.bind(*args, **kwargs)
            machine = require_machine(f"step {function.__qualname__}")
            encoded = encode_call(args, kwargs, classes, where=function.__qualname__)
            frame = sys._getframe(1)
            where = machine.program.describe(frame.f_code.co_filename, frame.f_lineno) or ""
            running = _run(machine, step, encoded, where, function, classes)
            # What Python's warning names when nobody awaits it.
            running.__qualname__ = f"step {function.__qualname__}"  # type: ignore[attr-defined]  # coroutine objects have one
            return running

        call.__workflow_stub__ = True  # type: ignore[attr-defined]  # how asyncio.to_thread knows that it may
        return call

    return stub


async def _run(
    machine: Machine, step: str, call: Json, where: str, function: Callable[..., object], classes: Classes
) -> object:
    if running_machine() is not machine:
        raise NondeterminismError(f"step {step} was called in one run and awaited in another")
    output = await machine.step(step, call, where)
    return decode(output, return_hint(function), classes, where=f"result of {function.__qualname__}")
