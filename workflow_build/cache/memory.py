"""Results that are taken again while all that they follow from is as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workflow_build.cache import codec
from workflow_build.cache.store import Store

T = TypeVar("T")

Now = Callable[[str], str]
"""What the answer to a question is now, as a short text that is another one for another answer."""


@dataclass(frozen=True, slots=True)
class Known:
    """A value, and what it follows from."""

    value: Any
    asked: Mapping[str, str]
    """The questions that were asked to get it, each with its answer."""

    def holds(self, now: Now) -> bool:
        """Whether the answers are the same now."""
        return all(now(question) == answer for question, answer in self.asked.items())


@dataclass(slots=True)
class Recorder:
    """Notes what is asked while a result is worked out, so that the result can be taken again while the answers are the same."""

    memory: Memory
    now: Now
    asked: set[str] = field(default_factory=set)
    """By the result that is being worked out."""

    def recall(self, kind: Any, what: str, key: str, make: Callable[[], T]) -> T:
        """What ``make`` gives, or gave in this or an earlier build; ``make`` must ask for all that is not in ``key``."""
        outer = self.asked

        def made() -> tuple[T, Iterable[str]]:
            self.asked = set()
            return make(), self.asked

        try:
            known = self.memory.recall(kind, what, key, self.now, made)
        finally:
            self.asked = outer
        outer.update(known.asked)
        value: T = known.value
        return value


@dataclass(slots=True)
class _Kind:
    """The results of one sort, those of this build apart from those of earlier ones."""

    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)


class Memory:
    """What the builds of one project found out: this process's as values, earlier ones' from a store, if there is one."""

    def __init__(self, store: Store | None = None) -> None:
        """Nothing is known at first but what the store has."""
        self._store = store
        self._known: dict[str, _Kind] = {}
        self._derived: dict[str, _Kind] = {}

    def recall(self, kind: Any, what: str, key: str, now: Now, make: Callable[[], tuple[Any, Iterable[str]]]) -> Known:
        """The value of type ``kind`` that ``make`` gives together with its questions; not made again while the answers are the same.

        ``what`` names the sort of result, and ``key`` is all that the value depends on besides the answers.
        """
        results = self._known.setdefault(what, _Kind())
        known: Known | None = results.new.get(key) or results.old.get(key)
        if known is None or not known.holds(now):
            known = self._stored(kind, what, key)
            if known is None or not known.holds(now):
                value, asked = make()
                known = Known(value, {question: now(question) for question in sorted(set(asked))})
                self._keep(kind, what, key, known)
        results.new[key] = known
        return known

    def has(self, what: str, key: str) -> bool:
        """Whether something that depends on nothing but its key is known."""
        results = self._known.get(what, _Kind())
        return key in results.new or key in results.old or bool(self._store and self._store.get(what, key))

    def derive(self, what: str, key: str, source: object, make: Callable[[], T]) -> T:
        """The value that ``make`` gives; not made again while ``source``, all that it follows from, is equal. Not for the store."""
        results = self._derived.setdefault(what, _Kind())
        found: tuple[object, T] | None = results.new.get(key) or results.old.get(key)
        if found is None or (found[0] is not source and found[0] != source):
            found = source, make()
        results.new[key] = found
        return found[1]

    def end_build(self) -> None:
        """Forget what this build did not use."""
        for results in (*self._known.values(), *self._derived.values()):
            results.old, results.new = results.new, {}

    def _keep(self, kind: Any, what: str, key: str, known: Known) -> None:
        if self._store is None:
            return
        with contextlib.suppress(RecursionError):  # nested too deeply to be written down: it will be made again
            self._store.put(what, key, codec.dump(tuple[Mapping[str, str], kind], (known.asked, known.value)))

    def _stored(self, kind: Any, what: str, key: str) -> Known | None:
        text = self._store.get(what, key) if self._store else None
        if text is None:
            return None
        try:
            asked, value = codec.load(tuple[Mapping[str, str], kind], text)
        except codec.NotData:
            return None
        return Known(value, asked)
