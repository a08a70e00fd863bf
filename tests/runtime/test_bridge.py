"""Sync code and the loop that works for it: the worker's life without a lifespan, and plain calls of what is async."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from pathlib import Path

import pytest

from tests.runtime.doubling import doubled, make_service, own_world
from workflow_runtime import WorkflowError, WorldError, get_run, iterate_sync, run_sync, start
from workflow_runtime import bridge as bridging
from workflow_runtime.bridge import Bridge

mark: ContextVar[str] = ContextVar("mark", default="")


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge that has not started yet, on a world of its own."""
    with own_world(monkeypatch, tmp_path):
        bridge = Bridge(make_service(tmp_path))
        yield bridge
        bridge.stop()


async def number() -> str:
    await asyncio.sleep(0)
    return f"{mark.get()} on {threading.current_thread().name}"


def test_async_work_is_done_on_the_one_loop_and_knows_the_callers_context() -> None:
    mark.set("mine")

    assert run_sync(number()) == "mine on workflow loop"
    assert sum(thread.name == "workflow loop" for thread in threading.enumerate()) == 1


def test_what_async_work_raises_comes_to_the_caller() -> None:
    async def broken() -> None:
        raise LookupError("nothing")

    with pytest.raises(LookupError, match="nothing"):
        run_sync(broken())


async def test_async_code_is_told_to_await() -> None:
    with pytest.raises(WorkflowError, match="await"):
        run_sync(number())
    with pytest.raises(WorkflowError, match="async for"):
        iterate_sync(get_run("wrun_x").stream())


def test_an_iteration_that_is_left_closes_what_it_iterated() -> None:
    closed = threading.Event()

    async def endless() -> AsyncIterator[int]:
        try:
            for n in range(10):
                yield n
            await asyncio.Event().wait()
        finally:
            closed.set()

    values = iterate_sync(endless())
    assert [next(values), next(values)] == [0, 1]
    values.close()  # type: ignore[attr-defined]  # WSGI servers call it when the client is gone

    assert closed.wait(10)


def test_runs_started_from_sync_code_end_and_their_streams_can_be_read(bridge: Bridge) -> None:
    bridge.start()
    run = run_sync(start(doubled, 21))

    assert list(iterate_sync(run.stream())) == [21, 42]
    assert run_sync(run.result(timeout=10)) == 42


def test_ensuring_the_worker_starts_it_once_and_does_not_wait(bridge: Bridge) -> None:
    threads = [threading.Thread(target=bridge.ensure) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert run_sync(run_sync(start(doubled, 1)).result(timeout=10)) == 2


def test_a_run_that_is_started_while_the_worker_starts_gives_no_warning(
    bridge: Bridge, caplog: pytest.LogCaptureFixture
) -> None:
    bridge.ensure()
    run_sync(start(doubled, 1))

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_route_waits_for_the_worker_that_it_starts(bridge: Bridge) -> None:
    answer = bridge.health()

    assert answer.status == 200
    assert b'"worker":"running"' in answer.body
    assert bridge.manifest().status == 404


def test_after_it_was_stopped_nothing_works_on_runs_until_it_starts_again(bridge: Bridge) -> None:
    bridge.start()
    bridge.stop()
    run = run_sync(start(doubled, 2))
    with pytest.raises(TimeoutError):
        run_sync(run.result(timeout=0.2))

    bridge.start()

    assert run_sync(run.result(timeout=10)) == 4


def test_a_worker_that_can_not_start_is_logged_and_tried_again_later(
    bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'blocked' / 'runs.db'}")

    bridge.ensure()
    assert bridge.health().status == 503
    bridge.ensure()
    assert caplog.text.count("the worker could not start") == 1, "a failure is not repeated with each request"
    with pytest.raises(WorldError):
        bridge.start()

    monkeypatch.setattr("workflow_runtime.process._world", None)
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'runs.db'}")
    monkeypatch.setattr(bridging, "TRY_AGAIN", 0.0)
    assert bridge.health().status == 200


def test_bodies_are_read_to_their_limit_and_no_further(bridge: Bridge) -> None:
    body = io.BytesIO(b"x" * 10_000_000)

    assert bridge.flow({}, body).status == 413
    assert body.tell() == 256 * 1024 + 1
    assert bridge.flow({}, io.BytesIO(b"{}")).status == 403


def test_a_webhook_is_handed_the_request(bridge: Bridge) -> None:
    bridge.start()
    run = run_sync(start(doubled, 1, "secret"))
    url, headers = "http://shop.test/hook", {"x-twice": "a"}
    deadline = time.monotonic() + 30
    while (status := bridge.webhook("secret", "PROPFIND", url, headers, io.BytesIO(b"four")).status) == 404:
        assert time.monotonic() < deadline

    assert status == 202
    assert run_sync(run.result(timeout=10)) == [10, "PROPFIND", url, "a"]
