"""The Python in the documentation is executed: here, with what stands around it in a reader's project, or typed in whole by the page's own test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import serving
from tests.fences import ROOT, boxes

pytestmark = pytest.mark.timeout(120)

TYPED_IN = {
    "README.md": "tests/e2e/test_readme.py",
    "docs/guide.md": "tests/e2e/test_guide.py",
    "docs/hooks.md": "tests/e2e/test_pages.py",
    "docs/runs.md": "tests/e2e/test_pages.py",
    "docs/streams.md": "tests/e2e/test_streams_page.py",
    "docs/testing.md": "tests/plugin/test_page.py",
    "docs/how-to/": "tests/e2e/test_how_to_pages.py",
    "docs/quickstart/": "tests/frameworks/test_quickstarts.py",
    "docs/errors/": "tests/build/test_check.py",
}
"""Pages, and folders of pages, with a test of their own that has the files on them built and run as they stand."""

ORDERS = """
from workflow_runtime import get_writable, step, workflow

@step
async def charge(order_id: str) -> str:
    await get_writable("news").write("paid")
    return f"paid {order_id}"

@workflow
async def checkout(order_id: str) -> str:
    return await charge(order_id)
"""
TARGETS = ("flask", "django", "tornado", "asgi", "aws-lambda", "azure-functions", "functions-framework", "vercel")
RUNNER = """
import ast, asyncio, inspect, json, sys

for before, text, after in json.load(sys.stdin):
    names = {"__name__": "box"}
    for part in (before, text, after):
        found = eval(compile(part, part[:60], "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(found):
            asyncio.run(found)
print("all done")
"""
TOOLS = """
HEALTH = "/.well-known/workflow/v1/health"

def asked(app, path):
    from starlette.testclient import TestClient
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 5000)) as client:
        return client.get(path).status_code

async def own(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})

def event(path):
    context = {"http": {"method": "GET", "path": path, "sourceIp": "1.2.3.4"}, "stage": "$default", "domainName": "h"}
    return {"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"host": "h"},
            "requestContext": context, "isBase64Encoded": False}
"""
CHALICE = """
import sys, types

class Chalice:  # as its documentation has it; it can not be installed beside the other packages
    def __init__(self, app_name):
        self.routes, self.lambda_context = {}, None
        self.current_request = types.SimpleNamespace(to_original_event=lambda: event(HEALTH))
    def route(self, path, methods=("GET",)):
        return lambda view: self.routes.setdefault(path, view)

class Response:
    def __init__(self, body, headers, status_code):
        self.status_code = status_code

sys.modules["chalice"] = types.SimpleNamespace(Chalice=Chalice, Response=Response)
"""
MY_WORLD = """
import sys, types
from workflow_runtime.worlds.memory import MemoryWorld

class MyWorld(MemoryWorld):
    def __init__(self, url):
        super().__init__()

sys.modules["my_world"] = types.SimpleNamespace(MyWorld=MyWorld)
"""
DJANGO = """
from django.conf import settings
settings.configure(ROOT_URLCONF="shop._workflow.django", ALLOWED_HOSTS=["*"])
"""
AROUND: dict[str, tuple[tuple[str, str], ...]] = {
    "docs/frameworks.md": (
        (
            "",
            """
client = app.test_client()
run = client.post("/orders", json={"id": "o1"}).get_json()["run"]
assert "paid" in client.get(f"/orders/{run}/news").get_data(as_text=True)
""",
        ),
        ("", "post_worker_init(None)\nfrom shop._workflow.flask import bridge\nassert bridge.health().status == 200"),
        (
            DJANGO,
            """
import types
from django.urls import get_resolver
urls = types.ModuleType("urls")
urls.urlpatterns = urlpatterns
assert get_resolver(urls).resolve(HEALTH).func
""",
        ),
        ("", "assert asked(application, HEALTH) == 200"),
        (
            "import tornado.web\nmake_app = tornado.web.Application",
            """
serving = asyncio.create_task(main())
await asyncio.sleep(0)
assert not serving.done()
serving.cancel()
""",
        ),
        ("app = own", "assert [asked(app, HEALTH), asked(app, '/')] == [200, 418]"),
        (
            "import types\napp = types.SimpleNamespace(resolve=lambda event, context: 'own')",
            "assert handler(event(HEALTH), None)['statusCode'] == 200\nassert handler(event('/'), None) == 'own'",
        ),
        (CHALICE, "assert app.routes[f'{PREFIX}/health']().status_code == 200"),
        ("", "assert len(app.get_functions()) == 4"),
        (
            "",
            """
from functions_framework import create_app
from flask import Flask
with Flask("x").test_request_context(HEALTH) as context:
    assert shop(context.request).status_code == 200
