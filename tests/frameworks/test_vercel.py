"""The shop on Vercel: no worker, sync frameworks too, and (``make soak``) served by the runtime that Vercel's functions have."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.frameworks.conftest import Built
from tests.frameworks.pushing import pushing
from tests.frameworks.shop import Shop, open_shop
from tests.frameworks.targets import FIXTURES, Server, target
from tests.frameworks.test_contracts import ROOT, installer, run

VERCEL = target("vercel")
PREFIX = "/.well-known/workflow/v1"
NEWER = ("python3.14", "python3.13", "python3.12")
"""What Vercel's runtime needs."""
WAITRESS = Server("waitress", ("{python}", "-m", "waitress", "--listen=127.0.0.1:{port}", "shop.main:app"))

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def flask_shop(built: Built, tmp_path: Path) -> Path:
    """The shop's Flask app behind Vercel's mount, put in the way in which Flask's users put middleware in."""
    folder = shutil.copytree(built("vercel"), tmp_path / "flask")
    text = (FIXTURES / "flask" / "shop" / "main.py").read_text("utf-8")
    assert "    mount(app)\n" in text
    text = text.replace("    mount(app)\n", "    app.wsgi_app = mount(app.wsgi_app)\n").replace(
        ".flask import", ".vercel import"
    )
    text += "\n\napp = create_app()\n"
    (folder / "shop" / "main.py").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of an environment that has Vercel's runtime."""
    python = next((found for found in [sys.executable, *map(shutil.which, NEWER)] if found and is_newer(found)), None)
    if python is None:
        pytest.skip("Vercel's runtime needs Python 3.12, and there is none")
    folder = tmp_path_factory.mktemp("runtime")
    run(python, "-m", "venv", "--without-pip", str(folder))
    interpreter = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    run(*installer(interpreter), "-q", "-e", str(ROOT), "vercel-runtime", "fastapi", "flask")
    return interpreter


def is_newer(python: str) -> bool:
    """Whether that is an interpreter of at least Python 3.12."""
    asked = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 12))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def place_and_wait(shop: Shop) -> None:
    """An order that nothing works on, until a queue pushes."""
    shop.place("o1")
    assert httpx.get(f"{shop.url}{PREFIX}/health", timeout=30).json()["worker"] == "none"
    time.sleep(0.3)
    assert shop.ledger() == [], "nothing happens between requests"


def finish(shop: Shop, run_id: str) -> None:
    """Both calls of the bank, and the end of the order."""
    with pushing(shop.data / "workflow.db", shop.flow, VERCEL.environment["WORKFLOW_SECRET"]):
        for method in VERCEL.methods:
            assert shop.call("o2", method, "").status_code == 202
        assert shop.wait(run_id)["answers"] == [f"{method} " for method in VERCEL.methods]
    with httpx.stream("GET", f"{shop.url}/orders/{run_id}/news", timeout=30) as answer:
        assert sum(line.startswith("data: {") for line in answer.iter_lines()) == 3


@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_nothing_happens_but_what_is_pushed(
    framework: str, built: Built, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder, server = built("vercel"), VERCEL.servers[0]
    if framework == "flask":
        folder, server = request.getfixturevalue("flask_shop"), WAITRESS

    hold_to_it(server, folder, tmp_path / "data")


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="Vercel's runtime talks over a Unix socket")
@pytest.mark.parametrize("framework", ["fastapi", "flask"])
def test_vercels_own_runtime_serves_it(
    framework: str, built: Built, runtime: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = built("vercel") if framework == "fastapi" else request.getfixturevalue("flask_shop")
    script = Path(__file__).with_name("vercel_function.py")

    hold_to_it(Server("vercel-runtime", (runtime, str(script), "{port}", "shop.main:app")), folder, tmp_path / "data")


def hold_to_it(server: Server, folder: Path, data: Path) -> None:
    """An order waits for pushes, and another one ends with them."""
    with open_shop(replace(VERCEL, pushed=False), server, folder, data) as shop:
        place_and_wait(shop)
        finish(shop, shop.place("o2"))
