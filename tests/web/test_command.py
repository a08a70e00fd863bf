"""``python -m workflow_runtime web`` as a process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.inspect import shop
from tests.serving import environment
from tests.web.browser import serving
from tests.web.conftest import CHECKOUT
from workflow_runtime.errors import WorkflowError
from workflow_runtime.web import serving as page_server
from workflow_runtime.worlds.sqlite import SqliteWorld


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "runs.db"

    async def put() -> None:
        world = SqliteWorld(path)
        await world.open()
        await shop.checkout().put(world)
        await world.close()

    asyncio.run(put())
    return path


def command(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command where it ends by itself."""
    words = [sys.executable, "-m", "workflow_runtime", "web", *arguments]
    return subprocess.run(
        words, cwd=folder, env=environment(settings), capture_output=True, text=True, check=False, timeout=60
    )


def test_it_serves_the_world_of_the_environment(tmp_path: Path, database: Path) -> None:
    with serving(tmp_path, database) as url:
        shown = httpx.get(f"{url}/runs/{CHECKOUT}")

        assert shown.status_code == 200
        assert "sqlite:///runs.db" in shown.text
        assert httpx.get(url, headers={"host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("--host", "0.0.0.0"), {}, "set WORKFLOW_WEB_TOKEN to a secret"),
        ((), {"WORKFLOW_WEB_TOKEN": "short"}, "give it 16 or more"),
        ((), {"WORKFLOW_WORLD": "memory://"}, "no other process can see"),
        ((), {}, "there are no runs"),
    ],
    ids=["for all, without a token", "a short token", "a world of another process", "no world"],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    done = command(tmp_path, *arguments, **settings)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_server_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server, "find_spec", lambda _: None)

    with pytest.raises(WorkflowError, match=r"pip install 'workflow-build\[web\]'"):
        page_server.checked_gate("127.0.0.1", "")


def test_the_rest_of_the_runtime_does_without_the_page() -> None:
    code = (
        "import sys, workflow_runtime, workflow_runtime.service, workflow_runtime.asgi, workflow_runtime.__main__;"
        "from workflow_runtime.page import web_page; assert web_page() is None;"
        "print([name for name in sys.modules if name.split('.')[0] in ('jinja2', 'rich') or name.startswith('workflow_runtime.web.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment({}), capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
