"""How a build tells what it is at, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Tell = Callable[[str], None]
"""Is called with a few words as each part of a build begins."""

Telling = Callable[[], AbstractContextManager[Tell]]
"""Is entered for the time of each of several builds."""


def tell_nobody(stage: str) -> None:
    """For those who do not want to know."""
    del stage


@contextmanager
def nobody_told() -> Iterator[Tell]:
    """The same for several builds."""
    yield tell_nobody
