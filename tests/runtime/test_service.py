"""A project's service in a process: its worker's life, and what the process says when there is none."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime import RunFailedError, WorkflowError, process, start, step, workflow
from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.http import BUILD_HEADER, SIGNATURE_HEADER, Push, sign
from workflow_runtime.identity import workflow_of
from workflow_runtime.project import Project, Registrations, register_project
from workflow_runtime.service import Service
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.sqlite import SqliteWorld

SOURCE = """
@__workflow_step__("step//service_app//double")
async def double(n): ...

async def double_twice(n):
    if n < 0:
        raise ValueError("negative")
    return await double(await double(n))
"""


@workflow
async def double_twice(n: int) -> int:
    raise NotImplementedError("only its bundle runs")


@step
async def double(n: int) -> int:
    return n * 2


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'runs.db'}")
    monkeypatch.setattr(process, "_world", None)
    monkeypatch.setattr(process, "_idle_handlers", set())


@pytest.fixture
def service(tmp_path: Path) -> Service:
    module, name = __name__, "double_twice"
    bundle = Bundle(
        workflow_of(double_twice).workflow, True, (), (BundleModule(module, "service_app.py", False, SOURCE),)
    )
    workflows, bundles = {f"workflow//{module}//{name}": bundle.hash}, {bundle.hash: lambda: bundle}
    project = Project("service_app._workflow", tmp_path, "build-1", workflows, ["step//service_app//double"], bundles)
    steps = Registrations()
    steps.add("step//service_app//double", double)
    return Service(register_project(project), steps)


async def chunks(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def test_a_started_run_ends_while_the_lifespan_is_entered(service: Service) -> None:
    async with service.lifespan():
        run = await start(double_twice, 3)
        assert await run.result(timeout=10) == 12


async def test_a_run_started_before_the_worker_waits_for_it(service: Service) -> None:
    run = await start(double_twice, 3)
    assert await run.status() == "pending"
    async with service.lifespan():
        assert await run.result(timeout=10) == 12


async def test_starting_where_the_worker_does_not_run_is_said_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await start(double_twice, 1)
    await start(double_twice, 1)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "service_app._workflow" in warnings[0]
    assert "mount(app)" in warnings[0]
    await (await process.process_world()).close()


async def test_a_failed_run_is_logged_with_its_error(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    async with service.lifespan():
        run = await start(double_twice, -1)
        with pytest.raises(RunFailedError) as caught:
            await run.result(timeout=10)
    assert isinstance(caught.value.__cause__, ValueError)
    assert any(
        run.id in record.getMessage() and record.exc_info
        for record in caplog.records
        if record.levelno == logging.ERROR
    )


async def test_workflow_code_that_changed_since_the_build_is_said_at_start(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "service_app.py"
    source.write_text(SOURCE.replace("n < 0", "n < 1"), "utf-8")
    async with service.lifespan():
        assert "service_app.py changed since workflow-build ran" in caplog.text


async def test_a_step_body_or_a_comment_that_changed_is_not_said(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stepped = SOURCE.replace('@__workflow_step__("step//service_app//double")', "@step").replace("(n): ...", "(n):")
    (tmp_path / "service_app.py").write_text(stepped + "\n\n# a comment below\n", "utf-8")
    async with service.lifespan():
        assert "changed since" not in caplog.text


async def test_starting_a_step_says_that_it_is_one(service: Service) -> None:
    with pytest.raises(WorkflowError, match="double is a step"):
        await start(double, 1)


@pytest.mark.parametrize("entered", [False, True])
async def test_health_names_the_build_also_before_the_worker_runs(service: Service, entered: bool) -> None:
    if not entered:
        answer = await service.health()
        assert answer.status == 503
    else:
        async with service.lifespan():
            answer = await service.health()
        assert answer.status == 200
    assert answer.headers[BUILD_HEADER] == "build-1"


async def test_a_step_module_that_does_not_import_shows_in_health_and_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    steps = Registrations()
    steps.unavailable("broken", ImportError("no libheavy"), ["step//broken//chart"])
    service = Service(Project("broken._workflow", tmp_path, "b", {}, ["step//broken//chart"], {}), steps)
    async with service.lifespan():
        answer = await service.health()
    assert answer.status == 503
    assert json.loads(answer.body)["unavailable_steps"] == ["step//broken//chart"]
    assert "no libheavy" not in answer.body.decode()  # health says nothing about internals; the log does
    assert "no libheavy" in caplog.text


class TestFlow:
    """The route for queues that push."""

    async def push(self, service: Service, message: dict[str, Any], secret: str = "s3cret") -> int:
        body = json.dumps(message).encode()
        headers = {SIGNATURE_HEADER: sign(secret, body, time.time())}
        return (await service.flow(headers, chunks(body))).status

    async def test_without_a_secret_every_push_is_refused(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("WORKFLOW_SECRET", raising=False)
        async with service.lifespan():
            assert await self.push(service, {"id": "m", "run_id": "r"}, secret="") == 403

    async def test_a_wrong_signature_is_refused(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORKFLOW_SECRET", "s3cret")
        async with service.lifespan():
            assert await self.push(service, {"id": "m", "run_id": "r"}, secret="other") == 403

    async def test_a_message_that_waits_in_the_queue_is_handled(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, idle_worker: Callable[[], None]
    ) -> None:
        monkeypatch.setenv("WORKFLOW_SECRET", "s3cret")
        idle_worker()
        async with service.lifespan():
            run = await start(double_twice, 5)
            await (await process.process_world()).send(Message("wmsg_pushed", run.id))
            assert await self.push(service, {"id": "wmsg_pushed"}) == 200
            assert await run.result(timeout=1) == 20

    async def test_a_message_in_hand_is_left_alone(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, idle_worker: Callable[[], None]
    ) -> None:
        monkeypatch.setenv("WORKFLOW_SECRET", "s3cret")
        idle_worker()
        async with service.lifespan():
            run = await start(double_twice, 5)
            world = await process.process_world()
            await world.send(Message("wmsg_pushed", run.id))
            delivery = await world.take("wmsg_pushed")
            assert delivery is not None
            assert await self.push(service, {"id": "wmsg_pushed"}) == 200
            assert await run.status() == "pending"

    async def test_a_message_that_is_gone_or_never_was_is_done_with(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WORKFLOW_SECRET", "s3cret")
        async with service.lifespan():
            assert await self.push(service, {"id": "wmsg_none"}) == 200
            assert await self.push(service, {"id": "wmsg_none"}) == 200

    async def test_what_names_no_message_is_refused(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("WORKFLOW_SECRET", "s3cret")
        async with service.lifespan():
            assert await self.push(service, {"run_id": "r"}) == 400

    async def test_before_the_worker_runs_a_push_shall_come_again(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WORKFLOW_SECRET", "s3cret")
        assert await self.push(service, {"id": "m"}) == 503

    async def test_a_body_over_the_limit_is_refused(self, service: Service) -> None:
        answer = await service.flow({}, chunks(b"x" * (service.body_limit + 1)))
        assert answer.status == 413


async def test_health_counts_what_waits(service: Service, idle_worker: Callable[[], None]) -> None:
    idle_worker()
    before = json.loads((await service.health()).body)
    async with service.lifespan():
        run = await start(double_twice, 1)
        await (await process.process_world()).send(Message("wmsg_later", run.id, due=time.time() + 1000))
        after = json.loads((await service.health()).body)
    assert (before["worker"], before["world"], before["queue"]) == ("not started", "not opened", None)
    assert (after["worker"], after["world"]) == ("running", "ok")
    assert after["queue"] == {"due": 1, "in_hand": 0, "delayed": 1}


def test_a_limit_that_is_no_number_is_refused_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_WEBHOOK_LIMIT", "1 MB")
    with pytest.raises(WorkflowError, match="whole number of bytes"):
        Service(Project("limited._workflow", tmp_path, "b", {}, [], {}), Registrations())


@pytest.fixture
def idle_worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Keep the worker from pulling, so that only pushes are handled."""

    def make() -> None:
        async def nothing(self: object) -> None:
            return None

        monkeypatch.setattr("workflow_runtime.worker.Worker._pull", nothing)

    return make


