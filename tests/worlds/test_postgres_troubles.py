"""The server goes away and comes back, or does not let us in; what was acknowledged stays, and what can go on goes on."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from tests import postgres_servers
from tests.postgres_servers import Server
from workflow_runtime.errors import WorldError
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    append,
    event,
    far_from_now,
    fresh,
    held,
    hook_created,
    hook_received,
    kinds,
    new_run,
    new_step,
    run_completed,
    step_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Committed, Message, Recorded, StartStatus, UnstorableError
from workflow_runtime.worlds.postgres import PostgresWorld, options_of
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.migrating import migrate


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that may be killed."""
    server = Server()
    yield server
    server.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresWorld]:
    world = PostgresWorld(url)
    await world.open()
    try:
        yield world
    finally:
        await world.close()


async def storm(world: PostgresWorld, runs: int, over: asyncio.Event) -> dict[str, int]:
    """Append to logs until it is over; the last slot of each that was acknowledged."""

    async def one() -> tuple[str, int]:
        run = await world.create_run(
            fresh("wrun"), event(EventKind.RUN_CREATED, workflow="w", bundle="b"), Message(fresh("msg"), "w", due=1e12)
        )
        slot = run.slot
        while not over.is_set():
            answer = await world.commit(run.id, slot, [step_created(f"step_{slot}")])
            assert isinstance(answer, Committed), f"somebody else wrote to {run.id}: {answer}"
            slot = answer.events[-1].slot
        return run.id, slot

    return dict(await asyncio.gather(*(one() for _ in range(runs))))


@pytest.mark.parametrize("crash", [True, False], ids=["killed", "restarted"])
async def test_a_server_that_comes_back_finds_all_as_it_was_and_each_commit_once(server: Server, crash: bool) -> None:
    async with opened(postgres_servers.fresh_url(server=server.url)) as world:
        over = asyncio.Event()
        await (await held(world, "w")).ack()  # from here on the world has connections on this loop
        storming = asyncio.create_task(storm(world, 6, over))
        for _ in range(2):
            await asyncio.sleep(A_WHILE)
            if crash:
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            else:
                await asyncio.to_thread(server.restart)
        await asyncio.sleep(A_WHILE)
        over.set()
        slots = await asyncio.wait_for(storming, SOON)
        for run_id, slot in slots.items():
            assert len(await kinds(world, run_id)) == slot


async def test_who_waits_while_the_server_restarts_is_woken_after_it(server: Server) -> None:
    url = postgres_servers.fresh_url(server=server.url)
    async with opened(url) as world, opened(url) as other:
        run = await new_run(world)
        ended = asyncio.create_task(world.wait_for_end(run.id))
        read = asyncio.create_task(world.read_chunks(run.id, "s", 0, wait=60.0))
        received = asyncio.create_task(take(world))
        await asyncio.sleep(A_WHILE)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await other.write_chunks(run.id, "s", [b"0"])
        await other.send(message := Message(fresh("msg"), run.id))
        assert (await asyncio.wait_for(read, SOON)).chunks == (b"0",)
        assert (await received).message == message
        await append(other, run.id, run_completed())
        assert (await asyncio.wait_for(ended, SOON)).status.ended


async def test_a_message_in_hand_stays_in_hand_when_the_server_restarts(server: Server) -> None:
    url = postgres_servers.fresh_url("lease=30", server=server.url)
    async with opened(url) as world, opened(url) as other:
        run = await new_step(world)
        delivery = await held(world, run.id)
        await world.start_step(run.id, "step_000001", delivery.message.id, 0.0)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await delivery.extend()
        assert (await other.start_step(run.id, "step_000001", "msg_other", 0.0)).status is StartStatus.RUNNING
        assert await world.record(run.id, step_completed("step_000001"), ack=delivery) == Recorded(True)


