"""The acceptance app, built once by the real command, and a real server process of it for each world."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests import nats_servers, postgres_servers, serving
from tests.acceptance.app import App
from tools.acceptance import DURABLE, WORLDS

FIXTURE = Path(__file__).parents[2] / "fixtures" / "acceptance"

WORLD_URLS: Mapping[str, Callable[[Path], str]] = {
    "memory": lambda data: "memory://",
    "sqlite": lambda data: f"sqlite:///{data / 'workflow.db'}",
    "postgres": lambda data: postgres_servers.shared_url(data),
    "nats": lambda data: nats_servers.fresh_url(str(data)),
}


def world_url(world: str, data: Path) -> str:
    """A fresh world of that name, as ``WORKFLOW_WORLD`` wants it."""
    return WORLD_URLS[world](data)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the fixture that ``workflow-build`` has been run on."""
    folder = serving.copy_project(FIXTURE, tmp_path_factory.mktemp("acceptance") / "app")
    done = serving.build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session", params=WORLDS)
def app(request: pytest.FixtureRequest, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server that answers, shared by all tests of one world."""
    world: str = request.param
    data = tmp_path_factory.mktemp(f"acceptance-{world}")
    with serving.listening() as listener:
        app = App(built, data, listener, world_url(world, data))
        # One world with a replay after each event, which must decide the same; the others as in production.
        app.settings["WORKFLOW_CHECK_REPLAY"] = "1" if world == "memory" else "0"
        try:
            app.start()
            yield app
        finally:
            app.close()


@pytest.fixture
def make_app(tmp_path: Path) -> Iterator[Callable[[Path, str], App]]:
    """Makes apps of a test's own, for a built folder and a world, not started.

    All of one test share their world, if it is durable.
    """
    with ExitStack() as stack:

        def make(folder: Path, world: str) -> App:
            listener = stack.enter_context(serving.listening())
            app = App(folder, tmp_path, listener, world_url(world, tmp_path))
            stack.callback(app.close)
            return app

        yield make


@pytest.fixture(params=WORLDS)
def spare(request: pytest.FixtureRequest, built: Path, make_app: Callable[[Path, str], App]) -> App:
    """A server of this test's own, not started."""
    return make_app(built, request.param)


@pytest.fixture(params=DURABLE)
def mortal(request: pytest.FixtureRequest, built: Path, make_app: Callable[[Path, str], App]) -> App:
    """A server that answers, of this test's own, to be killed. Its world outlives it."""
    app = make_app(built, request.param)
    app.start()
    return app


@pytest.fixture(params=DURABLE)
def redeployed(
    request: pytest.FixtureRequest, built: Path, tmp_path: Path, make_app: Callable[[Path, str], App]
) -> App:
    """As ``mortal``, with a project of this test's own, to be changed and built again."""
    folder = tmp_path / "app"
    shutil.copytree(built, folder)
    app = make_app(folder, request.param)
    app.start()
    return app


@pytest.fixture
def token() -> str:
    """A token that no other test has."""
    return f"token-{uuid4().hex[:12]}"
