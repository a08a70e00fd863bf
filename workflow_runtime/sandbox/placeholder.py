"""What workflow code gets for a module that replay must not touch: an object that is harmless until it is used."""

from __future__ import annotations

from typing import Any, NoReturn

from workflow_runtime.errors import NondeterminismError


class Placeholder:
    """Stands for ``name``. Any use but reading an attribute raises ``NondeterminismError``, which says to move the call
    into a step.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __getattr__(self, name: str) -> Placeholder:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Placeholder(f"{self.__name__}.{name}")

    def __repr__(self) -> str:
        return f"<{self.__name__}, which workflow code can not use>"


def _refuse(self: Placeholder, *args: object, **kwargs: object) -> NoReturn:
    raise NondeterminismError(
        f"workflow code used {self.__name__}, whose result replay could not repeat; move the call into a step, "
        "or declare its package in [tool.workflow-build] pure if it is pure"
    )


_USES = (
    "call iter next getitem setitem delitem contains len bool enter exit aenter aexit aiter anext await add radd sub "
    "rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul and rand or ror xor rxor "
    "lshift rshift neg pos abs invert lt le gt ge int float index format mro_entries"
).split()
for _use in _USES:
    setattr(Placeholder, f"__{_use}__", _refuse)


def placeholder(name: str) -> Any:
    """A placeholder for the module or function ``name``."""
    return Placeholder(name)
