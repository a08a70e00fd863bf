"""Hooks, watches and streams of the memory world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from workflow_runtime.worlds.base import HookInfo, StreamInfo
from workflow_runtime.worlds.encoding import decode_data, encode_data
from workflow_runtime.worlds.records import Watch


@dataclass(slots=True)
class MemoryHooks:
    """See ``HookRecords``. Metadata is kept as JSON text, so that nobody shares an object with the store."""

    live: dict[tuple[str, str], tuple[int, HookInfo, str | bytes]] = field(default_factory=dict)
    owners: dict[str, tuple[str, str]] = field(default_factory=dict)
    keys: set[tuple[str, str, str]] = field(default_factory=set)

    def by_token(self, token: str) -> HookInfo | None:
        """See ``HookRecords``."""
        owner = self.owners.get(token)
        return None if owner is None else self._read(owner)

    def of_run(self, run_id: str) -> list[HookInfo]:
        """The live hooks of a run, in the order in which they were created."""
        owners = sorted((kept[0], owner) for owner, kept in self.live.items() if owner[0] == run_id)
        return [self._read(owner) for _, owner in owners]

    def has(self, run_id: str, hook_id: str) -> bool:
        """See ``HookRecords``."""
        return (run_id, hook_id) in self.live

    def add(self, hook: HookInfo, slot: int) -> None:
        """See ``HookRecords``."""
        self.remove(hook.run_id, hook.hook_id)
        bare = HookInfo(hook.token, hook.run_id, hook.hook_id, None, None, hook.created_at)
        self.live[hook.run_id, hook.hook_id] = (slot, bare, encode_data([hook.metadata, hook.webhook]))
        self.owners[hook.token] = (hook.run_id, hook.hook_id)

    def remove(self, run_id: str, hook_id: str) -> None:
        """See ``HookRecords``."""
        kept = self.live.pop((run_id, hook_id), None)
        if kept is not None:
            del self.owners[kept[1].token]

    def remove_all(self, run_id: str) -> None:
        """See ``HookRecords``."""
        for owner in [owner for owner in self.live if owner[0] == run_id]:
            self.remove(*owner)

    def has_had(self, run_id: str, hook_id: str, key: str) -> bool:
        """See ``HookRecords``."""
        return (run_id, hook_id, key) in self.keys

    def keep_key(self, run_id: str, hook_id: str, key: str) -> None:
        """See ``HookRecords``."""
        self.keys.add((run_id, hook_id, key))

    def forget(self, run_id: str) -> None:
        """Forget the run's hooks and all keys that they have had."""
        self.remove_all(run_id)
        self.keys = {kept for kept in self.keys if kept[0] != run_id}

    def _read(self, owner: tuple[str, str]) -> HookInfo:
        _, bare, data = self.live[owner]
        metadata, webhook = decode_data(data)
        return HookInfo(bare.token, bare.run_id, bare.hook_id, metadata, webhook, bare.created_at)


@dataclass(slots=True)
class MemoryWatches:
    """See ``WatchRecords``."""

    all: dict[tuple[str, str], Watch] = field(default_factory=dict)
    by_target: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    def get(self, run_id: str, watch_id: str) -> Watch | None:
        """See ``WatchRecords``."""
        return self.all.get((run_id, watch_id))

    def save(self, watch: Watch) -> None:
        """See ``WatchRecords``."""
        key = (watch.run_id, watch.watch_id)
        self._remove(key)
        self.all[key] = watch
        if watch.target is not None:
            self.by_target.setdefault(watch.target, set()).add(key)

    def of(self, target: str) -> Sequence[Watch]:
        """See ``WatchRecords``."""
        return [self.all[key] for key in sorted(self.by_target.get(target, ()))]

    def forget(self, run_id: str) -> None:
        """Forget the watches that the run has."""
        for key in [key for key in self.all if key[0] == run_id]:
            self._remove(key)

    def _remove(self, key: tuple[str, str]) -> None:
        before = self.all.pop(key, None)
        if before is not None and before.target is not None:
            self.by_target[before.target].discard(key)
            if not self.by_target[before.target]:
                del self.by_target[before.target]


@dataclass(slots=True)
class KeptStream:
    """One stream with its chunks."""

    chunks: list[bytes] = field(default_factory=list)
    closed: bool = False


@dataclass(slots=True)
class MemoryStreams:
    """See ``StreamRecords``."""

    of_run: dict[str, dict[str, KeptStream]] = field(default_factory=dict)

    def get(self, run_id: str, name: str) -> StreamInfo | None:
        """See ``StreamRecords``."""
        kept = self.of_run.get(run_id, {}).get(name)
        return None if kept is None else StreamInfo(name, len(kept.chunks), kept.closed)

    def append(self, run_id: str, name: str, chunks: Sequence[bytes]) -> None:
        """See ``StreamRecords``."""
        self._made(run_id, name).chunks.extend(chunks)

    def close(self, run_id: str, name: str) -> None:
        """See ``StreamRecords``."""
        self._made(run_id, name).closed = True

    def read(self, run_id: str, name: str, start: int, limit: int) -> tuple[bytes, ...]:
        """Chunks from index ``start`` on, at most ``limit``."""
        kept = self.of_run.get(run_id, {}).get(name)
        return () if kept is None else tuple(kept.chunks[start : start + limit])

    def _made(self, run_id: str, name: str) -> KeptStream:
        return self.of_run.setdefault(run_id, {}).setdefault(name, KeptStream())
