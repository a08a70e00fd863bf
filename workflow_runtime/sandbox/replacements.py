"""The stand-ins for time, datetime, random, uuid, secrets and asyncio, which are deterministic, and for logging.

Each looks like the module that it stands for. The clock reads the time of the last event fed to the machine, in UTC;
chance is seeded by the run. What can have no deterministic meaning raises ``NondeterminismError``.
"""

from __future__ import annotations

import asyncio
import datetime
import random
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import Any, NoReturn

from workflow_runtime.errors import NondeterminismError
from workflow_runtime.machine.current import require_machine
from workflow_runtime.sandbox.placeholder import placeholder
from workflow_runtime.sandbox.saying import logging_module


@cache
def replacements() -> dict[str, ModuleType]:
    """The stand-ins by the name of the module that they stand for."""
    return {
        "asyncio": _asyncio(),
        "datetime": _datetime(),
        "logging": logging_module(),
        "random": _random(),
        "secrets": _secrets(),
        "time": _time(),
        "uuid": _uuid(),
    }


def _copy_of(original: ModuleType) -> ModuleType:
    module = ModuleType(original.__name__, original.__doc__)
    module.__dict__.update({name: value for name, value in vars(original).items() if not name.startswith("__")})
    if hasattr(original, "__all__"):
        module.__dict__["__all__"] = list(original.__all__)
    return module


def _refused(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(*args: object, **kwargs: object) -> NoReturn:
        raise NondeterminismError(f"workflow code called {name}; {instead}")

    return refuse


# time


def _now(what: str) -> float:
    return require_machine(what).clock


def _time() -> ModuleType:
    module = _copy_of(time)
    for name in ("time", "monotonic", "perf_counter", "process_time", "thread_time"):
        setattr(module, name, lambda name=name: _now(f"time.{name}()"))
        setattr(module, f"{name}_ns", lambda name=name: round(_now(f"time.{name}_ns()") * 1e9))
    for name in ("gmtime", "localtime", "ctime"):
        at = getattr(time, name if name != "localtime" else "gmtime")
        setattr(module, name, lambda secs=None, at=at, name=name: at(_now(f"time.{name}()") if secs is None else secs))
    module.__dict__["sleep"] = _refused(
        "time.sleep()", "it blocks; use `await asyncio.sleep(…)`, which is durable there"
    )
    module.__dict__["strftime"] = lambda form, at=None: time.strftime(
        form, time.gmtime(_now("time.strftime()")) if at is None else at
    )
    return module


# datetime


class _InstanceOf(type):
    """Makes ``isinstance`` and ``issubclass`` ask the real class: every value is of the real class, only ``now``
    differs.
    """

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.__mro__[1])


class _Datetime(datetime.datetime, metaclass=_InstanceOf):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return datetime.datetime(*args, **kwargs)  # noqa: DTZ001 - the user's own arguments

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Any:
        at = datetime.datetime.fromtimestamp(_now("datetime.now()"), datetime.UTC)
        return at.replace(tzinfo=None) if tz is None else at.astimezone(tz)

    @classmethod
    def utcnow(cls) -> Any:
        return cls.now()

    @classmethod
    def today(cls) -> Any:
        return cls.now()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: Callable[[object], Any]) -> Any:
        return handler(datetime.datetime)


class _Date(datetime.date, metaclass=_InstanceOf):
    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return datetime.date(*args, **kwargs)

    @classmethod
    def today(cls) -> Any:
        return _Datetime.now().date()

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: Callable[[object], Any]) -> Any:
        return handler(datetime.date)


_Datetime.__name__ = _Datetime.__qualname__ = "datetime"
_Date.__name__ = _Date.__qualname__ = "date"
_Datetime.__module__ = _Date.__module__ = "datetime"


def _datetime() -> ModuleType:
    module = _copy_of(datetime)
    module.__dict__.update(datetime=_Datetime, date=_Date)
    return module


# random, secrets, uuid


class _SeededRandom(random.Random):
    """``random.Random()`` without a seed draws its seed from the run."""

    def __init__(self, x: Any = None) -> None:
        super().__init__(require_machine("random.Random()").random.getrandbits(128) if x is None else x)


