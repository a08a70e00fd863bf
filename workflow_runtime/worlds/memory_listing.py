"""Finding, counting and removing runs in the memory world."""

from __future__ import annotations

from collections import Counter

from workflow_runtime.worlds.base import RunInfo, RunStatus
from workflow_runtime.worlds.listing import Wanted
from workflow_runtime.worlds.memory_store import QUEUE, MemoryStore


def runs(store: MemoryStore, asked: Wanted) -> list[RunInfo]:
    """Runs, newest first. Raises ``RunNotFoundError`` when ``before`` is not there."""
    newest = sorted(store.runs.values(), key=lambda run: run.created_at)[::-1]
    if asked.before is not None:
        newest = newest[newest.index(store.known(asked.before)) + 1 :]
    return [run for run in newest if asked.fits(run)][: asked.limit]


def counts(store: MemoryStore, asked: Wanted) -> dict[RunStatus, int]:
    """How many runs of each status fit, each counted up to ``limit``."""
    found = Counter(run.status for run in store.runs.values() if asked.fits(run))
    return {status: min(found[status], asked.limit) for status in RunStatus}


def delete_ended(store: MemoryStore, before: float, limit: int) -> int:
    """See ``World``."""
    ended = [run for run in store.runs.values() if run.ended_at is not None and run.ended_at < before]
    roots = [store.run(run.root) if run.root is not None else None for run in ended]
    cancelling = {kept.message.run_id for kept in store.queue.values() if kept.message.cancels_children}
    free = [
        run
        for run, root in zip(ended, roots, strict=True)
        if (root is None or root.status.ended) and run.id not in cancelling
    ]
    doomed = sorted(free, key=lambda run: run.ended_at or 0.0)[:limit]
    for run in doomed:
        _delete(store, run.id)
    if doomed:
        store.ring(QUEUE)
    return len(doomed)


def _delete(store: MemoryStore, run_id: str) -> None:
    del store.runs[run_id], store.logs[run_id]
    store.parents.discard(run_id)
    for of_entity in (store.steps, store.waits):
        for key in [key for key in of_entity if key[0] == run_id]:
            del of_entity[key]
    for message_id in [kept.message.id for kept in store.queue.values() if kept.message.run_id == run_id]:
        del store.queue[message_id]
    store.hooks.forget(run_id)
    store.watches.forget(run_id)
    store.streams.of_run.pop(run_id, None)
