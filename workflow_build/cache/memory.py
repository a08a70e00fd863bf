"""Results that are taken again while all that they follow from is as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress, count
from operator import is_not
from typing import Any, TypeVar

from workflow_build.cache import codec
from workflow_build.cache.store import Store

S = TypeVar("S")
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
        return all(now(question) == answer for question, answer in self.asked.items()) if self.asked else True


@dataclass(slots=True)
class Recorder:
    """Notes what is asked while a result is worked out, so that the result can be taken again while the answers are the same."""

    memory: Memory
    now: Now
    asked: set[str] = field(default_factory=set)
    """By the result that is being worked out."""
    changed: frozenset[str] | None = None
    """The questions that have other answers than in the last build, if that is known: it saves looking at each of them."""
    _is_inside: bool = False
    """Whether a result is being worked out, which follows from all that is asked for it."""

    def recall_each(
        self, kind: Any, what: str, items: Sequence[S], key: Callable[[S], str], make: Callable[[S], T]
    ) -> list[T]:
        """``recall`` for each of many items, by their keys: it takes little for those about which nothing has changed."""
        keys = list(map(key, items))
        if self.changed is None or self._is_inside:
            return [self.recall(kind, what, name, partial(make, item)) for name, item in zip(keys, items, strict=True)]
        found = self.memory.unchanged(what, keys, self.changed)
        return [
            known.value if known is not None else self.recall(kind, what, name, partial(make, item))
            for name, item, known in zip(keys, items, found, strict=True)
        ]

    def recall(self, kind: Any, what: str, key: str, make: Callable[[], T]) -> T:
        """What ``make`` gives, or gave in this or an earlier build; ``make`` must ask for all that is not in ``key``."""
        (known,) = self.memory.unchanged(what, [key], self.changed) if self.changed is not None else (None,)
        if known is not None:
            if self._is_inside:
                self.asked.update(known.asked)
            held: T = known.value
            return held
        outer, was_inside = self.asked, self._is_inside

        def made() -> tuple[T, Iterable[str]]:
            self.asked, self._is_inside = set(), True
            return make(), self.asked

        try:
            known = self.memory.recall(kind, what, key, self.now, made)
        finally:
            self.asked, self._is_inside = outer, was_inside
        if was_inside:
            outer.update(known.asked)
        value: T = known.value
        return value


@dataclass(slots=True)
class _Kind:
    """The results of one sort, those of this build apart from those of earlier ones."""

    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)
    build: int = 0
    """The number of the build that the old ones held in."""


class Memory:
    """What the builds of one project found out: this process's as values, earlier ones' from a store, if there is one."""

    def __init__(self, store: Store | None = None) -> None:
        """Nothing is known at first but what the store has."""
        self._store = store
        self._known: dict[str, _Kind] = {}
        self._derived: dict[str, _Kind] = {}
        self._lists: dict[str, Any] = {}
        self._build = 0
        self._answers: Mapping[str, str] = {}
        self._next_answers: Mapping[str, str] = {}
        self._states: dict[str, dict[str, str]] = {}
        self._next_states: dict[str, dict[str, str]] = {}

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

    def unchanged(self, what: str, keys: Sequence[str], changed: frozenset[str]) -> list[Known | None]:
        """For each key what the last build, or this one, knew, if none of its questions is among ``changed``, those with other answers."""
        results = self._known.get(what)
        if results is None or results.build != self._build:
            return [None] * len(keys)
        new, old = results.new, results.old
        found: list[Known | None] = []
        for key in keys:
            known: Known | None = new.get(key) or old.get(key)
            if known is not None and known.asked.keys().isdisjoint(changed):
                new[key] = known
                found.append(known)
            else:
                found.append(None)
        return found

    def answers(self) -> Mapping[str, str]:
        """The questions that the results of the last build asked, with their answers."""
        return self._answers

    def note(self, answers: Mapping[str, str]) -> None:
        """These are the answers of this build, which may come to be more, for the next one to compare with."""
        self._next_answers = answers

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

    def each(self, what: str, key: str, items: Sequence[S], make: Callable[[S], T]) -> list[T]:
        """What ``make`` gives for each item, which follows from the item and ``key`` alone; made anew only for other items than before."""
        before: tuple[str, Sequence[S], list[T]] | None = self._lists.get(what)
        if before is None or before[0] != key or len(before[1]) != len(items):
            results = [make(item) for item in items]
        else:
            results = before[2]
            for index in compress(count(), map(is_not, before[1], items)):
                results[index] = make(items[index])
        self._lists[what] = key, items, results
        return results

    def swap(self, what: str, value: dict[str, str]) -> dict[str, str] | None:
        """The value that the last build that went well gave; this one gives ``value``."""
        self._next_states[what] = value
        return self._states.get(what)

    def end_build(self) -> None:
        """Forget what this build did not use, apart from stages that it did not come to."""
        self._build += 1
        self._answers, self._states, self._next_states = self._next_answers, self._next_states, {}
        for results in (*self._known.values(), *self._derived.values()):
            if results.new:
                results.old, results.new, results.build = results.new, {}, self._build

    def give_build_up(self) -> None:
        """Forget what this build, which has failed, found out: the next one is compared with the one before it."""
        for results in (*self._known.values(), *self._derived.values()):
            results.new = {}

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
