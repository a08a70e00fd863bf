"""Hooks: how a run waits for what people and other programs decide."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload

from workflow_runtime import builtin
from workflow_runtime.builtin import ask
from workflow_runtime.errors import HookDisposedError, HookNotFoundError, SerializationError, WorkflowError
from workflow_runtime.machine.current import running_machine
from workflow_runtime.machine.hooks import HookState
from workflow_runtime.machine.machine import Machine
from workflow_runtime.runs import Run
from workflow_runtime.texts import checked_key
from workflow_runtime.values import PROCESS_CLASSES, Classes, decode, encode
from workflow_runtime.values.fitting import misfit
from workflow_runtime.values.records import MISSING
from workflow_runtime.worlds.base import HookInfo

T = TypeVar("T")


class Hook(Generic[T]):
    """A token that is the run's alone, and the payloads that are sent to it. Made by ``create_hook``, in workflow code.

    ``await hook`` gives the next payload, whenever it came; ``async for payload in hook`` gives one after the other until the hook is
    disposed of. A ``with`` statement disposes of it at its end. The token is free again when the hook was disposed of, or the run has ended.
    """

    def __init__(self, state: HookState, payload: object, classes: Classes) -> None:
        self._state = state
        self._payload = payload
        self._classes = classes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.token!r})"

    @property
    def token(self) -> str:
        """What ``resume_hook`` takes to reach it."""
        return self._state.token

    def __await__(self) -> Generator[Any, Any, T]:
        """The next payload.

        Raises ``HookConflictError`` when another run has the token, ``SerializationError`` when the payload is not of the hook's type.
        """
        return self._next().__await__()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        try:
            return await self._next()
        except HookDisposedError:
            raise StopAsyncIteration from None

    async def conflict(self) -> Run[Any] | None:
        """The run that has the token, None when it is ours. Once it is ours, it stays so until the hook is disposed of.

        Raises ``HookDisposedError`` when it was disposed of before that was known.
        """
        owner = await self._state.conflict()
        return None if owner is None else Run(owner)

    def dispose(self) -> None:
        """Free the token; no payload can come any more. Doing so twice is doing so once."""
        self._state.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.dispose()

    async def _next(self) -> T:
        where = f"payload of hook {self.token!r}"
        payload: T = decode(await self._state.receive(), self._payload, self._classes, where=where)
        _check(payload, self._payload, self._classes, where)
        return payload


@dataclass(frozen=True, slots=True)
class HookDetails:
    """A live hook, as ``get_hook`` tells of it."""

    token: str
    run: Run[Any]
    """The run that waits, or will wait, for its payloads."""
    metadata: Any
    """What the workflow gave ``create_hook``."""
    is_webhook: bool
    """Whether it takes HTTP requests."""
    created_at: float
    """Unix seconds."""


@dataclass(frozen=True, slots=True)
class HookDefinition(Generic[T]):
    """A kind of hook, known by both sides: the workflow that makes such hooks, and the code that resumes them."""

    payload: Any
    """The type of the payloads."""

    def create(self, *, token: str | None = None, metadata: object = None) -> Hook[T]:
        """A hook of this kind, in workflow code; see ``create_hook``."""
        return _create(self.payload, token, metadata)

    async def resume(self, token: str, payload: T, *, key: str | None = None) -> Run[Any]:
        """Send a payload to such a hook; see ``resume_hook``. Raises ``SerializationError`` when it is not of the hook's type."""
        _check(payload, self.payload, _classes(running_machine()), f"payload for hook {token!r}")
        return await resume_hook(token, payload, key=key)


@overload
def create_hook(payload: type[T], /, *, token: str | None = None, metadata: object = None) -> Hook[T]: ...


@overload
def create_hook(payload: object = ..., /, *, token: str | None = None, metadata: object = None) -> Hook[Any]: ...


def create_hook(payload: object = Any, /, *, token: str | None = None, metadata: object = None) -> Hook[Any]:
    """Reserve a token, in workflow code, and wait for payloads of the type ``payload`` (of any, when that is left out).

    ``token``: 128 random bits unless given; text of at most 1 KiB. ``metadata``: any value, which ``get_hook`` gives to whoever has the
    token. When another run has the token, awaiting the hook raises ``HookConflictError``. Raises ``WorkflowError`` outside of workflow
    code, ``ValueError`` or ``TypeError`` for what can be no token, ``SerializationError`` for metadata that can not be stored.
    """
    return _create(payload, token, metadata)


@overload
def define_hook(payload: type[T], /) -> HookDefinition[T]: ...


@overload
def define_hook(payload: object = ..., /) -> HookDefinition[Any]: ...


def define_hook(payload: object = Any, /) -> HookDefinition[Any]:
    """A kind of hook whose payloads are of that type. It belongs at the top of a module."""
    return HookDefinition(payload)


async def resume_hook(token: str, payload: object, *, key: str | None = None) -> Run[Any]:
    """Send a payload to the live hook with that token; gives the hook's run. When it returns, the payload is stored and will not be lost.

    ``key``: of several payloads with the same key, a hook takes the first. Raises ``HookNotFoundError`` when no live hook has the token,
    ``SerializationError`` when the payload can not be stored.
    """
    checked_key("token", token)
    if key is not None:
        checked_key("key", key)
    data = encode(payload, _classes(running_machine()), where=f"payload for hook {token!r}")
    run_id = await ask(builtin.send_payload, token, data, key)
    if run_id is None:
        raise HookNotFoundError(token)
    return Run(run_id)


async def get_hook(token: str) -> HookDetails:
    """The live hook with that token. Raises ``HookNotFoundError``."""
    found: HookInfo | None = await ask(builtin.find_hook, checked_key("token", token))
    if found is None:
        raise HookNotFoundError(token)
    metadata = decode(found.metadata, classes=_classes(running_machine()), where=f"metadata of hook {token!r}")
    return HookDetails(found.token, Run(found.run_id), metadata, found.webhook is not None, found.created_at)


def open_hook(what: str, token: str | None, metadata: object, webhook: object = None) -> tuple[HookState, Machine]:
    """The machine's side of a new hook, checked; ``what`` is who asks for it, for messages."""
    machine = running_machine()
    if machine is None:
        raise WorkflowError(f"{what} was called outside of workflow code; a hook belongs to the run that awaits it")
    if token is not None:
        checked_key("token", token)
    data = None if metadata is None else encode(metadata, machine.program.classes, where="metadata of a hook")
    return machine.open_hook(token, data, webhook, machine.here()), machine


def _create(payload: object, token: str | None, metadata: object) -> Hook[Any]:
    state, machine = open_hook("create_hook()", token, metadata)
    return Hook(state, payload, machine.program.classes)


def _classes(machine: Machine | None) -> Classes:
    return PROCESS_CLASSES if machine is None else machine.program.classes


def _check(value: object, hint: object, classes: Classes, where: str) -> None:
    """Raise ``SerializationError`` that names the part of the payload which is not what the hook's type says."""
    found = misfit(value, hint, classes)
    if found is not None:
        place = f"{where}: {found.path}" if found.path else where
        name = getattr(found.expected, "__qualname__", None) if isinstance(found.expected, type) else None
        what = "nothing" if found.found is MISSING else f"{found.found!r:.200}"
        raise SerializationError(
            f"{place}: expected {name or found.expected}, found {what}; send what the hook was created for"
        )
