"""What a worker is told by its environment, where it tells how it is, and how it removes old runs."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from workflow_runtime import retention
from workflow_runtime.errors import WorkflowError, WorldError
from workflow_runtime.handler.ends import cancel, cancel_children
from workflow_runtime.health_server import CONNECTIONS, HEAD_LIMIT, serving
from workflow_runtime.http import HttpResponse, json_response
from workflow_runtime.retention import BATCH, remove_old, removing
from workflow_runtime.testing.harness import append, child_created, new_run, run_completed, take
from workflow_runtime.worker_options import Address, WorkerOptions, address, worker_options
from workflow_runtime.worlds.base import RunStatus
from workflow_runtime.worlds.memory import MemoryWorld


class TestOptions:
    """Settings are text, and mean something or are refused."""

    def test_none_is_needed(self) -> None:
        assert worker_options({}) == WorkerOptions(concurrency=64, grace=10.0, retention=None, health=None)

    def test_each_is_read(self) -> None:
        settings = {"CONCURRENCY": "3", "GRACE": "2 min", "RETENTION": "30 days", "HEALTH": "[::1]:8081"}
        found = worker_options({f"WORKFLOW_{name}": value for name, value in settings.items()})

        assert found == WorkerOptions(3, 120.0, 30 * 86400.0, Address("::1", 8081))
        assert str(found.health) == "[::1]:8081"

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("CONCURRENCY", "0"),
            ("CONCURRENCY", "many"),
            ("GRACE", "soon"),
            ("RETENTION", "-3"),
            ("RETENTION", "0"),
            ("RETENTION", "0 days"),
            ("HEALTH", "8081"),
            ("HEALTH", ":8081"),
            ("HEALTH", "localhost"),
            ("HEALTH", "localhost:99999"),
            ("HEALTH", "http://localhost:1"),
            ("HEALTH", "localhost:1/path"),
            ("HEALTH", "me@localhost:1"),
            ("HEALTH", "[::1:1"),
        ],
    )
    def test_what_means_nothing_is_refused_by_name(self, name: str, text: str) -> None:
        with pytest.raises(WorkflowError, match=f"WORKFLOW_{name} is "):
            worker_options({f"WORKFLOW_{name}": text})

    def test_an_address_is_printed_as_it_is_written(self) -> None:
        assert str(address("127.0.0.1:0")) == "127.0.0.1:0"


@pytest.fixture
async def where() -> AsyncIterator[Address]:
    """A health server with an answer, and one that breaks."""

    async def answer() -> HttpResponse:
        return json_response(503, {"a": "é"})

    async def breaks() -> HttpResponse:
        raise ValueError("secret")

    async with serving(Address("127.0.0.1", 0), {"/health": answer, "/broken": breaks}) as address:
        yield address


async def asked(where: Address, request: bytes) -> bytes:
    """All that comes back."""
    reader, writer = await asyncio.open_connection(where.host, where.port)
    writer.write(request)
    try:
        async with asyncio.timeout(5):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


class TestHealthServer:
    """GET of a few paths, and calm about all else."""

    async def test_an_answer_is_whole(self, where: Address) -> None:
        head, _, body = (await asked(where, b"GET /health?x=/broken HTTP/1.1\r\nHost: x\r\n\r\n")).partition(
            b"\r\n\r\n"
        )

        assert head.split(b"\r\n")[0] == b"HTTP/1.1 503 Service Unavailable"
        assert f"content-length: {len(body)}".encode() in head
        assert json.loads(body) == {"a": "é"}

    async def test_what_breaks_is_told_to_the_log_alone(self, where: Address, caplog: pytest.LogCaptureFixture) -> None:
        answer = await asked(where, b"GET /broken HTTP/1.1\r\n\r\n")

        assert answer.startswith(b"HTTP/1.1 500 ")
        assert b"secret" not in answer
        assert "secret" in caplog.text

    @pytest.mark.parametrize(
        ("request_", "first"),
        [
            (b"HEAD /health HTTP/1.0\r\n\r\n", b"HTTP/1.1 503"),
            (b"POST /health HTTP/1.1\r\n\r\n", b"HTTP/1.1 405"),
            (b"GET /nothing HTTP/1.1\r\n\r\n", b"HTTP/1.1 404"),
            (b"GET /\xff HTTP/1.1\r\n\r\n", b"HTTP/1.1 404"),
            (b"\r\n\r\n", b"HTTP/1.1 404"),
            (b"x" * (3 * HEAD_LIMIT), b""),
        ],
    )
    async def test_nothing_else_is_answered(self, where: Address, request_: bytes, first: bytes) -> None:
        answer = await asked(where, request_)

        assert answer[: len(first)] == first
        assert answer.partition(b"\r\n\r\n")[2] == b""

    async def test_those_who_say_nothing_keep_no_others_away(
        self, where: Address, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workflow_runtime.health_server.PATIENCE", 0.5)
        silent = [await asyncio.open_connection(where.host, where.port) for _ in range(CONNECTIONS)]
        await asyncio.sleep(0)
        assert await asked(where, b"GET /health HTTP/1.1\r\n\r\n") != b""
        async with asyncio.timeout(5):
            assert await asyncio.gather(*(reader.read() for reader, _ in silent)) == [b""] * CONNECTIONS
        for _, writer in silent:
            writer.close()

    @pytest.mark.parametrize("patience", [0.1, 60.0])
    async def test_those_who_do_not_read_are_left(self, monkeypatch: pytest.MonkeyPatch, patience: float) -> None:
        async def long() -> HttpResponse:
            return HttpResponse(200, body=b"x" * 20_000_000)

        def open_ones() -> list[asyncio.Task[Any]]:
            return [task for task in asyncio.all_tasks() if task.get_name() == "workflow health"]

        monkeypatch.setattr("workflow_runtime.health_server.PATIENCE", patience)
        async with asyncio.timeout(20):
            async with serving(Address("127.0.0.1", 0), {"/long": long}) as where:
                _, writer = await asyncio.open_connection(where.host, where.port, limit=1)
                writer.write(b"GET /long HTTP/1.1\r\n\r\n")
                await asyncio.sleep(0.05)
                while patience < 1 and open_ones():  # noqa: ASYNC110 - nobody tells when it is given up
                    await asyncio.sleep(0.01)
            assert not open_ones(), "nothing keeps the process from ending"
            writer.transport.abort()

    async def test_an_address_that_is_taken_is_said(self, where: Address) -> None:
        with pytest.raises(WorkflowError, match=f"nothing can listen on {where}: "):
            async with serving(where, {}):
                pass


class Old(MemoryWorld):
    """A world in which so many runs have ended long ago."""

    def __init__(self, runs: int) -> None:
        super().__init__()
        self.runs = runs
        self.batches: list[int] = []
        self.fails = 0

    async def delete_ended(self, before: float, limit: int = 100) -> int:
        """Remove some of them."""
        if self.fails:
            self.fails -= 1
            raise WorldError("busy")
        assert before > 0
        batch = min(limit, self.runs)
        self.runs -= batch
        self.batches.append(batch)
        return batch


class TestRetention:
    """Old runs go, a few at a time, for as long as the worker runs."""

    async def test_they_go_in_small_batches(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "BREATH", 0.0)
        world = Old(2 * BATCH + 1)

        assert await remove_old(world, 60.0) == 2 * BATCH + 1
        assert world.batches == [BATCH, BATCH, 1]

    async def test_a_failure_of_the_storage_is_not_the_end(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        world = Old(7)
        world.fails = 1
        async with removing(world, 0.0), asyncio.timeout(10):
            while world.runs:  # noqa: ASYNC110 - it says so to nobody
                await asyncio.sleep(0.01)
            await asyncio.sleep(0)

        assert "can not be removed now: busy" in caplog.text
        assert "removed 7 runs" in caplog.text

    async def test_without_a_time_none_goes(self) -> None:
        world = Old(1)
        async with removing(world, None):
            await asyncio.sleep(0.05)

        assert world.batches == []

    async def test_a_child_that_was_removed_keeps_no_other_from_being_cancelled(self) -> None:
        world = MemoryWorld()
        await world.open()
        parent, gone, lives = [await new_run(world) for _ in range(3)]
        await append(world, parent.id, child_created("child_1", gone.id), child_created("child_2", lives.id))
        await append(world, gone.id, run_completed(10.0))
        assert await world.delete_ended(11.0) == 1

        assert await cancel(world, parent.id, "enough")
        await cancel_children(world, await take(world))

        assert (await world.load(lives.id)).run.status is RunStatus.CANCELLED
        await world.close()