def _drawn(name: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: getattr(require_machine(f"random.{name}()").random, name)(*args, **kwargs)


def _random() -> ModuleType:
    module = _copy_of(random)
    for name in random.__all__:
        if callable(getattr(random.Random, name, None)):
            setattr(module, name, _drawn(name))
    module.__dict__.update(Random=_SeededRandom, SystemRandom=placeholder("random.SystemRandom"))
    return module


def _bits(count: int) -> int:
    return require_machine("secrets").secrets.getrandbits(count)


def _token(size: int | None) -> bytes:
    return require_machine("secrets").secrets.randbytes(secrets.DEFAULT_ENTROPY if size is None else size)


def _secrets() -> ModuleType:
    import base64

    module = _copy_of(secrets)
    module.__dict__.update(
        SystemRandom=placeholder("secrets.SystemRandom"),
        choice=lambda sequence: require_machine("secrets").secrets.choice(sequence),
        randbits=_bits,
        randbelow=lambda limit: require_machine("secrets").secrets.randrange(limit),
        token_bytes=lambda nbytes=None: _token(nbytes),
        token_hex=lambda nbytes=None: _token(nbytes).hex(),
        token_urlsafe=lambda nbytes=None: base64.urlsafe_b64encode(_token(nbytes)).rstrip(b"=").decode("ascii"),
    )
    return module


def _uuid() -> ModuleType:
    module = _copy_of(uuid)
    module.__dict__["uuid4"] = lambda: uuid.UUID(int=_bits(128), version=4)
    for name in ("uuid1", "uuid6", "uuid7", "getnode"):
        module.__dict__[name] = _refused(
            f"uuid.{name}()", "it reads the clock and the machine; use uuid.uuid4(), which is seeded there"
        )
    return module


# asyncio


_ASYNCIO = (
    "ALL_COMPLETED AbstractEventLoop Barrier BoundedSemaphore BrokenBarrierError CancelledError Condition Event "
    "FIRST_COMPLETED FIRST_EXCEPTION Future Handle InvalidStateError LifoQueue Lock PriorityQueue Queue QueueEmpty "
    "QueueFull QueueShutDown Semaphore Task TaskGroup Timeout TimeoutError TimerHandle create_task "
    "current_task ensure_future gather get_running_loop get_event_loop iscoroutine iscoroutinefunction isfuture shield "
    "sleep timeout timeout_at wait_for wrap_future"
).split()


class _InOrder(set[Any]):
    """A set that is visited in a given order; futures of the standard library's own classes would be visited by
    address.
    """

    def __init__(self, members: Iterable[Any]) -> None:
        self._order = list(members)
        super().__init__(self._order)

    def __iter__(self) -> Iterator[Any]:
        yield from (member for member in self._order if member in self)
        yield from sorted(
            self.difference(self._order), key=hash
        )  # what the user added since: tasks, which hash in order


async def _wait(fs: Iterable[Any], *, timeout: float | None = None, return_when: str = asyncio.ALL_COMPLETED) -> Any:
    futures = list(dict.fromkeys(fs))
    done, pending = await asyncio.wait(futures, timeout=timeout, return_when=return_when)
    return _InOrder(f for f in futures if f in done), _InOrder(f for f in futures if f in pending)


def _as_completed(fs: Iterable[Any], *, timeout: float | None = None) -> Any:
    # The standard library makes the tasks in the order of a set of coroutines, which is the order of their addresses.
    return asyncio.as_completed([asyncio.ensure_future(f) for f in dict.fromkeys(fs)], timeout=timeout)


def _all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[Any]:
    return _InOrder(
        sorted(asyncio.all_tasks(loop), key=hash)
    )  # the standard library's set is in the order of addresses


async def _to_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    if not getattr(function, "__workflow_stub__", False):
        name = getattr(function, "__qualname__", repr(function))
        raise NondeterminismError(
            f"workflow code called asyncio.to_thread({name}); only a step can run in a thread: mark {name} with @step"
        )
    return await function(*args, **kwargs)


def _asyncio() -> ModuleType:
    module = ModuleType("asyncio", "The part of asyncio that is pure.")
    module.__dict__.update({name: getattr(asyncio, name) for name in _ASYNCIO if hasattr(asyncio, name)})
    module.__dict__.update(wait=_wait, as_completed=_as_completed, to_thread=_to_thread, all_tasks=_all_tasks)
    module.__dict__["__getattr__"] = lambda name: _absent(name)
    return module


def _absent(name: str) -> Any:
    if name.startswith("__") or not hasattr(asyncio, name):
        raise AttributeError(f"module 'asyncio' has no attribute {name!r}")
    return placeholder(f"asyncio.{name}")
