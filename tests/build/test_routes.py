"""Reading routes: the user's own interpreter run, and every way in which an app can fail to be read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workflow_build.emit import emit, emitted_build
from workflow_build.model import Bundles, Config, Functions, Routes
from workflow_build.routes import config_text, read_routes
from workflow_build.write import write

PREFIX = "/.well-known/workflow/v1"
MOUNTED = """
from fastapi import FastAPI
from shop._workflow.fastapi import mount
app = FastAPI()
mount(app)
"""

Read = Callable[..., Routes]


@pytest.fixture
def read(project: Callable[..., Config]) -> Read:
    """Write the app and the emitted files to disk, then read the routes in a real subprocess."""

    def run(source: str, app: str = "shop.main:app", timeout: float = 60.0, others: tuple[str, ...] = ()) -> Routes:
        config = replace(project({"shop/__init__.py": "", "shop/main.py": source}, app=app), other_apps=others)
        files = emit(config, Functions(()), Bundles(()))
        write(config.out, files)
        return read_routes(config, "fastapi", emitted_build(files), timeout)

    return run


def test_the_written_handler_is_found_in_the_users_app_and_confirmed(read: Read) -> None:
    found = read(MOUNTED)

    tails = ["webhook/{token}", "flow", "health", "manifest.json"]
    assert [route.path for route in found.routes] == [f"{PREFIX}/{tail}" for tail in tails]
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def test_an_app_that_does_not_mount_is_told_with_those_that_may_be_meant(read: Read) -> None:
    source, others = "from fastapi import FastAPI\napp = FastAPI()\n", ("site_.asgi:application (Django)",)

    (hint,) = [one.hint for one in read(source, others=others).diagnostics]
    assert "shop.main:app is one of several apps" in hint
    assert "(site_.asgi:application (Django)), name it with --app" in hint
    assert read(MOUNTED, others=others).diagnostics == ()


@pytest.mark.parametrize("app", ["shop.main:create_app", "shop.main:create_app()", "shop.main:Made.app"])
def test_a_factory_is_called_and_an_attribute_path_followed(read: Read, app: str) -> None:
    factory = """
    from fastapi import FastAPI
    from shop._workflow.fastapi import router

    def create_app(settings=None, **more):
        app = FastAPI()
        app.include_router(router, prefix="/api")
        return app

    class Made:
        app = create_app()
    """

    found = read(factory, app)

    assert f"/api{PREFIX}/flow" in [route.path for route in found.routes]
    assert found.diagnostics == ()


def test_what_the_app_prints_and_starts_does_not_get_in_the_way(read: Read, tmp_path: Path) -> None:
    noisy = f"""
import os, subprocess, sys
print("{{}}" * 100_000)
print("noise", file=sys.stderr)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(tmp_path / "pid")!r}, "w").write(str(child.pid))
os.close(1)
{MOUNTED}"""

    found = read(noisy)

    assert all(route.confirmed for route in found.routes)
    assert found.routes
    assert _ends(int((tmp_path / "pid").read_text()))


def test_reading_leaves_no_bytecode_in_the_project(read: Read, tmp_path: Path) -> None:
    read(MOUNTED)

    assert list(tmp_path.rglob("__pycache__")) == []


def test_an_app_that_raises_is_shown_at_the_users_line_with_its_traceback(read: Read) -> None:
    found = read("import json\n\ndef boom():\n    json.loads('{')\n\nboom()\n")

    diagnostic = found.diagnostics[0]
    assert (diagnostic.code, found.routes) == ("WB510", ())
    assert "JSONDecodeError" in diagnostic.message
    assert diagnostic.location is not None
    assert (diagnostic.location.path, diagnostic.location.line) == ("shop/main.py", 4)
    assert diagnostic.trail[-1].startswith("json.decoder.JSONDecodeError")
    assert not any("importlib" in line or "route_probe" in line for line in diagnostic.trail)


@pytest.mark.parametrize(
    ("source", "app", "expected"),
    [
        (
            "import sys\nsys.exit('no settings')",
            "shop.main:app",
            "ends the process while it is imported (SystemExit: no settings)",
        ),
        ("import os\nos._exit(7)", "shop.main:app", "ended the process while it was loaded (exit code 7)"),
        ("def broken(:", "shop.main:app", "SyntaxError"),
        ("import shop.nowhere", "shop.main:app", "No module named 'shop.nowhere'"),
        ("raise KeyboardInterrupt", "shop.main:app", "KeyboardInterrupt"),
    ],
)
def test_an_app_that_can_not_be_loaded_is_a_finding(read: Read, source: str, app: str, expected: str) -> None:
    found = read(source, app)

    assert [diagnostic.code for diagnostic in found.diagnostics] == ["WB510"]
    assert expected in found.diagnostics[0].message


def test_an_app_that_hangs_is_ended_and_shown_where_it_hangs(read: Read) -> None:
    found = read("import threading\n\ndef wait():\n    threading.Event().wait()\n\nwait()\n", timeout=1.0)

    diagnostic = found.diagnostics[0]
    assert diagnostic.code == "WB512"
    assert diagnostic.location is not None
    assert (diagnostic.location.path, diagnostic.location.line) == ("shop/main.py", 4)


def test_an_app_without_the_mount_is_shown_where_the_app_is_made(read: Read) -> None:
    found = read("from fastapi import FastAPI\n\napp = FastAPI()\n")

    diagnostic = found.diagnostics[0]
    assert diagnostic.code == "WB501"
    assert diagnostic.location is not None
    assert (diagnostic.location.path, diagnostic.location.line, diagnostic.location.end_column) == (
        "shop/main.py",
        3,
        16,
    )


def test_config_points_the_queue_at_the_first_confirmed_flow_route(read: Read) -> None:
    found = read(f"{MOUNTED}from shop._workflow.fastapi import router\napp.include_router(router, prefix='/two')\n")

    content = json.loads(config_text(["fastapi"], [found]))

    assert content["version"] == 1
    assert content["targets"] == ["fastapi"]
    assert content["queue"] == {"flow": f"{PREFIX}/flow"}
    assert content["routes"][1] == {
        "kind": "flow",
        "path": f"{PREFIX}/flow",
        "methods": ["POST"],
        "source": "fastapi.routing.iter_route_contexts",
        "host": None,
        "confirmed": True,
    }


def _ends(pid: int) -> bool:
    """Whether a process is gone soon; what was killed may stay a moment until it is reaped."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
