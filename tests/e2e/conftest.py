"""A shop to test against: a built copy of the fixture, a database of its own, and a real server process that can be killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import serving
from tests.e2e.workshop import Workshop, write_project
from tests.serving import PATIENCE
from workflow_runtime.worlds.base import Log, RunStatus
from workflow_runtime.worlds.urls import open_world_url

FIXTURES = Path(__file__).parents[2] / "fixtures"
ENDED = {status.value for status in RunStatus if status.ended}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the shop's ledger: a step's body began or ended."""

    what: str
    step: str
    order: str
    pid: int
    time: float


@dataclass
class Shop:
    """One built shop with its database and ledger; its server listens at one address, however often it is killed."""

    folder: Path
    data: Path
    listener: socket.socket
    settings: dict[str, str] = field(default_factory=dict)
    app: str = "shop.main:app"
    process: subprocess.Popen[bytes] | None = None
    deaths: dict[int, float] = field(default_factory=dict)
    """When each server was killed or had stopped, by process id."""

    @property
    def url(self) -> str:
        """Where the server answers."""
        return serving.address(self.listener)

    @property
    def world(self) -> str:
        """The database, as ``WORKFLOW_WORLD`` wants it."""
        return self.settings.get("WORKFLOW_WORLD", f"sqlite:///{self.data / 'workflow.db'}")

    def environment(self) -> dict[str, str]:
        """What the server's process sees; nothing of the tester's own settings."""
        ours = {
            "WORKFLOW_WORLD": self.world,
            "SHOP_LEDGER": str(self.data / "ledger.jsonl"),
            "SHOP_REVIEW_AFTER": "100ms",
            "SHOP_HEAVY_SECONDS": "0",
        }
        return serving.environment(ours | self.settings, "SHOP")

    def start(self) -> None:
        """Start the server's process; it may take a while until it answers."""
        log = self.data / "server.log"
        self.process = serving.launch(self.app, self.folder, self.listener, self.environment(), log)

    def wait_until_ready(self) -> None:
        """Return once the server answers; fail with its log when it does not."""
        assert self.process
        serving.wait_until_ready(self.process, self.url, self.data / "server.log")

    def kill(self) -> None:
        """SIGKILL, and wait until the process is gone."""
        assert self.process
        self.deaths[self.process.pid] = time.time()
        serving.kill(self.process)
        self.process = None

    def stop(self) -> int:
        """Ask the server to stop, as a deploy does, and give its exit code."""
        assert self.process
        self.process.terminate()
        code = self.process.wait(timeout=PATIENCE)
        self.deaths[self.process.pid] = time.time()
        self.process = None
        return code

    def log(self) -> str:
        """The end of what the servers printed."""
        return serving.tail(self.data / "server.log")

    def post(self, path: str, body: dict[str, Any], timeout: float = 30) -> dict[str, Any]:
        """The answer to a POST that must succeed."""
        answer = httpx.post(self.url + path, json=body, timeout=timeout)
        assert answer.status_code == 202, f"{answer.status_code} {answer.text}\n{self.log()}"
        parsed: dict[str, Any] = answer.json()
        return parsed

    def show(self, run_id: str) -> dict[str, Any]:
        """Where a run stands, as the shop's own page tells it."""
        answer = httpx.get(f"{self.url}/orders/{run_id}", timeout=30)
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}\n{self.log()}"
        parsed: dict[str, Any] = answer.json()
        return parsed

    def wait_for(self, run_id: str, patience: float = PATIENCE) -> dict[str, Any]:
        """What the shop says about a run once it has ended."""
        deadline = time.monotonic() + patience
        while (answer := self.show(run_id))["status"] not in ENDED:
            assert time.monotonic() < deadline, (
                f"run {run_id} does not end: {answer}\n{self.kinds(run_id)}\n{self.log()}"
            )
            time.sleep(0.05)
        return answer

    def logs(self) -> dict[str, Log]:
        """The log of every run in the database, by id of the run."""

        async def read() -> dict[str, Log]:
            world = open_world_url(self.world)
            await world.open()
            try:
                return {run.id: await world.load(run.id) for run in await world.list_runs(limit=10_000)}
            finally:
                await world.close()

        return asyncio.run(read())

    def kinds(self, run_id: str) -> list[str]:
        """The kinds of a run's events, with what each is about."""
        return [f"{event.slot} {event.kind} {event.entity}" for event in self.logs()[run_id].events]

    def ledger(self) -> list[Entry]:
        """Every line of the ledger, as written."""
        path = self.data / "ledger.jsonl"
        return [Entry(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def wait_for_line(self, what: str, step: str) -> Entry:
        """The first such line of the ledger, once it is there."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for entry in self.ledger():
                if (entry.what, entry.step) == (what, step):
                    return entry
            time.sleep(0.005)
        raise AssertionError(f"the ledger never said {what} {step}:\n{self.ledger()}\n{self.log()}")

    def overlaps(self) -> list[tuple[Entry, Entry]]:
        """Pairs of executions of one step of one order where the second began while the first ran and its process lived."""
        running: dict[tuple[str, str], list[Entry]] = {}
        found = []
        for entry in self.ledger():
            open_ones = running.setdefault((entry.order, entry.step), [])
            if entry.what == "begin":
                alive = (one for one in open_ones if entry.time < self.deaths.get(one.pid, entry.time + 1))
                found += [(one, entry) for one in alive]
                open_ones.append(entry)
            else:
                open_ones[:] = [one for one in open_ones if one.pid != entry.pid]
        return found


def _check_log(log: Log) -> None:
    """Assert what holds for the log of any run that has ended: no hole, and one outcome for each thing."""
    events = log.events
    ends = Counter(event.entity for event in events if event.kind.endswith(("_completed", "_failed", "_cancelled")))
    created = {event.entity for event in events if event.kind in ("step_created", "wait_created")}

    assert [event.slot for event in events] == [*range(1, len(events) + 1)]
    assert {entity: count for entity, count in ends.items() if count > 1} == {}, (
        f"{log.run.id}: an outcome stands twice"
    )
    assert ends[""] == 1, f"{log.run.id}: the run has no outcome"
    assert set(ends) - {""} <= created, f"{log.run.id}: an outcome of what was never created"
    if log.run.status is RunStatus.COMPLETED:
        assert set(ends) - {""} == created, f"{log.run.id}: something was created and never ended"


def _built(fixture: str, folder: Path) -> Path:
    """A copy of the fixture in ``folder`` that ``workflow-build`` has been run on."""
    done = serving.build(serving.copy_project(FIXTURES / fixture, folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@contextmanager
def _not_started(built: Path, place: Path) -> Iterator[Shop]:
    """A copy of a built app with a database of its own. Its server is killed when the block is left."""
    folder = place / "app"
    shutil.copytree(built, folder)
    data = place / "data"
    data.mkdir()
    with serving.listening() as listener:
        shop = Shop(folder, data, listener)
        yield shop
        if shop.process:
            shop.kill()


@pytest.fixture(scope="session")
def built_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the shop that ``workflow-build`` has been run on."""
    return _built("fastapi_shop", tmp_path_factory.mktemp("shop") / "app")


@pytest.fixture(scope="session")
def built_newsroom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the newsroom that ``workflow-build`` has been run on."""
    return _built("fastapi_newsroom", tmp_path_factory.mktemp("newsroom") / "app")


@pytest.fixture
def shop(built_shop: Path, tmp_path: Path) -> Iterator[Shop]:
    """A shop of this test's own, its server not started. The server is killed when the test is over."""
    with _not_started(built_shop, tmp_path) as shop:
        yield shop


@contextmanager
def _newsroom(built: Path, place: Path, gates: Sequence[str] = ()) -> Iterator[Shop]:
    """A newsroom that answers. Its steps stop at gates, which are files in ``data / "gates"``; those named are open."""
    with _not_started(built, place) as newsroom:
        folder = newsroom.data / "gates"
        folder.mkdir()
        for gate in gates:
            (folder / gate).touch()
        newsroom.app = "newsroom.main:app"
        newsroom.settings["NEWSROOM_GATES"] = str(folder)
        newsroom.start()
        newsroom.wait_until_ready()
        yield newsroom


@pytest.fixture
def newsroom(built_newsroom: Path, tmp_path: Path) -> Iterator[Shop]:
    """A newsroom of this test's own, all gates shut."""
    with _newsroom(built_newsroom, tmp_path) as newsroom:
        yield newsroom


@pytest.fixture(scope="module")
def open_newsroom(built_newsroom: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A newsroom with all gates open, for tests that keep to runs and tokens of their own."""
    with _newsroom(built_newsroom, tmp_path_factory.mktemp("open"), ["half", "all", "judge"]) as newsroom:
        yield newsroom


@pytest.fixture
def second(shop: Shop) -> Iterator[Shop]:
    """A second server of the same shop, on the same database."""
    with serving.listening() as listener:
        other = replace(shop, listener=listener)
        yield other
        if other.process:
            other.kill()


@pytest.fixture
def open_shop(shop: Shop) -> Shop:
    """A shop whose server answers."""
    shop.start()
    shop.wait_until_ready()
    return shop


@pytest.fixture(scope="session")
def built_workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that workers work on, compiled."""
    folder = tmp_path_factory.mktemp("workshop") / "project"
    write_project(folder)
    return folder


@pytest.fixture
def workshop(built_workshop: Path, tmp_path: Path) -> Iterator[Workshop]:
    """That project with a database of this test's own. Its processes are killed when the test is over."""
    made = Workshop(built_workshop, tmp_path)
    yield made
    made.close()


@pytest.fixture
def check_log() -> Callable[[Log], None]:
    """Asserts what holds for the log of any run that has ended."""
    return _check_log
