"""Other functions in the place of steps, for the time of a test."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar

from workflow_runtime.errors import FatalError
from workflow_runtime.project import Registrations

P = ParamSpec("P")
R = TypeVar("R")


class Fake(Generic[P, R]):
    """What a step does in this test instead of what it does. What was said last counts.

    Its options stay: what raises is retried as the step would be. Until something was said, calls of the step fail for good.
    """

    def __init__(self, put: Callable[[Callable[..., Any]], None], name: str) -> None:
        self._put = put
        self._name = name
        self.raises(
            FatalError(f"{name} is faked, and what it does was not said: use returns(…), raises(…) or calls(…)")
        )

    def __repr__(self) -> str:
        return f"<fake of {self._name}>"

    def returns(self, value: R) -> None:
        """Have calls of the step return ``value``."""
        self._put(lambda *_, **__: value)

    def raises(self, error: BaseException | type[BaseException]) -> None:
        """Have calls of the step raise ``error``. Raises ``TypeError`` for what is none."""
        if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
            raise TypeError(f"the fake of {self._name} can not raise {error!r}, which is no exception")

        def fail(*_: Any, **__: Any) -> NoReturn:
            raise error

        self._put(fail)

    def calls(self, instead: Callable[P, R] | Callable[P, Awaitable[R]]) -> None:
        """Have calls of the step call ``instead``, async or plain; a ``Mock`` tells of its calls. Raises ``TypeError`` for no function."""
        if not callable(instead):
            raise TypeError(f"the fake of {self._name} can not call {instead!r}; for a value, use returns(…)")
        self._put(instead)


class Fakes:
    """The fakes among the steps of one project."""

    def __init__(self, steps: Registrations) -> None:
        self._steps = steps
        self._own = dict(steps)
        """The project's own functions, by id."""

    def of(self, step: Callable[..., Any]) -> Fake[..., Any]:
        """The fake of a step. Raises ``ValueError`` for what is no step of the project."""
        step_id = next((id_ for id_, function in self._own.items() if function == step), None)
        name = getattr(step, "__qualname__", repr(step))
        if step_id is None:
            known = ", ".join(sorted(id_.rpartition("//")[2] for id_ in self._own))
            raise ValueError(
                f"{name} is no step of this project, so nothing can be put in its place; its steps: {known}"
            )
        own = self._own[step_id]
        return Fake(lambda instead: self._steps.add(step_id, _in_place_of(own, instead)), name)

    def restore(self) -> None:
        """Have every step be itself again."""
        for step_id, function in self._own.items():
            self._steps.add(step_id, function)


def _in_place_of(step: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """``instead`` with the signature and the options of ``step``, async or in a thread as that is."""
    if inspect.iscoroutinefunction(step):

        @functools.wraps(step)
        async def called(*args: Any, **kwargs: Any) -> Any:
            value = instead(*args, **kwargs)
            return await value if inspect.isawaitable(value) else value

        return called

    @functools.wraps(step)
    def called_in_thread(*args: Any, **kwargs: Any) -> Any:
        return instead(*args, **kwargs)

    return called_in_thread
