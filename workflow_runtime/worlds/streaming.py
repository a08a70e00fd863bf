"""What writing to a stream and closing it do, over any storage, and which chunks a reader gets."""

from __future__ import annotations

from collections.abc import Sequence

from workflow_runtime.errors import RunNotFoundError, StreamClosedError, WriterLostError
from workflow_runtime.worlds.base import StreamWriter
from workflow_runtime.worlds.entities import StepStatus
from workflow_runtime.worlds.records import Records


def write_chunks(records: Records, run_id: str, name: str, chunks: Sequence[bytes], writer: StreamWriter | None) -> int:
    """``World.write_chunks``."""
    ended = _has_ended(records, run_id)
    stream = records.streams.get(run_id, name)
    if ended or (stream is not None and stream.closed):
        raise StreamClosedError(run_id, name)
    _check_writer(records, writer)
    records.streams.append(run_id, name, chunks)
    if chunks:
        records.ring((run_id, name))
    return 0 if stream is None else stream.length


def close_stream(records: Records, run_id: str, name: str, writer: StreamWriter | None) -> None:
    """``World.close_stream``."""
    ended = _has_ended(records, run_id)
    stream = records.streams.get(run_id, name)
    if ended or (stream is not None and stream.closed):
        return
    _check_writer(records, writer)
    records.streams.close(run_id, name)
    records.ring((run_id, name))


def first_index(start: int, length: int) -> int:
    """The index of the first chunk that a reader wants, of a stream with ``length`` chunks; a negative ``start`` is from the end."""
    return start if start >= 0 else max(length + start, 0)


def check_limit(limit: int) -> None:
    """Raise ``ValueError`` unless a reader wants at least one chunk."""
    if limit < 1:
        raise ValueError(f"read_chunks() gives at least one chunk when there is one, not {limit}")


def _has_ended(records: Records, run_id: str) -> bool:
    run = records.run(run_id)
    if run is None:
        raise RunNotFoundError(run_id)
    return run.status.ended


def _check_writer(records: Records, writer: StreamWriter | None) -> None:
    """Raise ``WriterLostError`` when the attempt does not run any more."""
    if writer is None:
        return
    run = records.run(writer.run_id)
    step = records.step(writer.run_id, writer.step_id)
    runs = step is not None and step.status is StepStatus.RUNNING and step.attempt == writer.attempt
    if run is None or run.status.ended or not runs:
        raise WriterLostError(writer.run_id, writer.step_id)