async def test_a_look_while_the_world_closes_does_not_open_it_again(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[dict[str, Any]] = []
    close = SqliteWorld.close

    async def looked_at(world: SqliteWorld) -> None:
        answers.append(json.loads((await service.health()).body))
        await close(world)

    monkeypatch.setattr(SqliteWorld, "close", looked_at)
    async with service.lifespan():
        assert json.loads((await service.health()).body)["worker"] == "running"

    assert [(answer["worker"], answer["world"]) for answer in answers] == [("not started", "not opened")]
    assert process._world is None


async def test_a_push_to_what_stops_is_for_others(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_SECRET", "s")
    body = Push("wmsg_1").body()
    headers = {SIGNATURE_HEADER: sign("s", body, time.time())}
    async with service.lifespan(pulls=False):
        assert (await service.flow(headers, chunks(body))).status == 200

    answer = await service.flow(headers, chunks(body))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_a_push_with_a_receipt_takes_the_message_over(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_SECRET", "s")
    run = await start(double_twice, 3)
    async with process.held_world() as world, service.lifespan(pulls=False):
        (delivery,) = await world.receive(1)
        for push in (Push(delivery.message.id), Push(delivery.message.id, delivery.receipt)):
            assert not await _ended(run.id)
            body = push.body()
            headers = {SIGNATURE_HEADER: sign("s", body, time.time())}
            assert (await service.flow(headers, chunks(body))).status == 200
        assert await _ended(run.id)
        assert not await delivery.extend()


async def _ended(run_id: str) -> bool:
    return (await (await process.process_world()).load(run_id)).run.status.ended