with Flask("x").test_request_context("/") as context:
    assert shop(context.request) == "the shop's own answer"
""",
        ),
        ("", "assert [asked(app, HEALTH), asked(app, '/')] == [200, 200]"),
    ),
    "docs/manifest.md": (
        (
            "",
            """
import jsonschema
from pathlib import Path
jsonschema.validate(json.loads(Path("shop/_workflow/manifest.json").read_text()), schema)
""",
        ),
    ),
    "docs/observing.md": (
        ("", "import logging\nassert logging.getLogger().handlers"),
        (
            "",
            "import logging.config\nlogging.config.dictConfig(LOGGING)\nassert logging.getLogger().handlers[0].filters",
        ),
        ("", "assert asked(app, '/metrics') == 200"),
    ),
    "docs/storages.md": (
        (MY_WORLD, "assert len([name for name in dir(TestMyWorld) if name.startswith('test_')]) > 50"),
    ),
    "docs/web.md": (
        (
            "from fastapi import FastAPI\napp = FastAPI()",
            "assert [asked(app, '/_workflow/'), asked(app, '/')] == [200, 404]",
        ),
    ),
    "docs/flow-control.md": (
        (
            "from workflow_runtime import step\nclass Address: ...\nclass Order: ...\nclass Answer: ...",
            "assert render and look_up and ask_partner",
        ),
        ("from workflow_runtime import workflow", "assert nightly_import and onboarding"),
        (
            "from shop.orders import checkout\nfrom workflow_runtime import start\nimport shop._workflow\norder = 'o1'",
            "assert await run.status()",
        ),
    ),
}
"""For each box of a page: what stands before it in a project, and what holds after it."""

BUILT = {
    "docs/what-is-found.md": ("shop/found.py", "{text}"),
    "docs/diagnostics.md": (
        "shop/ignoring.py",
        "import time\nfrom workflow_runtime import workflow\n\n@workflow\nasync def waits() -> None:\n    {text}",
    ),
}
"""Pages with a box that the compiler reads: the file that it is put in, and what stands around it there."""


def texts(page: str) -> list[str]:
    """The boxes of Python on a page."""
    return [box.text for box in boxes("python") if box.page == page]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop for all the frameworks that the pages speak of, built."""
    folder = tmp_path_factory.mktemp("shop") / "project"
    (folder / "shop").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', "utf-8")
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "orders.py").write_text(ORDERS, "utf-8")
    for page, (name, around) in BUILT.items():
        (text,) = texts(page)
        (folder / name).write_text(around.format(text=text), "utf-8")
    done = serving.build(
        folder, "--no-routes", "--format", "json", *(word for name in TARGETS for word in ("--target", name))
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "said.json").write_text(done.stdout, "utf-8")
    return folder


@pytest.mark.parametrize("page", AROUND)
def test_each_box_does_what_the_page_says(page: str, project: Path) -> None:
    parts = [(TOOLS + before, text, after) for text, (before, after) in zip(texts(page), AROUND[page], strict=True)]
    environment = serving.environment({"WORKFLOW_WORLD": "memory://", "WORKFLOW_WEB": "1", "PYTHONPATH": str(ROOT)})

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUNNER],
        cwd=project, env=environment, input=json.dumps(parts), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip

    assert done.stdout.endswith("all done\n"), done.stdout + done.stderr


def test_the_compiler_reads_what_is_shown_to_it_as_the_pages_say(project: Path) -> None:
    said = json.loads((project / "said.json").read_text("utf-8"))
    manifest = (project / "shop" / "_workflow" / "manifest.json").read_text("utf-8")

    assert "step//shop.found//checkout.<locals>.price" in manifest
    assert said["diagnostics"] == []
    assert [one["code"] for one in said["suppressed"]] == ["WB102"]


def test_no_page_has_python_that_nothing_executes() -> None:
    pages = {box.page for box in boxes("python")} - set(AROUND) - set(BUILT)

    assert sorted(page for page in pages if not page.startswith(tuple(TYPED_IN))) == []


@pytest.mark.parametrize("page", TYPED_IN)
def test_the_test_of_a_page_is_about_it(page: str) -> None:
    test = (ROOT / TYPED_IN[page]).read_text("utf-8")
    stem = Path(page).stem

    assert f'"{stem}.md"' in test or f'"{stem}"' in test


@pytest.mark.parametrize("page", sorted(page for page in TYPED_IN if page.endswith(".md") and page != "README.md"))
def test_every_box_of_a_page_that_is_typed_in_is_a_file(page: str) -> None:
    assert [text.splitlines()[0] for text in texts(page) if not text.startswith("# ")] == []