class Cutting:
    """Makes the connection break after the next statement was done, so that its answer is lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.next = ""
        self.cut = 0
        whole: Callable[..., Awaitable[object]] = vars(asyncpg.Connection)["_execute"]

        async def execute(connection: Connection, query: str, *arguments: object, **more: object) -> object:
            answer = await whole(connection, query, *arguments, **more)
            if self.next and self.next in query:
                self.next, self.cut = "", self.cut + 1
                connection.terminate()
                raise ConnectionResetError("the answer was lost")
            return answer

        monkeypatch.setattr(asyncpg.Connection, "_execute", execute)


@pytest.fixture
def cutting(monkeypatch: pytest.MonkeyPatch) -> Cutting:
    return Cutting(monkeypatch)


async def test_what_was_done_although_its_answer_was_lost_is_not_done_twice(cutting: Cutting) -> None:
    async with opened(postgres_servers.fresh_url()) as world:
        cutting.next = "create_run_"
        run_id = fresh("wrun")
        created = event(EventKind.RUN_CREATED, workflow="w", bundle="b", input=None)
        assert (await world.create_run(run_id, created, Message(fresh("msg"), run_id, due=1e12))).slot == 1
        cutting.next = "commit_"
        batch = [step_created("step_000001"), hook_created("hook_1", "token")]
        assert await append(world, run_id, *batch) == Committed((await world.load(run_id, 1)).events)
        cutting.next = "start_step_"
        assert (await world.start_step(run_id, "step_000001", "msg_a", 7.0)).attempt == 1
        cutting.next = "record_"
        assert await world.record(run_id, step_completed("step_000001")) == Recorded(True)
        cutting.next = "record_"
        assert await world.record(run_id, hook_received("hook_1", payload=1)) == Recorded(True)
        cutting.next = "write_"
        assert await world.write_chunks(run_id, "s", [b"0", b"1"]) == 0
        cutting.next = "record_"
        assert await world.record(run_id, event(EventKind.RUN_CANCELLED, reason=None)) == Recorded(True)
        assert (await world.read_chunks(run_id, "s", 0)).chunks == (b"0", b"1")
        assert cutting.cut == 7
        assert await kinds(world, run_id) == [
            EventKind.RUN_CREATED,
            EventKind.STEP_CREATED,
            EventKind.HOOK_CREATED,
            EventKind.STEP_STARTED,
            EventKind.STEP_COMPLETED,
            EventKind.HOOK_RECEIVED,
            EventKind.RUN_CANCELLED,
        ]


async def test_messages_that_were_taken_although_the_answer_was_lost_come_all_the_same(cutting: Cutting) -> None:
    async with opened(postgres_servers.fresh_url()) as world:
        for taking in ("receive_", "take_"):
            await world.send(message := Message(fresh("msg"), "wrun_1"))
            cutting.next = taking
            delivery = await world.take(message.id) if taking == "take_" else await take(world)
            assert delivery is not None
            assert (delivery.message, cutting.next) == (message, "")
            await delivery.ack()
        assert (await world.queue_depth()).in_hand == 0


async def test_commits_that_shared_a_transaction_whose_answer_was_lost_have_landed_once(cutting: Cutting) -> None:
    async with opened(postgres_servers.fresh_url()) as world:
        runs = [await new_run(world) for _ in range(8)]
        cutting.next = "commit_many_"
        for slot in range(1, 6):
            answers = await asyncio.gather(
                *(world.commit(run.id, slot, [step_created(f"step_{slot}")]) for run in runs)
            )
            assert all(isinstance(answer, Committed) for answer in answers)
        assert cutting.cut == 1
        for run in runs:
            assert len(await kinds(world, run.id)) == 6


async def test_a_server_that_can_not_be_reached_is_named_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(WorldError, match=rf"127\.0\.0\.1:{port}/db .*see that the server runs") as refused:
        await PostgresWorld(f"postgresql://me:s%3Acret@127.0.0.1:{port}/db").open()
    assert "cret" not in str(refused.value)


async def test_a_server_that_stays_away_is_an_error_after_some_seconds(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(postgres_servers.fresh_url(server=server.url)) as world:
        run = await new_run(world)
        session = world._live()
        for lane in (session.service.lane, *session._lanes.values()):
            monkeypatch.setattr(lane, "_patience", 0.5)
        await asyncio.to_thread(server.kill)
        try:
            with pytest.raises(WorldError, match="see that the server runs"):
                await world.load(run.id)
        finally:
            await asyncio.to_thread(server.start)
        assert (await world.load(run.id)).run.id == run.id


async def test_who_may_not_enter_is_told_what_to_check() -> None:
    server = Server(auth="scram-sha-256")
    try:
        wrong = server.url.replace("s%3Acret", "secret-guess")
        with pytest.raises(WorldError, match="check user, password and database") as refused:
            await PostgresWorld(wrong).open()
        assert "secret-guess" not in str(refused.value)
        with pytest.raises(WorldError, match="create the database first"):
            await PostgresWorld(server.url.replace("/postgres", "/nowhere")).open()
        async with opened(server.url + "?schema=fine") as world:
            assert (await world.queue_depth()).due == 0
    finally:
        server.close()


async def test_a_user_without_rights_on_the_schema_is_told_so() -> None:
    url = postgres_servers.fresh_url()
    options = options_of(url)
    connection = await asyncpg.connect(options.dsn)
    role = fresh("role") + options.schema[-8:]
    await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'; REVOKE CREATE ON DATABASE postgres FROM {role}")
    low = url.replace("owner:s%3Acret", f"{role}:x")
    with pytest.raises(WorldError, match=r"docs/postgres\.md lists the privileges"):
        await PostgresWorld(low).open()
    await migrate(options)
    with pytest.raises(WorldError, match=r"docs/postgres\.md lists the privileges"):
        await PostgresWorld(low).open()
    s = options.quoted
    await connection.execute(f"GRANT USAGE ON SCHEMA {s} TO {role}")
    await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {s} TO {role}")
    await connection.close()
    async with opened(low) as world:
        run = await new_run(world)
        await append(world, run.id, step_created("step_000001"), run_completed())
        assert await world.delete_ended(far_from_now()) == 1


async def test_an_id_that_no_index_takes_is_refused_and_tells_so() -> None:
    async with opened(postgres_servers.fresh_url()) as world:
        long = "".join(chr(97 + (n * n) % 26) + str(n) for n in range(3000))
        with pytest.raises(UnstorableError, match="too long for an index"):
            await world.send(Message(long, "wrun_1"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://u:hunter2@h/db?schema=no-name", "'schema' that is no plain name"),
        ("postgresql://u:hunter2@h/db?lease=0", "'lease' that is no number of seconds"),
        ("postgresql://u:hunter2@h/db?connections=none", "'connections' that is no whole number"),
        ("postgresql://u:hunter2@h/db?pooler=session", "'pooler' that is neither"),
        ("postgresql://u:hunter2@h/db?listen=yes", "'listen' that is neither"),
        ("postgresql://u:hunter2@h/db?migrate=maybe", "'migrate' that is neither"),
    ],
)
def test_a_parameter_that_can_not_be_meant_is_refused(url: str, why: str) -> None:
    with pytest.raises(WorldError, match=why) as refused:
        PostgresWorld(url)
    assert "hunter2" not in str(refused.value)


async def test_a_url_that_can_not_be_read_is_refused_without_its_password() -> None:
    with pytest.raises(WorldError, match="the URL can not be read") as refused:
        await PostgresWorld("postgresql://u:hunter2@h:port/db").open()
    assert "hunter2" not in str(refused.value)


def test_without_the_extra_it_is_named() -> None:
    program = """
import sys

sys.modules["asyncpg"] = None
from workflow_runtime.worlds.urls import open_world_url

open_world_url("postgresql://u:hunter2@h/db")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "WorldError: a postgresql:// world needs the package asyncpg" in done.stderr
    assert "pip install 'workflow-build[postgres]'" in done.stderr
    assert "hunter2" not in done.stderr.splitlines()[-1]
